"""Limits on what one client may have counted or kept. What is remembered of clients is bounded too."""

from hashlib import blake2b
from time import monotonic
from typing import Final

from prometheus_client import Counter

from app.api.problems import Problem
from app.api.redis import Pair, RedisError
from app.api.redis.pair import Script

CLIENTS: Final = 20_000
"""Clients, by what they send, that a process remembers, the latest: about five megabytes."""
VALUES: Final = 5
"""Of one measurement, that a client may have counted at once, and again within `VALUES_SECONDS`: a sample of what an
office sees. The monitoring's `MOST_OF_ONE_CLIENT` follows from it.
"""
PAGES: Final = 100
"""The same of visits, which are compared with orders: an office's."""
VALUES_SECONDS: Final = 3600.0
ALL_VALUES: Final = 6_000
"""Of all clients together, within `ALL_VALUES_SECONDS`: a hundred a second, ten visitors' pages."""
ALL_VALUES_SECONDS: Final = 60.0
VISITS: Final = 100
"""Sessions that one client may begin without signing in, within `VISITS_SECONDS`: an office's, or a carrier's."""
VISITS_SECONDS: Final = 600.0
ALL_VISITS: Final = 2_000
"""Sessions that all clients together may begin within `ALL_VISITS_SECONDS`: twenty a second for long. So no more than
150,000 live at once, a kilobyte or two each.
"""
ALL_VISITS_SECONDS: Final = 100.0

# KEYS: what all clients have left, and what this one has. ARGV: for each of them, pieces and the seconds over which
# they come again. 0: one was taken of both; else the number of the key that has none. A client's key is only written
# with a piece of all, so no more of them are kept than all may take within the client's seconds.
_BEGIN: Final = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local left = {}
for i, key in ipairs(KEYS) do
  local pieces, seconds = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local kept = redis.call('HMGET', key, 'left', 'at')
  left[i] = pieces
  if kept[1] and kept[2] then
    left[i] = math.min(pieces, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * pieces / seconds)
  end
  if left[i] < 1 then return i end
end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'left', ('%.6f'):format(left[i] - 1), 'at', ('%.6f'):format(now))
  redis.call('EXPIRE', key, math.ceil(ARGV[2 * i]))
end
return 0
""")


class Quota:
    """A client may take `pieces` at once, and as many again over `seconds`."""

    def __init__(self, pieces: int, seconds: float) -> None:
        self._pieces = pieces
        self._per_second = pieces / seconds
        self._left: dict[str, tuple[float, float]] = {}
        """What clients had left, and when; the least recently used first."""

    def take(self, client: str, wanted: int) -> int:
        """Returns how many of the `wanted` pieces the client gets."""
        key, now = _digest(client), monotonic()
        left, then = self._left.pop(key, (float(self._pieces), now))
        left = min(float(self._pieces), left + (now - then) * self._per_second)
        given = min(wanted, int(left))
        self._left[key] = (left - given, now)
        while len(self._left) > CLIENTS:
            del self._left[next(iter(self._left))]
        return given


class Measured:
    """Limits how many measurements of browsers are counted. Anybody can send any, from as many addresses as they have:
    one client adds few to each measurement, and all clients together no more than a shop of this size can have.
    """

    def __init__(self, left_out: Counter) -> None:
        self._values = Quota(VALUES, VALUES_SECONDS)
        self._pages = Quota(PAGES, VALUES_SECONDS)
        self._all = Quota(ALL_VALUES, ALL_VALUES_SECONDS)
        self._left_out = left_out

    def take(self, client: str, name: str, wanted: int = 1) -> int:
        """Returns how many of the `wanted` values of a measurement count."""
        quota = self._pages if name.startswith("visit") else self._values
        given = self._all.take("", quota.take(f"{name} {client}", wanted))
        if given < wanted:
            self._left_out.inc()
        return given


class Visits:
    """Limits how many sessions visitors may begin without signing in: each lives for hours, and a flood would fill the
    stores. Redis counts for all processes; while it is away each process counts alone.
    """

    def __init__(self, pair: Pair, refused: Counter, *, of_all: int = ALL_VISITS) -> None:
        self._pair = pair
        self._limits = (of_all, ALL_VISITS_SECONDS, VISITS, VISITS_SECONDS)
        self._all_here = Quota(of_all, ALL_VISITS_SECONDS)
        self._client_here = Quota(VISITS, VISITS_SECONDS)
        self._client_refused, self._all_refused = refused.labels("client"), refused.labels("all")

    async def admit(self, client: str) -> None:
        """Count one more of `client`. Raises Problem 429, or 503 where it isn't this client's doing."""
        try:
            without = await self._pair.run(_BEGIN, ["visits:all", f"visits:client:{_digest(client)}"], self._limits)
        except RedisError:
            without = 2 if not self._client_here.take(client, 1) else 0 if self._all_here.take("", 1) else 1
        if without == 1:
            self._all_refused.inc()
            raise Problem(503, "Too many carts are being begun: sign in, or try again.", headers={"Retry-After": "5"})
        if without == 2:
            self._client_refused.inc()
            wait = str(int(VISITS_SECONDS / VISITS))
            raise Problem(429, "Too many carts were begun from this address: sign in.", headers={"Retry-After": wait})


def _digest(client: str) -> str:
    """A hash, so that keys have one size and no address is readable in Redis."""
    return blake2b(client.encode(), digest_size=16).hexdigest()
