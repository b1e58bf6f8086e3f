"""One process's connections and caches, made from the settings, for the routes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time

import asyncpg
import httpx
import structlog
from asyncpg.pool import Pool

from app.api.attempts import MAILS, SIGN_INS, Attempts
from app.api.cache_manager import CacheManager
from app.api.database_pool import open_pool
from app.api.entities import Entities
from app.api.identity import Identifier, session_cookie
from app.api.invalidation.coherence import Coherence
from app.api.invalidation.gateway import Gateway
from app.api.invalidation.layers import Layer
from app.api.metrics import Metrics
from app.api.query_cache import QueryCache
from app.api.quotas import Measured, Visits
from app.api.redis.pairs import Redis, make_redis
from app.api.redis.tagged import TaggedStore
from app.api.responses.cache import ResponseCache
from app.api.responses.memory import Memory
from app.api.responses.middleware import Stores
from app.api.responses.target import Targets
from app.api.sessions import SessionStore
from app.api.settings import Settings
from app.api.writes import Writer
from app.caching_policy import Policy

log = structlog.get_logger(__name__)

FINISH_SECONDS = 1.0
"""For the last updates of Redis at the end."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Everything a route may need."""

    settings: Settings
    policy: Policy
    metrics: Metrics
    redis: Redis
    database: "Pool[asyncpg.Record]"
    stores: Stores
    responses: ResponseCache
    targets: Targets
    entity_cache: CacheManager
    entities: Entities
    queries: QueryCache
    sessions: SessionStore
    attempts: Attempts
    mails: Attempts
    measured: Measured
    visits: Visits
    identify: Identifier
    coherence: Coherence
    writer: Writer


@asynccontextmanager
async def open_shop(settings: Settings, policy: Policy) -> AsyncGenerator[Shop]:
    """Connect to everything. A service that is away keeps no process from starting."""
    metrics = Metrics()
    redis = make_redis(settings)
    stores = Stores(TaggedStore(redis.data), TaggedStore(redis.computed))
    memory = Memory(settings.local_cache_bytes)
    responses = ResponseCache(memory, memory_seconds=settings.local_cache_seconds, policy=policy)
    entity_cache, computed_cache = CacheManager(stores.data, metrics), CacheManager(stores.computed, metrics)
    async with open_pool(settings) as pool, httpx.AsyncClient() as http:
        coherence = Coherence(
            data=stores.data,
            computed=stores.computed,
            seconds=settings.purge_seconds,
            responses=responses,
            entities=(entity_cache, computed_cache),
            database=pool,
        )
        entities = Entities(entity_cache, pool, policy)
        sessions = SessionStore(redis.sessions, pool, metrics)
        layers: list[Layer] = [coherence]
        if settings.gateway_purge_urls:
            layers.append(Gateway(http, settings.gateway_purge_urls, seconds=settings.purge_seconds))
        shop = Shop(
            settings=settings,
            policy=policy,
            metrics=metrics,
            redis=redis,
            database=pool,
            stores=stores,
            responses=responses,
            targets=Targets(policy, metrics.endpoints),
            entity_cache=entity_cache,
            entities=entities,
            queries=QueryCache(entity_cache, computed_cache, pool, policy),
            sessions=sessions,
            attempts=Attempts(redis.sessions, SIGN_INS),
            mails=Attempts(redis.sessions, MAILS),
            measured=Measured(metrics.browser.left_out),
            visits=Visits(redis.sessions, metrics.visits_refused),
            identify=Identifier(
                sessions,
                entities,
                pool,
                cookie=session_cookie(secure=settings.cookie_secure),
            ),
            coherence=coherence,
            writer=Writer(pool, policy, layers, sessions, metrics),
        )
        _measure(shop, memory)
        await redis.start()
        coherence.start()
        try:
            yield shop
        finally:
            await shop.writer.finish()
            await sessions.finish(FINISH_SECONDS)
            await coherence.stop()
            await redis.stop()


def _measure(shop: Shop, memory: Memory) -> None:
    values = shop.metrics.values
    values.gauge("api_cache_memory_bytes", "Bytes of answers in the process", lambda: memory.size)
    values.gauge("api_cache_memory_limit_bytes", "At most that many", lambda: memory.limit)
    values.gauge("api_cache_memory_entries", "Answers in the process", lambda: len(memory))
    values.counter("api_cache_memory_evictions", "Answers pushed out for room", lambda: memory.counts.evictions)
    values.counter("api_cache_memory_purged", "Answers purged", lambda: memory.counts.purged)
    values.gauge(
        "api_cache_coherent",
        "1 while purges of other processes are heard",
        lambda: time() < shop.responses.trusted_until,
    )
    for pair in shop.redis.pairs:
        breaker = pair.breaker
        values.gauge(
            "api_redis_circuit_open", "1 while nobody waits for this pair", lambda b=breaker: b.is_open, pair=pair.name
        )
        values.counter(
            "api_redis_circuit_opened", "How often the circuit opened", lambda b=breaker: b.opened, pair=pair.name
        )
    values.gauge("api_database_connections", "Connections to pgBouncer", shop.database.get_size)
    values.gauge("api_database_connections_idle", "Those of them that nobody uses", shop.database.get_idle_size)
