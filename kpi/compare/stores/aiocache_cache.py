"""aiocache, values as JSON: MODE=cached, or MODE=stampede, its decorator that promises one load."""

import os
from typing import Any
from urllib.parse import urlsplit

from aiocache import Cache, cached, cached_stampede
from aiocache.serializers import JsonSerializer
from task import Get, Load, run

PLACE = urlsplit(os.environ["REDIS_URL"])
STORE = {
    "ttl": 3600,
    "cache": Cache.REDIS,
    "serializer": JsonSerializer(),
    "endpoint": PLACE.hostname,
    "port": PLACE.port,
    # redis-py refuses more than 100 connections by default, and each of 250 askers takes one.
    "pool_max_size": 1000,
    "key_builder": lambda _, identifier, __: f"product:{identifier}",
}


async def opened() -> Get:
    @cached(**STORE)
    async def plain(_: int, load: Load) -> Any:
        return await load()

    @cached_stampede(lease=5, **STORE)
    async def locked(_: int, load: Load) -> Any:
        return await load()

    return plain if os.environ["MODE"] == "cached" else locked


run(opened)
