"""Litestar, as its documentation shows it: a cached route, its responses in Redis."""

import json
import os
from pathlib import Path
from typing import Any

from litestar import Litestar, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.stores.redis import RedisStore

PAYLOAD = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())


@get("/item/{number:int}", cache=3600, sync_to_thread=False)
def item(number: int) -> dict[str, Any]:
    return PAYLOAD


app = Litestar(
    [item],
    stores={"redis": RedisStore.with_client(url=os.environ["REDIS_URL"])},
    response_cache_config=ResponseCacheConfig(store="redis"),
    openapi_config=None,
)
