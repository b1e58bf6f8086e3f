"""How much one client may have counted or kept: bounded in itself, and in what is remembered of clients."""

from hashlib import blake2b
from time import monotonic
from typing import Final

from prometheus_client import Counter

from app.api.problems import Problem

CLIENTS: Final = 10_000
"""Clients that a process remembers, the latest: about two megabytes."""
EVENTS: Final = 120
"""Measurements of one client within `EVENTS_SECONDS`: thirty pages of a visitor, or a few of each in an office."""
EVENTS_SECONDS: Final = 60.0
SYNCED: Final = 500
"""Queued writes of one client within `EVENTS_SECONDS`: the longest queue that a browser keeps in order."""


VISITS: Final = 100
"""Sessions that one client may begin without signing in, within `VISITS_SECONDS`: an office's, or a carrier's."""
VISITS_SECONDS: Final = 600.0
ALL_VISITS: Final = 2_000
"""Sessions that all clients together may begin in this process, within `ALL_VISITS_SECONDS`: twenty a second for long.
So no more than 150,000 live at once, a kilobyte or two each.
"""
ALL_VISITS_SECONDS: Final = 100.0


class Quota:
    """So many pieces a client at once, and again over `seconds`, as they go by."""

    def __init__(self, pieces: int, seconds: float) -> None:
        self._pieces = pieces
        self._per_second = pieces / seconds
        self._left: dict[bytes, tuple[float, float]] = {}
        """What clients had left, and when; least lately asked for first."""

    def take(self, client: str, wanted: int) -> int:
        """How many of the `wanted` pieces the client gets."""
        key, now = blake2b(client.encode(), digest_size=16).digest(), monotonic()
        left, then = self._left.pop(key, (float(self._pieces), now))
        left = min(float(self._pieces), left + (now - then) * self._per_second)
        given = min(wanted, int(left))
        self._left[key] = (left - given, now)
        while len(self._left) > CLIENTS:
            del self._left[next(iter(self._left))]
        return given


class Visits:
    """How many sessions visitors may begin without signing in: each lives for hours, a flood would fill the stores."""

    def __init__(self, refused: Counter) -> None:
        self._of_client = Quota(VISITS, VISITS_SECONDS)
        self._of_all = Quota(ALL_VISITS, ALL_VISITS_SECONDS)
        self._client_refused, self._all_refused = refused.labels("client"), refused.labels("all")

    def admit(self, client: str) -> None:
        """Count one more of `client`. Raises Problem 429, or 503 where it isn't this client's doing."""
        if not self._of_client.take(client, 1):
            self._client_refused.inc()
            wait = str(int(VISITS_SECONDS / VISITS))
            raise Problem(429, "Too many carts were begun from this address: sign in.", headers={"Retry-After": wait})
        if not self._of_all.take("", 1):
            self._all_refused.inc()
            raise Problem(503, "Too many carts are being begun: sign in, or try again.", headers={"Retry-After": "5"})
