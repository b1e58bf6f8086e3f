"""A limit on attempts to sign in: by account and by client, counted in Redis, in the process while Redis is away."""

from time import monotonic
from typing import Final

from app.api.problems import Problem
from app.api.redis import Pair, RedisError
from app.api.redis.pair import Script

WINDOW_SECONDS: Final = 300
OF_ACCOUNT: Final = 10
OF_CLIENT: Final = 300
"""Whole offices share an address; the account's own limit is what stops guessing."""

_COUNT: Final = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
""")


class Attempts:
    """Counts attempts; raises Problem 429 when there are too many."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._local: dict[str, tuple[int, float]] = {}

    async def count(self, account: str, client: str) -> None:
        """One more attempt for this account from this client."""
        for key, limit in ((f"attempts:account:{account}", OF_ACCOUNT), (f"attempts:client:{client}", OF_CLIENT)):
            if await self._increment(key) > limit:
                raise Problem(
                    429,
                    f"Too many attempts to sign in: wait {WINDOW_SECONDS // 60} minutes.",
                    headers={"Retry-After": str(WINDOW_SECONDS)},
                )

    async def forgive(self, account: str) -> None:
        """The account's owner has signed in: earlier attempts don't count any more."""
        key = f"attempts:account:{account}"
        self._local.pop(key, None)
        try:
            await self._pair.call("UNLINK", key)
        except RedisError:
            return

    async def _increment(self, key: str) -> int:
        try:
            return await self._pair.run(_COUNT, [key], [WINDOW_SECONDS])
        except RedisError:
            return self._increment_here(key)

    def _increment_here(self, key: str) -> int:
        now = monotonic()
        if len(self._local) > 10_000:
            self._local = {name: entry for name, entry in self._local.items() if entry[1] > now}
        count, ends = self._local.get(key, (0, now + WINDOW_SECONDS))
        count, ends = (1, now + WINDOW_SECONDS) if ends <= now else (count + 1, ends)
        self._local[key] = (count, ends)
        return count
