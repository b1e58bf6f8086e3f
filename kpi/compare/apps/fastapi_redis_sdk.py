"""fastapi-redis-sdk, as its documentation shows it (it reads REDIS_URL itself)."""

import json
import os
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from redis_fastapi import FastAPIRedis, cache

PAYLOAD = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())
app = FastAPI()
FastAPIRedis(app).lifespan().caching()


@app.get("/item/{number}", dependencies=[Depends(cache(ttl=3600))])
async def item(number: int) -> Any:
    return PAYLOAD
