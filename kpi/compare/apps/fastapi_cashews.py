"""cashews, as its documentation shows it: a decorator on the endpoint, values in Redis."""

import json
import os
from pathlib import Path
from typing import Any

from cashews import cache
from fastapi import FastAPI

PAYLOAD = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())
cache.setup(os.environ["REDIS_URL"])
app = FastAPI()


@app.get("/item/{number}")
@cache(ttl="1h", key="item:{number}")
async def item(number: int) -> Any:
    return PAYLOAD
