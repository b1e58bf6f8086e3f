"""Exporters whose source is asked by the clock, not at each scrape: it costs money or has a quota."""

import time
from collections.abc import Callable

from app.operations.report import report
from app.operations.settings import OperationError


def poll(what: str, read: Callable[[], None], interval: float) -> None:
    """Calls `read` every `interval` seconds, for ever. A failure is reported and asked again at the next turn."""
    while True:
        begun = time.monotonic()
        try:
            read()
        except OperationError as error:
            report(f"{what} can't be read", reason=str(error))
        time.sleep(max(0.0, begun + interval - time.monotonic()))
