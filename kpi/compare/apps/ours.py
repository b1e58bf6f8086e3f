"""The API's own middleware, cache and Redis client, with all features on, in front of an application with one response.

MODE=memory answers from the process, MODE=redis from Redis each time (no room in the process).
"""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from app.api import logs
from app.api.identity import Identity
from app.api.invalidation.coherence import Coherence
from app.api.metrics import Metrics
from app.api.redis.tagged import TaggedStore
from app.api.responses.cache import ResponseCache
from app.api.responses.context import context_of
from app.api.responses.memory import Memory
from app.api.responses.middleware import CacheMiddleware, Stores
from app.api.responses.target import Targets
from app.api.at_once import answer_at_once
from app.api.settings import load
from app.api.redis.pairs import make_redis
from app.caching_policy import parse

BODY = Path(os.environ["PAYLOAD"]).read_bytes()
POLICY = parse(
    """
version: 1
errors: {not_found_ttl: 120, server_error_ttl: 30}
bypass: {request_headers: [Authorization], request_cookies: [tier], response_headers: [Set-Cookie]}
routes:
  - {route: "/api/item/{product_id}", audience: public, browser_ttl: 300, edge_ttl: 300, api_ttl: 3600,
     stale_while_revalidate: 60, stale_if_error: 3600, vary: [encoding, country, tier],
     tags: ["item:{product_id}"], purged_by: [product.updated]}
  - {route: "/api/uncached", audience: never}
"""
)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    context = context_of(scope)
    context.version, context.last_modified = 1, 1_700_000_000
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": BODY})


async def nobody(_: Any) -> Identity:
    return Identity()


class Application:
    """Opens its connections in the lifespan, as the API does."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._app(scope, receive, send)
            return
        await receive()
        await self._open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        settings = load()
        logs.configure("warning")
        metrics = Metrics()
        redis = make_redis(settings)
        stores = Stores(TaggedStore(redis.data), TaggedStore(redis.computed))
        memory = Memory(64 * 1024 * 1024 if os.environ["MODE"] == "memory" else 0)
        cache = ResponseCache(memory, memory_seconds=settings.local_cache_seconds, policy=POLICY)
        coherence = Coherence(data=stores.data, computed=stores.computed, seconds=1, responses=cache)
        await redis.start()
        self._stack.push_async_callback(redis.stop)
        coherence.start()
        self._stack.push_async_callback(coherence.stop)
        self._app = middleware = CacheMiddleware(
            answer,
            cache=cache,
            stores=stores,
            targets=Targets(POLICY, metrics.endpoints),
            policy=POLICY,
            identify=nobody,
            requests=metrics.requests,
            log_sample=settings.log_sample,
            slow_seconds=settings.slow_request_seconds,
        )
        answer_at_once(middleware.hit)


app = Application()
