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
from app.api.redis import RedisError, ReplyError
from app.api.redis.tagged import TaggedStore, Turn

log = structlog.get_logger(__name__)

SCHEMA: Final = 2
LEASE_SECONDS: Final = 5.0
JITTER: Final = 0.1
"""TTLs are shortened by up to this share, so that what was stored together doesn't expire together."""
XFETCH_BETA: Final = 1.0
NEGATIVE_SECONDS: Final = 120.0
"""How long it is remembered that something doesn't exist."""

PRODUCT_QUERY_SECONDS: Final = 300.0
STOCK_QUERY_SECONDS: Final = 120.0
TTL_SECONDS: Final[Mapping[str, float]] = {
    "product": 3600.0,
    "user": 7200.0,
    "cart": 1800.0,
    **dict.fromkeys(("listing", "search", "suggestions", "categories", "reviews"), PRODUCT_QUERY_SECONDS),
    "stock": STOCK_QUERY_SECONDS,
}
"""Of each entity and each query's result, as the specification has them."""

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
LoadMany = Callable[[list[Any]], Awaitable[Mapping[Any, Any]]]


@dataclass(frozen=True, slots=True)
class TagsOfValue:
    """Tags that follow from a value, as JSON gives it, and the tag that is purged with each of them."""

    guard: str
    of: Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A key, and how its value is made and kept."""

    key: str
    seconds: float
    load: Load
    tags: tuple[str, ...]
    stale_seconds: float
    of_value: TagsOfValue | None = None

    @property
    def guards(self) -> tuple[str, ...]:
        return (self.of_value.guard,) if self.of_value else ()


class CacheManager:
    """Values are anything that orjson can write; they come back as JSON gives them."""

    def __init__(self, store: TaggedStore, metrics: Metrics) -> None:
        self._store = store
        self._events = metrics.entity_events
        self._loads: dict[str, asyncio.Task[Any]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def key(entity: str, identifier: object, variant: str = "all") -> str:
        """`cache:product:12345:v2.with_inventory`: the version is of the shape and the tags of what is stored."""
        return f"cache:{entity}:{identifier}:v{SCHEMA}.{variant}"

    async def get(self, key: str) -> Any:
        """The fresh value, or None for none (or a remembered absence)."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Any]:
        """Those of the keys that have a fresh value, in one round trip."""
        values: dict[str, Any] = {}
        for key, found in zip(keys, await self._read_many(keys), strict=True):
            if found is None or time() >= found.fresh_until:
                self._count(key, "miss")
                continue
            self._count_hit(key, found)
            if found.value is not None:
                values[key] = found.value
        return values

    async def set(self, key: str, value: Any, seconds: float, *, tags: tuple[str, ...] = ()) -> None:
        """Store a value, whoever is loading it. Redis being away is no error: the value is then just not cached.

        Not for what was read from the database before: a purge in between would be overlooked. That is what
        `get_or_else` is for.
        """
        ttl = _jittered(seconds)
        try:
            turn = await self._store.begin(key, tags, LEASE_SECONDS)
            await self._store.store(turn, _encoded(value, ttl, 0.0), ttl)
        except RedisError:
            self._count(key, "unavailable")

    async def set_many(self, values: Mapping[str, Any], seconds: float, *, tags: tuple[str, ...] = ()) -> None:
        """As `set`, of several values at once."""
        await asyncio.gather(*(self.set(key, value, seconds, tags=tags) for key, value in values.items()))

    async def delete(self, *keys: str) -> None:
        """Throw values away, also those that somebody is just loading.

        Raises RedisError: who deletes must know whether it worked.
        """
        for key in keys:
            self._detach(key)
        await self._store.delete(keys)

    def purge(self, tags: Sequence[str]) -> None:
        """A purge of these tags is under way: nobody may join a load that began before it."""
        purged = frozenset(tags)
        for key in [key for key, of_key in self._tags.items() if not purged.isdisjoint(of_key)]:
            self._detach(key)

    async def get_or_else(
        self,
        key: str,
        seconds: float,
        load: Load,
        *,
        tags: tuple[str, ...] = (),
        of_value: TagsOfValue | None = None,
        stale_seconds: float = 0.0,
    ) -> Any:
        """The value of `key`, from `load` if need be. Raises only what `load` raises."""
        wish = _Wish(key, seconds, load, tags, stale_seconds, of_value)
        found = await self._read(key)
        now = time()
        if found is not None and now < found.fresh_until + stale_seconds:
            self._served(wish, found, now)
            return found.value
        self._count(key, "miss")
        running = self._loads.get(key)
        if running is None:
            running = self._start(wish, wait=True)
        return await asyncio.shield(running)

    async def get_or_else_many(
        self,
        keys: Mapping[str, Any],
        seconds: float,
        load: LoadMany,
        *,
        tags: Callable[[Any], tuple[str, ...]] = lambda _: (),
        stale_seconds: float = 0.0,
    ) -> dict[str, Any]:
        """The values of several keys, given with what `load` knows each by; the missing ones in one call of it.

        What `load` doesn't return doesn't exist: None. Raises only what `load` raises.
        """
        values: dict[str, Any] = {}
        missing: dict[str, _Wish] = {}
        for key, found in zip(keys, await self._read_many(list(keys)), strict=True):
            identifier, now = keys[key], time()
            wish = _Wish(key, seconds, _one_of_many(load, identifier), tags(identifier), stale_seconds)
            if found is not None and now < found.fresh_until + stale_seconds:
                self._served(wish, found, now)
                values[key] = found.value
            else:
                self._count(key, "miss")
                missing[key] = wish
        running = {key: self._loads[key] for key in missing if key in self._loads}
        rest = {key: wish for key, wish in missing.items() if key not in running}
        if rest:
            batch = asyncio.create_task(self._load_many(rest, {key: keys[key] for key in rest}, load))
            for key, wish in rest.items():
                running[key] = self._remember(wish, asyncio.create_task(_pick(batch, key)))
        for key, value in zip(running, await asyncio.gather(*map(asyncio.shield, running.values())), strict=True):
            values[key] = value
        return {key: values[key] for key in keys}

    def _served(self, wish: _Wish, found: _Found, now: float) -> None:
        if now >= found.fresh_until:
            self._count(wish.key, "stale")
        else:
            self._count_hit(wish.key, found)
        if found.wants_refresh(now) and wish.key not in self._loads:
            self._count(wish.key, "refresh")
            self._start(wish, wait=False)

    def _start(self, wish: _Wish, *, wait: bool) -> asyncio.Task[Any]:
        return self._remember(wish, asyncio.create_task(self._load(wish, wait=wait)))

    def _remember(self, wish: _Wish, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        self._loads[wish.key], self._tags[wish.key] = task, (*wish.tags, *wish.guards)
        task.add_done_callback(lambda done: self._done(wish.key, done))
        return task

    def _done(self, key: str, task: asyncio.Task[Any]) -> None:
        if self._loads.get(key) is task:
            self._detach(key)
        if not task.cancelled():
            task.exception()  # whoever waited has it; a background refresh has nobody

    def _detach(self, key: str) -> None:
        self._loads.pop(key, None)
        self._tags.pop(key, None)

    async def _load(self, wish: _Wish, *, wait: bool) -> Any:
        turn, found = await self._turn(wish, wait=wait)
        if found is not None:
            return found.value
        started = monotonic()
        try:
            value = _through_json(await wish.load())
        except BaseException:
            await self._give_up(turn)
            raise
        await self._keep(wish, turn, value, monotonic() - started)
        return value

    async def _load_many(
        self, wishes: Mapping[str, _Wish], identifiers: Mapping[str, Any], load: LoadMany
    ) -> Mapping[str, Any]:
        """Loads those that are nobody else's turn in one call, then waits for the others."""
        begun = dict(zip(wishes, await asyncio.gather(*map(self._first_turn, wishes.values())), strict=True))
        values = {key: found.value for key, (_, found) in begun.items() if found is not None}
        mine = [key for key, (turn, found) in begun.items() if found is None and (turn is None or turn.held)]
        if mine:
            started = monotonic()
            try:
                loaded = await load([identifiers[key] for key in mine])
                values |= {key: _through_json(loaded.get(identifiers[key])) for key in mine}
            except BaseException:
                await asyncio.gather(*(self._give_up(begun[key][0]) for key in mine))
                raise
            cost = monotonic() - started
            await asyncio.gather(*(self._keep(wishes[key], begun[key][0], values[key], cost) for key in mine))
        theirs = [key for key in wishes if key not in values]
        found = await asyncio.gather(*(self._load(wishes[key], wait=True) for key in theirs))
        return values | dict(zip(theirs, found, strict=True))

    async def _first_turn(self, wish: _Wish) -> tuple[Turn | None, _Found | None]:
        try:
            return await self._begin(wish, wait=True)
        except RedisError:
            self._count(wish.key, "unavailable")
            return None, None

    async def _keep(self, wish: _Wish, turn: Turn | None, value: Any, cost: float) -> None:
        if turn is None:
            return
        ttl = _jittered(wish.seconds if value is not None else min(wish.seconds, NEGATIVE_SECONDS))
        try:
            more = wish.of_value.of(value) if wish.of_value else ()
            await self._store.store(turn, _encoded(value, ttl, cost), ttl + wish.stale_seconds, more_tags=more)
        except RedisError:
            self._count(wish.key, "unavailable")

    async def _turn(self, wish: _Wish, *, wait: bool) -> tuple[Turn | None, _Found | None]:
        """Our turn to load; or the value, if another process has had its turn; or neither, if Redis is away."""
        deadline, pause = monotonic() + LEASE_SECONDS, 0.005
        try:
            turn, found = await self._begin(wish, wait=wait)
            if not turn.held:
                self._count(wish.key, "lock_wait")
            while not turn.held and monotonic() < deadline:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
                pause = min(pause * 2, 0.05)
                found = await self._read(wish.key)
                if found is not None and (not wait or time() < found.fresh_until):
                    return None, found
                turn, found = await self._begin(wish, wait=wait)
        except RedisError:
            self._count(wish.key, "unavailable")
            return None, None
        return (turn if turn.held else None), found

    async def _begin(self, wish: _Wish, *, wait: bool) -> tuple[Turn, _Found | None]:
        turn = await self._store.begin(wish.key, wish.tags, LEASE_SECONDS, guards=wish.guards)
        if turn.held and wait:
            # Since this process looked, another one may have had its turn and ended it.
            found = await self._read(wish.key)
            if found is not None and time() < found.fresh_until:
                await self._give_up(turn)
                return turn, found
        return turn, None

    async def _give_up(self, turn: Turn | None) -> None:
        if turn is None:
            return
        try:
            await self._store.give_up(turn)
        except RedisError:
            log.debug("lock left to its lease", key=turn.key)

    async def _read_many(self, keys: Sequence[str]) -> list[_Found | None]:
        return await asyncio.gather(*map(self._read, keys))

    async def _read(self, key: str) -> _Found | None:
        try:
            value, meta = await self._store.read(key, _FIELDS)
        except RedisError as error:
            foreign = isinstance(error, ReplyError) and str(error).startswith("WRONGTYPE")
            self._count(key, "undecodable" if foreign else "unavailable")
            return None
        if value is None or meta is None:
            return None
        try:
            fresh_until, cost = orjson.loads(meta)
            return _Found(orjson.loads(value), float(fresh_until), float(cost))
        except (ValueError, TypeError):
            self._count(key, "undecodable")
            return None

    def _count_hit(self, key: str, found: _Found) -> None:
        self._count(key, "hit" if found.value is not None else "negative")

    def _count(self, key: str, event: str) -> None:
        self._events.labels(key.split(":", 2)[1], event).inc()


def _one_of_many(load: LoadMany, identifier: Any) -> Load:
    async def one() -> Any:
        return (await load([identifier])).get(identifier)

    return one


async def _pick(batch: asyncio.Task[Mapping[str, Any]], key: str) -> Any:
    return (await asyncio.shield(batch))[key]


def _jittered(seconds: float) -> float:
    return seconds * (1 - JITTER * random.random())  # noqa: S311


def _through_json(value: Any) -> Any:
    """So that whoever waited for the load gets what everybody after gets."""
    return orjson.loads(orjson.dumps(value))


def _encoded(value: Any, seconds: float, cost: float) -> dict[str, bytes]:
    return {"value": orjson.dumps(value), "meta": orjson.dumps([time() + seconds, cost])}
