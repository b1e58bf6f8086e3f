"""How much one client may have counted: bounded in itself, and in what is remembered of clients."""

from hashlib import blake2b
from time import monotonic
from typing import Final

CLIENTS: Final = 10_000
"""Clients that a process remembers, the latest: about two megabytes."""
EVENTS: Final = 120
"""Measurements of one client within `EVENTS_SECONDS`: thirty pages of a visitor, or a few of each in an office."""
EVENTS_SECONDS: Final = 60.0


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
