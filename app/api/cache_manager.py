"""The entity cache: JSON values in Redis under `cache:{entity}:{id}:{variant}`, each loaded once for everybody.

`get_or_else` is the one to use. It answers from Redis while the value is fresh; refreshes in the background a little
before it expires (XFetch: the dearer the load and the nearer the end, the likelier) and after that for `stale_seconds`;
and on a miss lets one task of one process load while all others wait. A missing thing is remembered too (`None`).
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Final

import orjson
import structlog

from app.api.metrics import Metrics
from app.api.redis import RedisError
from app.api.redis.tagged import TaggedStore, Turn

log = structlog.get_logger(__name__)

SCHEMA: Final = 1
LEASE_SECONDS: Final = 5.0
JITTER: Final = 0.1
XFETCH_BETA: Final = 1.0
NEGATIVE_SECONDS: Final = 120.0
"""How long it is remembered that something doesn't exist."""

TTL_SECONDS: Final[Mapping[str, float]] = {"product": 3600.0, "user": 7200.0, "cart": 1800.0, "search": 300.0}
"""Of each entity, as the specification has them."""

_FIELDS: Final = ("value", "meta")


@dataclass(frozen=True, slots=True)
class _Found:
    value: Any
    fresh_until: float
    cost: float

    def wants_refresh(self, now: float) -> bool:
        early = self.cost * XFETCH_BETA * -math.log(random.random() or 1e-9)  # noqa: S311
        return now + early >= self.fresh_until


Load = Callable[[], Awaitable[Any]]


class CacheManager:
    """Values are anything that orjson can write; they come back as JSON gives them."""

    def __init__(self, store: TaggedStore, metrics: Metrics) -> None:
        self._store = store
        self._events = metrics.entity_events
        self._loads: dict[str, asyncio.Task[Any]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def key(entity: str, identifier: object, variant: str = "all") -> str:
        """`cache:product:12345:v1.with_inventory`: the version is of the shape of what is stored."""
        return f"cache:{entity}:{identifier}:v{SCHEMA}.{variant}"

    async def get(self, key: str) -> Any:
        """The fresh value, or None for none (or a remembered absence)."""
        found = await self._read(key)
        return found.value if found is not None and time() < found.fresh_until else None

    async def get_many(self, keys: Sequence[str]) -> dict[str, Any]:
        """Those of the keys that have a fresh value, in one round trip."""
        found = await asyncio.gather(*(self._read(key) for key in keys))
        now = time()
        return {
            key: one.value
            for key, one in zip(keys, found, strict=True)
            if one is not None and one.value is not None and now < one.fresh_until
        }

    async def set(self, key: str, value: Any, seconds: float, *, tags: tuple[str, ...] = ()) -> None:
        """Store a value, whoever is loading it. Redis being away is no error: the value is then just not cached."""
        try:
            turn = await self._store.begin(key, tags, LEASE_SECONDS)
            await self._store.store(turn, _encoded(value, seconds, 0.0), seconds)
        except RedisError:
            self._count(key, "unavailable")

    async def set_many(self, values: Mapping[str, Any], seconds: float, *, tags: tuple[str, ...] = ()) -> None:
        """As `set`, of several values at once."""
        await asyncio.gather(*(self.set(key, value, seconds, tags=tags) for key, value in values.items()))

    async def delete(self, *keys: str) -> None:
        """Throw values away. Raises RedisError: who deletes must know whether it worked."""
        for key in keys:
            self._detach(key)
        if keys:
            await self._store.pair.call("UNLINK", *keys)

    def purge(self, tags: Sequence[str]) -> None:
        """A purge of these tags is under way: nobody may join a load that began before it."""
        purged = frozenset(tags)
        for key in [key for key, of_key in self._tags.items() if not purged.isdisjoint(of_key)]:
            self._detach(key)

    async def get_or_else(
        self, key: str, seconds: float, load: Load, *, tags: tuple[str, ...] = (), stale_seconds: float = 0.0
    ) -> Any:
        """The value of `key`, from `load` if need be. Raises only what `load` raises."""
        found = await self._read(key)
        now = time()
        if found is not None and now < found.fresh_until + stale_seconds:
            if now >= found.fresh_until:
                self._count(key, "stale")
            else:
                self._count(key, "hit" if found.value is not None else "negative")
            if found.wants_refresh(now) and key not in self._loads:
                self._start(key, seconds, load, tags, stale_seconds, wait=False)
            return found.value
        self._count(key, "miss")
        running = self._loads.get(key) or self._start(key, seconds, load, tags, stale_seconds, wait=True)
        return await asyncio.shield(running)

    async def get_or_else_many(
        self,
        keys: Mapping[str, Any],
        seconds: float,
        load: Callable[[list[Any]], Awaitable[Mapping[Any, Any]]],
        *,
        tags: Callable[[Any], tuple[str, ...]] = lambda _: (),
    ) -> dict[str, Any]:
        """The values of several keys, given with what `load` knows each by; the missing ones in one call of it."""
        values = await self.get_many(list(keys))
        missing = {key: identifier for key, identifier in keys.items() if key not in values}
        if missing:
            loaded = await load(list(missing.values()))
            for key, identifier in missing.items():
                values[key] = orjson.loads(orjson.dumps(loaded.get(identifier)))
                await self.set(
                    key, values[key], seconds if values[key] is not None else NEGATIVE_SECONDS, tags=tags(identifier)
                )
        return values

    def _start(
        self, key: str, seconds: float, load: Load, tags: tuple[str, ...], stale_seconds: float, *, wait: bool
    ) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._load(key, seconds, load, tags, stale_seconds, wait=wait))
        self._loads[key], self._tags[key] = task, tags
        task.add_done_callback(lambda done: self._done(key, done))
        return task

    def _done(self, key: str, task: asyncio.Task[Any]) -> None:
        if self._loads.get(key) is task:
            self._detach(key)
        if not task.cancelled():
            task.exception()  # whoever waited has it; a background refresh has nobody

    def _detach(self, key: str) -> None:
        self._loads.pop(key, None)
        self._tags.pop(key, None)

    async def _load(
        self, key: str, seconds: float, load: Load, tags: tuple[str, ...], stale_seconds: float, *, wait: bool
    ) -> Any:
        turn, found = await self._turn(key, tags, wait=wait)
        if found is not None:
            return found.value
        started = monotonic()
        try:
            # Through JSON and back, so that whoever waited for the load gets what everybody after gets.
            value = orjson.loads(orjson.dumps(await load()))
        except BaseException:
            await self._give_up(turn)
            raise
        if turn is not None:
            ttl = seconds if value is not None else min(seconds, NEGATIVE_SECONDS)
            ttl *= 1 - JITTER * random.random()  # noqa: S311
            try:
                await self._store.store(turn, _encoded(value, ttl, monotonic() - started), ttl + stale_seconds)
            except RedisError:
                self._count(key, "unavailable")
        return value

    async def _turn(self, key: str, tags: tuple[str, ...], *, wait: bool) -> tuple[Turn | None, _Found | None]:
        deadline, pause = monotonic() + LEASE_SECONDS, 0.005
        try:
            turn = await self._store.begin(key, tags, LEASE_SECONDS)
            if not turn.held:
                self._count(key, "lock_wait")
            while not turn.held and monotonic() < deadline:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
                pause = min(pause * 2, 0.05)
                found = await self._read(key)
                if found is not None and (not wait or time() < found.fresh_until):
                    return None, found
                turn = await self._store.begin(key, tags, LEASE_SECONDS)
        except RedisError:
            self._count(key, "unavailable")
            return None, None
        return (turn if turn.held else None), None

    async def _give_up(self, turn: Turn | None) -> None:
        if turn is None:
            return
        try:
            await self._store.give_up(turn)
        except RedisError:
            log.debug("lock left to its lease", key=turn.key)

    async def _read(self, key: str) -> _Found | None:
        try:
            value, meta = await self._store.read(key, _FIELDS)
        except RedisError:
            self._count(key, "unavailable")
            return None
        if value is None or meta is None:
            return None
        try:
            fresh_until, cost = orjson.loads(meta)
            return _Found(orjson.loads(value), float(fresh_until), float(cost))
        except (ValueError, TypeError):
            self._count(key, "undecodable")
            return None

    def _count(self, key: str, event: str) -> None:
        self._events.labels(key.split(":", 2)[1], event).inc()


def _encoded(value: Any, seconds: float, cost: float) -> dict[str, bytes]:
    return {"value": orjson.dumps(value), "meta": orjson.dumps([time() + seconds, cost])}
