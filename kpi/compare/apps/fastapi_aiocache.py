"""aiocache, as its documentation shows it: a decorator on the endpoint, values as JSON in Redis."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiocache import Cache, cached
from aiocache.serializers import JsonSerializer
from fastapi import FastAPI

PAYLOAD = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())
PLACE = urlsplit(os.environ["REDIS_URL"])
app = FastAPI()


@app.get("/item/{number}")
@cached(ttl=3600, cache=Cache.REDIS, serializer=JsonSerializer(), endpoint=PLACE.hostname, port=PLACE.port)
async def item(number: int) -> Any:
    return PAYLOAD
