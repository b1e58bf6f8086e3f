"""cashews: MODE=get_or_set, or MODE=lock, its decorator that promises one load."""

import os
from typing import Any

from cashews import cache
from task import Get, Load, run


async def opened() -> Get:
    cache.setup(os.environ["REDIS_URL"])

    async def get_or_set(identifier: int, load: Load) -> Any:
        return await cache.get_or_set(f"product:{identifier}", load, expire=3600)

    @cache(ttl=3600, key="product:{identifier}", lock=True)
    async def locked(identifier: int, load: Load) -> Any:  # noqa: ARG001 - cashews makes the key of it
        return await load()

    return get_or_set if os.environ["MODE"] == "get_or_set" else locked


run(opened)
