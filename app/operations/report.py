"""A job's log: one JSON line for each event, for log collectors."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def report(event: str, **fields: Any) -> None:
    """Writes `event` with its fields to standard output, at once."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
