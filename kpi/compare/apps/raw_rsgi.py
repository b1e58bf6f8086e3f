"""As `raw` from memory, by granian's own interface."""

import json
import os
from pathlib import Path
from typing import Any

BODY = Path(os.environ["CODED"]).read_bytes()
HEADERS = [*map(tuple, json.loads(os.environ["HEADERS"])), ("content-length", str(len(BODY)))]


async def app(scope: Any, protocol: Any) -> None:
    protocol.response_bytes(200, HEADERS, BODY)
