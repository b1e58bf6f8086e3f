"""Our entity cache with all that it does: jitter, XFetch, single flight, tags, metrics, Sentinel, circuit breaker."""

from typing import Any

from task import Get, Load, run

from app.api import logs
from app.api.cache_manager import CacheManager
from app.api.metrics import Metrics
from app.api.redis.pairs import make_redis
from app.api.redis.tagged import TaggedStore
from app.api.settings import load as load_settings


async def opened() -> Get:
    logs.configure("warning")
    redis = make_redis(load_settings())
    await redis.start()
    cache = CacheManager(TaggedStore(redis.data), Metrics())

    async def get(identifier: int, load: Load) -> Any:
        key = cache.key("product", identifier, "page")
        return await cache.get_or_else(key, 3600, load, tags=(f"product:{identifier}",), stale_seconds=60)

    return get


run(opened)
