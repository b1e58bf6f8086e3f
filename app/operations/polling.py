"""Exporters that poll their source on a schedule, not at each scrape: a request costs money or counts towards a
quota.
"""

import signal
import sys
import time
from collections.abc import Callable

from app.operations.report import report
from app.operations.settings import OperationError


def poll(what: str, read: Callable[[], None], interval: float) -> None:
    """Calls `read` every `interval` seconds, until SIGTERM. A failure is reported; the next turn tries again."""
    # The first process of a container isn't ended by a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        begun = time.monotonic()
        try:
            read()
        except OperationError as error:
            report(f"{what} can't be read", reason=str(error))
        time.sleep(max(0.0, begun + interval - time.monotonic()))
