"""The worker: takes purges from the outbox and carries each to every layer until all have confirmed.

From the inside outwards, because a layer that is purged before the one behind it fetches the old value again: Redis
and the processes' memories, then the storefront's pages, then the gateway, then Cloudflare. Each layer has a queue and
a loop, so a slow or absent one holds up no other. Several workers may run: each event is leased to one of them, and
purging twice does no harm.
"""

import asyncio
import functools
import random
import signal
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import AsyncExitStack
from itertools import groupby
from math import inf
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
from app.api.mail import MailServer, Postman
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

BATCH: Final = 500
LEASE_SECONDS: Final = 60.0
"""Longer than a batch takes at its worst; a killed worker's events are taken up by another after this."""
IDLE_SECONDS: Final = 0.2
BACKLOG_SECONDS: Final = 5.0
LEFT_SECONDS: Final = 60.0
"""Between two counts of what visitors have left behind, which read whole tables."""
LAYER_SECONDS: Final = 2.0
"""For Redis and for the gateway."""
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 300.0
"""The longest pause before an event's next attempt."""
LONGEST_PAUSE_SECONDS: Final = 30.0
"""The longest pause of a layer that keeps failing."""
ALIVE_SECONDS: Final = 60.0
"""A round that takes longer means that the process hangs."""
HOUSEKEEPING_SECONDS: Final = 600.0
HOUSEKEEPING_BATCHES: Final = 400


class Worker:
    """Drains the outbox through the layers, given from the inside outwards. Each layer has a queue and its own pace."""

    def __init__(self, database: Database, layers: Sequence[Layer], metrics: Metrics) -> None:
        self._database = database
        self._layers = tuple(layers)
        self._names = tuple(layer.name for layer in layers)
        self._metrics = metrics
        self._backlog_at = -inf
        self._left_at = -inf
        self._settled = False
        """Nothing waits for layers that there are no more."""
        self._rounds = dict.fromkeys(("outbox", *self._names), monotonic())
        self._failures = dict.fromkeys(self._names, 0)
        """How often a layer has failed since it last confirmed something."""

    @property
    def last_round(self) -> float:
        """Until when all queues were surely looked after."""
        return min(self._rounds.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`. Waits for a database that is away."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat("outbox", self._look_after, stop))
            for layer in self._layers:
                group.create_task(self._repeat(layer.name, functools.partial(self._drain, layer), stop))

    async def _repeat(self, name: str, work: Callable[[], Awaitable[float]], stop: asyncio.Event) -> None:
        """Call `work` again and again; it returns the seconds until its next call."""
        pause = FIRST_RETRY_SECONDS
        while not stop.is_set():
            self._rounds[name] = monotonic()
            try:
                idle = await work()
                pause = FIRST_RETRY_SECONDS
            except failures.ANY as error:
                log.warning("outbox unreachable", error=type(error).__name__, seconds=pause)
                idle, pause = pause, min(pause * 2, 10.0)
            if idle:
                await _sleep(stop, idle)

    async def _look_after(self) -> float:
        """Distribute new events to the queues, and count what waits."""
        if not self._settled:
            await outbox.forget_others(self._database, self._names)
            self._settled = True
        shared = await outbox.dispatch(self._database, self._names, limit=BATCH)
        if monotonic() - self._backlog_at >= BACKLOG_SECONDS:
            self._backlog_at = monotonic()
            backlog = await outbox.backlog(self._database)
            self._metrics.outbox_events.set(backlog.events)
            self._metrics.outbox_lag.set(backlog.oldest_seconds)
        if monotonic() - self._left_at >= LEFT_SECONDS:
            self._left_at = monotonic()
            left = await maintenance.left(self._database)
            self._metrics.visits.set(left.visits)
            self._metrics.idempotency_keys.set(left.keys)
            self._metrics.late_rows.set(left.late)
        return 0.0 if shared else IDLE_SECONDS

    async def _drain(self, layer: Layer) -> float:
        """Purge what is due at a layer. Returns the seconds until the next look."""
        taken = await outbox.take(self._database, layer.name, limit=BATCH, lease_seconds=LEASE_SECONDS)
        left, purged = taken, set[str]()
        while left:
            self._rounds[layer.name] = monotonic()
            tags, count = _request(left, purged, layer.tags_at_once)
            try:
                if tags:
                    await purge(layer, tags, self._metrics)
            except PurgeFailed as failure:
                return await self._put_off(layer, left, failure)
            self._failures[layer.name] = 0
            purged.update(tags)
            await outbox.confirm(self._database, layer.name, left[:count], self._names)
            now = time()
            for event in left[:count]:
                if not event.early:
                    self._metrics.purge_seconds.labels(f"worker-{layer.name}").observe(
                        now - event.created_at.timestamp()
                    )
            left = left[count:]
        return 0.0 if len(taken) == BATCH else IDLE_SECONDS

    async def _put_off(self, layer: Layer, events: Sequence[Event], failure: PurgeFailed) -> float:
        """Delay the events that a layer didn't confirm, and the layer itself: its next events would fail too."""
        self._failures[layer.name] += 1
        outer = self._names[self._names.index(layer.name) + 1 :]
        for attempts, alike in groupby(sorted(events, key=_attempts), key=_attempts):
            await outbox.retry(
                self._database,
                layer.name,
                [event.id for event in alike],
                delay_seconds=_delay(attempts, failure, LONGEST_RETRY_SECONDS),
                error=str(failure)[:500],
                outer=outer,
            )
        return _delay(self._failures[layer.name], failure, LONGEST_PAUSE_SECONDS)


def _request(events: Sequence[Event], purged: Set[str], tags_at_once: int) -> tuple[list[str], int]:
    """The tags of the next request, and the number of events that these complete. Tags in `purged` already count."""
    tags: dict[str, None] = {}
    for count, event in enumerate(events):
        more = [tag for tag in event.tags if tag not in purged and tag not in tags]
        if tags and len(tags) + len(more) > tags_at_once:
            return list(tags), count
        tags.update(dict.fromkeys(more))
    return list(tags), len(events)


def _attempts(event: Event) -> int:
    return event.attempts


async def run(settings: Settings, policy: Policy) -> None:
    """Run the worker's process until SIGTERM or SIGINT. The purge under way is finished first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    mail_server = MailServer.of(settings)
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
        postman = Postman(pool, mail_server, settings.public_origin, metrics) if mail_server is not None else None
        log.info(
            "working", mail=postman is not None, layers=[layer.name for layer in layers], routes=len(policy.routes)
        )
        cleaning = asyncio.create_task(_keep_house(pool))
        stack.callback(cleaning.cancel)
        await asyncio.gather(worker.run(stop), *([postman.run(stop)] if postman is not None else ()))


def _layers(settings: Settings, coherence: Coherence, http: httpx.AsyncClient, stack: AsyncExitStack) -> list[Layer]:
    """The layers from the inside outwards, without those that aren't configured."""
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


def _delay(attempts: int, failure: PurgeFailed, most: float) -> float:
    if failure.retry_after is not None:
        return failure.retry_after
    longest = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), most)
    return longest * (0.5 + random.random() / 2)  # noqa: S311


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _keep_house(database: Database) -> None:
    """Delete what has expired: sessions, idempotency keys, mails with their tokens, completed purges."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS * (0.5 + random.random()))  # noqa: S311
        try:
            for expire in (
                maintenance.expire_sessions,
                maintenance.expire_idempotency_keys,
                maintenance.expire_account_mails,
                maintenance.prune_outbox,
            ):
                for _ in range(HOUSEKEEPING_BATCHES):
                    if await expire(database) < maintenance.BATCH:
                        break
        except failures.ANY as error:
            log.warning("housekeeping put off", error=type(error).__name__)
