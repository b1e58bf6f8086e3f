"""A circuit breaker: after a few failures in a row callers no longer wait for a dependency that doesn't answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

FAILURES_TO_OPEN: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 2.0


@dataclass
class Breaker:
    """Closed: calls go through. Open: they fail at once, until a probe (half-open) succeeds. The owner's task probes,
    not a user's request, so no user waits for it.
    """

    clock: Callable[[], float] = monotonic
    failures: int = 0
    opened: int = 0
    """How often it opened, for metrics."""
    _pause: float = FIRST_PAUSE_SECONDS
    _open_until: float | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether calls are refused."""
        return self._open_until is not None

    @property
    def seconds_to_probe(self) -> float:
        """How long to wait before the next probe; 0 when it is due or the breaker is closed."""
        return max(0.0, (self._open_until or 0.0) - self.clock())

    def succeed(self) -> None:
        """A call or a probe was answered."""
        self.failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._open_until = None

    def fail(self) -> None:
        """A call was not answered."""
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN:
            self.trip()

    def trip(self) -> None:
        """Open at once, or stay open for longer after a probe that failed."""
        if self.is_open:
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            self.opened += 1
        self.failures = max(self.failures, 1)
        self._open_until = self.clock() + self._pause
