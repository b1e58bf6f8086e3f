"""fastapi-cache2, as its documentation shows it."""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.redis import RedisBackend
from fastapi_cache.decorator import cache
from redis import asyncio as redis

PAYLOAD = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    FastAPICache.init(RedisBackend(redis.from_url(os.environ["REDIS_URL"])), prefix="compare")
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/item/{number}")
@cache(expire=3600)
async def item(number: int) -> Any:
    return PAYLOAD
