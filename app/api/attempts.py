"""Limits on attempts to sign in and on mails that visitors have sent, counted in Redis, and in the process while Redis
is away.

After a number of failures the next attempt has to wait, each time twice as long. An account's failures from browsers
that it has never been signed in with don't count for those that it has: nobody can keep its owner out.
"""

from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from time import time
from typing import Final

from app.api.problems import Problem
from app.api.redis import Pair, RedisError
from app.api.redis.pair import Script


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on attempts. `of_account` and `of_client` are the failures before the first wait, of an account (or one
    of its known browsers) and of a client. Waits are in seconds.

    After `forgotten` seconds without a failure all failures are forgotten; it is longer than any wait. `what` names
    the attempts in the message.
    """

    name: str
    what: str
    of_account: int
    of_client: int
    first_wait: int
    longest_wait: int
    forgotten: int


SIGN_INS: Final = Limits("attempts", "attempts to sign in", 10, 300, first_wait=30, longest_wait=300, forgotten=600)
"""Whole offices share an address; the account's own limit is what stops guessing."""
MAILS: Final = Limits("mails", "mails", 3, 30, first_wait=600, longest_wait=3_600, forgotten=7_200)
"""They keep a mailbox from being flooded. No success resets them."""
REMEMBERED_HERE: Final = 10_000
"""Accounts and clients that the process counts while Redis is away: a megabyte or two."""

# ARGV: now, failures without a wait, first and longest wait, seconds until all is forgotten. Returns how long to wait;
# 0: this attempt may be made, and is counted as failed until it is forgiven.
_TRY: Final = Script("""
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or '0')
local opens = tonumber(redis.call('HGET', KEYS[1], 'opens') or '0')
local now = tonumber(ARGV[1])
if now < opens then return math.ceil(opens - now) end
failures = failures + 1
redis.call('HSET', KEYS[1], 'failures', failures)
local beyond = failures - tonumber(ARGV[2])
if beyond >= 0 then
  redis.call('HSET', KEYS[1], 'opens', now + math.min(tonumber(ARGV[3]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[4])))
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 0
""")
_FORGIVE_ONE: Final = Script("""
if tonumber(redis.call('HGET', KEYS[1], 'failures') or '0') > 0 then
  redis.call('HINCRBY', KEYS[1], 'failures', -1)
  redis.call('HDEL', KEYS[1], 'opens')
end
return 0
""")


class Attempts:
    """Counts attempts; raises Problem 429 when there are too many."""

    def __init__(self, pair: Pair, limits: Limits) -> None:
        self._pair = pair
        self._limits = limits
        self._here: dict[str, tuple[int, float]] = {}
        """Failures, and the moment from which the next attempt may be made; least lately tried first."""

    async def count(self, account: str, client: str) -> None:
        """Count an attempt at this account from this client. It counts as failed until it is forgiven."""
        limits = self._limits
        keys = (self._key("client", client), limits.of_client), (self._key("account", account), limits.of_account)
        for key, free in keys:
            wait = await self._try(key, free)
            if wait > 0:
                after = f"{wait} seconds" if wait <= 60 else f"{ceil(wait / 60)} minutes"
                raise Problem(
                    429,
                    f"Too many {limits.what}: try again in {after}.",
                    headers={"Retry-After": str(wait)},
                )

    async def forgive(self, account: str, client: str) -> None:
        """The attempt succeeded: the account's earlier failures and this attempt of the client no longer count."""
        account_key, client_key = self._key("account", account), self._key("client", client)
        self._here.pop(account_key, None)
        if client_key in self._here:
            self._here[client_key] = (self._here[client_key][0] - 1, 0.0)
        try:
            await self._pair.call("UNLINK", account_key)
            await self._pair.run(_FORGIVE_ONE, [client_key], [])
        except RedisError:
            return

    async def _try(self, key: str, free: int) -> int:
        now = time()
        limits = [free, self._limits.first_wait, self._limits.longest_wait, self._limits.forgotten]
        try:
            return await self._pair.run(_TRY, [key], [f"{now:.3f}", *limits])
        except RedisError:
            return self._try_here(key, free, now)

    def _try_here(self, key: str, free: int, now: float) -> int:
        failures, opens = self._here.pop(key, (0, 0.0))
        if now >= opens:
            if opens and now >= opens + self._limits.forgotten:
                failures = 0
            failures += 1
            beyond = failures - free
            wait, opens = 0, now
            if beyond >= 0:
                opens += min(self._limits.first_wait * 2 ** min(beyond, 20), self._limits.longest_wait)
        else:
            wait = ceil(opens - now)
        self._here[key] = (failures, opens)
        while len(self._here) > REMEMBERED_HERE:
            del self._here[next(iter(self._here))]
        return wait

    def _key(self, kind: str, of: str) -> str:
        """A counter's key: a hash, so that keys have one size and no address is readable in Redis."""
        return f"{self._limits.name}:{kind}:{sha256(of.encode()).hexdigest()[:32]}"
