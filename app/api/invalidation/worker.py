"""The worker: takes purges from the outbox, in order, and carries each to every layer until all have confirmed.

From the inside outwards, because a layer that is purged before the one behind it fetches the old value again: Redis
and the processes' memories, then the storefront's pages, then the gateway, then Cloudflare. Several workers may run;
each event is leased to one of them, and doing it twice does no harm.
"""

import asyncio
import random
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import monotonic, time
from typing import Final

import httpx
import structlog

from app.api.database_pool import open_pool
from app.api.evictions import Evictions
from app.api.invalidation.cloudflare import Cloudflare
from app.api.invalidation.coherence import Coherence
from app.api.invalidation.gateway import Gateway
from app.api.invalidation.layers import Layer, PurgeFailed, purge
from app.api.invalidation.storefront import Storefront
from app.api.metrics import Metrics
from app.api.operations_server import OperationsServer
from app.api.redis.pairs import make_redis
from app.api.redis.tagged import TaggedStore
from app.api.settings import Settings
from app.caching_policy import Policy
from app.database import failures
from app.database.queries import Database, maintenance, outbox
from app.database.queries.outbox import Event

log = structlog.get_logger(__name__)

BATCH: Final = 200
LEASE_SECONDS: Final = 60.0
"""Longer than a batch takes at its worst; a killed worker's events are taken up by another after this."""
IDLE_SECONDS: Final = 0.2
BACKLOG_SECONDS: Final = 5.0
LAYER_SECONDS: Final = 2.0
"""For Redis and for the gateway."""
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 300.0
ALIVE_SECONDS: Final = 60.0
"""A round that takes longer means that the process hangs."""
HOUSEKEEPING_SECONDS: Final = 600.0
HOUSEKEEPING_BATCHES: Final = 400


class Worker:
    """Drains the outbox through the layers, given from the inside outwards."""

    def __init__(self, database: Database, layers: Sequence[Layer], metrics: Metrics) -> None:
        self._database = database
        self._layers = tuple(layers)
        self._metrics = metrics
        self._backlog_at = 0.0
        self.last_round = monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; a database that is away is waited for."""
        pause = FIRST_RETRY_SECONDS
        while not stop.is_set():
            self.last_round = monotonic()
            try:
                worked = await self.drain_once()
                await self._measure()
                pause = FIRST_RETRY_SECONDS
            except failures.ANY as error:
                log.warning("outbox unreachable", error=type(error).__name__, seconds=pause)
                await _sleep(stop, pause)
                pause = min(pause * 2, 10.0)
                continue
            if not worked:
                await _sleep(stop, IDLE_SECONDS)

    async def drain_once(self) -> int:
        """Take the events that are due and do what can be done; gives how many were taken."""
        events = await outbox.take(self._database, limit=BATCH, lease_seconds=LEASE_SECONDS)
        if not events:
            return 0
        failed: dict[int, PurgeFailed] = {}
        for layer in self._layers:
            # Behind a layer that failed, further ones are purged once all the same (they may hold the value for days),
            # but not noted as done: they are purged again after it.
            todo = [
                event
                for event in events
                if layer.name not in event.finished_targets and (event.id not in failed or event.attempts == 1)
            ]
            await self._purge(layer, todo, failed)
        done = [event for event in events if event.id not in failed]
        if done:
            await outbox.complete(self._database, [event.id for event in done])
            log.info("purged everywhere", events=len(done), first=done[0].id, last=done[-1].id)
        for event in events:
            if event.id in failed:
                failure = failed[event.id]
                await outbox.retry(
                    self._database, [event.id], delay_seconds=_delay(event.attempts, failure), error=str(failure)[:500]
                )
        return len(events)

    async def _purge(self, layer: Layer, events: Sequence[Event], failed: dict[int, PurgeFailed]) -> None:
        if not events:
            return
        try:
            await purge(layer, list(dict.fromkeys(tag for event in events for tag in event.tags)), self._metrics)
        except PurgeFailed as failure:
            for event in events:
                failed.setdefault(event.id, failure)
            return
        confirmed = [event for event in events if event.id not in failed]
        if confirmed:
            await outbox.finish_target(self._database, [event.id for event in confirmed], layer.name)
        now = time()
        for event in confirmed:
            self._metrics.purge_seconds.labels(f"worker-{layer.name}").observe(now - event.created_at.timestamp())

    async def _measure(self) -> None:
        if monotonic() - self._backlog_at < BACKLOG_SECONDS:
            return
        self._backlog_at = monotonic()
        backlog = await outbox.backlog(self._database)
        self._metrics.outbox_events.set(backlog.events)
        self._metrics.outbox_lag.set(backlog.oldest_seconds)


async def run(settings: Settings, policy: Policy) -> None:
    """The worker's process, until SIGTERM or SIGINT; what is being done then is finished first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    redis = make_redis(settings)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(settings))
        http = await stack.enter_async_context(httpx.AsyncClient())
        coherence = Coherence(
            data=TaggedStore(redis.data), computed=TaggedStore(redis.computed), seconds=LAYER_SECONDS, database=pool
        )
        layers = _layers(settings, coherence, http, stack)
        worker = Worker(pool, layers, metrics)
        operations = OperationsServer(
            settings.bind_host,
            settings.metrics_port,
            metrics.registry,
            healthy=lambda: monotonic() - worker.last_round < ALIVE_SECONDS,
        )
        operations.start()
        stack.callback(operations.stop)
        await redis.start()
        stack.push_async_callback(redis.stop)
        coherence.start()
        stack.push_async_callback(coherence.stop)
        evictions = Evictions(redis.pairs, metrics)
        evictions.start()
        stack.push_async_callback(evictions.stop)
        log.info("working", layers=[layer.name for layer in layers], routes=len(policy.routes))
        cleaning = asyncio.create_task(_keep_house(pool))
        stack.callback(cleaning.cancel)
        await worker.run(stop)


def _layers(settings: Settings, coherence: Coherence, http: httpx.AsyncClient, stack: AsyncExitStack) -> list[Layer]:
    """From the inside outwards; without those that aren't there."""
    layers: list[Layer] = [coherence]
    key = settings.secret("revalidation-key")
    if settings.storefront_url and key is not None:
        layers.append(Storefront(http, settings.storefront_url, key))
    if settings.gateway_purge_urls:
        layers.append(Gateway(http, settings.gateway_purge_urls, seconds=LAYER_SECONDS))
    token = settings.secret("cloudflare-token")
    if settings.cloudflare_zone_id and token is not None:
        cloudflare = Cloudflare(
            zone_id=settings.cloudflare_zone_id,
            token=token,
            base_url=settings.cloudflare_api_url,
            plan=settings.cloudflare_plan,
        )
        stack.push_async_callback(cloudflare.close)
        layers.append(cloudflare)
    return layers


def _delay(attempts: int, failure: PurgeFailed) -> float:
    if failure.retry_after is not None:
        return failure.retry_after
    longest = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    return longest * (0.5 + random.random() / 2)  # noqa: S311


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _keep_house(database: Database) -> None:
    """Throw away what has had its time: sessions, idempotency keys, completed purges."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS * (0.5 + random.random()))  # noqa: S311
        try:
            for expire in (maintenance.expire_sessions, maintenance.expire_idempotency_keys, maintenance.prune_outbox):
                for _ in range(HOUSEKEEPING_BATCHES):
                    if await expire(database) < maintenance.BATCH:
                        break
        except failures.ANY as error:
            log.warning("housekeeping put off", error=type(error).__name__)
