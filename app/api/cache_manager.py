"""The entity cache: JSON values in Redis under `cache:{entity}:{id}:{variant}`, each loaded once for everybody.

Use `get_or_else`. It returns the value from Redis while that is fresh, and refreshes it in the background a little
before it expires (XFetch: the likelier, the longer the load takes and the nearer the end) and for `stale_seconds`
after. On a miss one task of one process loads while all others wait. An absence is remembered too (`None`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Final

import orjson

from app.api.load_once import LEASE_SECONDS, Kept, LoadOnce, LoadRequest, jittered, refresh_at
from app.api.metrics import Metrics
from app.api.redis import RedisError, ReplyError
from app.api.redis.tagged import TaggedStore

SCHEMA: Final = 2
NEGATIVE_SECONDS: Final = 120.0
"""How long it is remembered that something doesn't exist."""

_FIELDS: Final = ("value", "meta")


@dataclass(frozen=True, slots=True)
class _Found:
    value: Any
    fresh_until: float
    cost: float

    def fields(self) -> dict[str, bytes]:
        return {"value": orjson.dumps(self.value), "meta": orjson.dumps([self.fresh_until, self.cost])}


Load = Callable[[], Awaitable[Any]]
LoadMany = Callable[[list[Any]], Awaitable[Mapping[Any, Any]]]


@dataclass(frozen=True, slots=True)
class TagsOfValue:
    """Tags that follow from a decoded value, and the tag that is purged with each of them."""

    guard: str
    of: Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _EntityRequest(LoadRequest):
    """A key, and how its value is made and kept."""

    seconds: float
    load: Load
    stale_seconds: float
    of_value: TagsOfValue | None = None

    @property
    def guards(self) -> tuple[str, ...]:
        return (self.of_value.guard,) if self.of_value else ()


class CacheManager(LoadOnce[_EntityRequest, _Found]):
    """Values are anything that orjson can write. They are returned as decoded JSON."""

    def __init__(self, store: TaggedStore, metrics: Metrics) -> None:
        super().__init__()
        self._store = store
        self._events = metrics.entity_events

    @staticmethod
    def key(entity: str, identifier: object, variant: str = "all") -> str:
        """`cache:product:12345:v2.with_inventory`: the version is of the shape and the tags of what is stored."""
        return f"cache:{entity}:{identifier}:v{SCHEMA}.{variant}"

    async def get(self, key: str) -> Any:
        """The fresh value. None if there is none, or for a remembered absence."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Any]:
        """The fresh values of those keys that have one, in one round trip."""
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
        """Store a value, even while another task loads it. While Redis is away nothing is stored, which is no error.

        Not for values that were read from the database before: a purge in between would be overlooked. Use
        `get_or_else`.
        """
        ttl = jittered(seconds)
        try:
            turn = await self._store.begin(key, tags, LEASE_SECONDS)
            await self._store.store(turn, _Found(value, time() + ttl, 0.0).fields(), ttl)
        except RedisError:
            self._count(key, "unavailable")

    async def delete(self, *keys: str) -> None:
        """Delete values, and detach loads of them that are under way.

        Raises RedisError, since the caller must know whether the deletion worked.
        """
        for key in keys:
            self._loads.detach(key)
        await self._store.delete(keys)

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
        """The value of `key`, loaded by `load` if necessary. Raises only what `load` raises."""
        request = _EntityRequest(self._store, key, tags, seconds, load, stale_seconds, of_value)
        served = self._served(request, await self._found(request))
        return (served or await self._once(request)).value

    async def get_or_else_many(
        self,
        keys: Mapping[str, Any],
        seconds: float,
        load: LoadMany,
        *,
        tags: Callable[[Any], tuple[str, ...]] = lambda _: (),
        stale_seconds: float = 0.0,
    ) -> dict[str, Any]:
        """The values of several keys, each with what `load` knows it by. One call of `load` loads the missing ones.

        What `load` doesn't return doesn't exist: None. Raises only what `load` raises.
        """
        values: dict[str, Any] = {}
        missing: dict[str, _EntityRequest] = {}
        for key, found in zip(keys, await self._read_many(list(keys)), strict=True):
            identifier = keys[key]
            request = _EntityRequest(
                self._store, key, tags(identifier), seconds, _one_of_many(load, identifier), stale_seconds
            )
            if (served := self._served(request, found)) is not None:
                values[key] = served.value
            else:
                missing[key] = request
        running = {key: task for key in missing if (task := self._loads.get(key)) is not None}
        rest = {key: request for key, request in missing.items() if key not in running}
        if rest:
            batch = asyncio.create_task(self._load_many(rest, {key: keys[key] for key in rest}, load))
            for key, request in rest.items():
                running[key] = self._loads.start(key, request.tags, _pick(batch, key))
        for key, found in zip(running, await asyncio.gather(*map(asyncio.shield, running.values())), strict=True):
            values[key] = found.value
        return {key: values[key] for key in keys}

    def _served(self, request: _EntityRequest, found: _Found | None) -> _Found | None:
        """The found value, if it may still be served. Refreshes it if it is due."""
        now = time()
        if found is None or now >= found.fresh_until + request.stale_seconds:
            self._count(request.key, "miss")
            return None
        if now >= found.fresh_until:
            self._count(request.key, "stale")
        else:
            self._count_hit(request.key, found)
        if now >= refresh_at(found.fresh_until, found.cost):
            self._refresh(request, found)
        return found

    async def _load_many(
        self, requests: Mapping[str, _EntityRequest], identifiers: Mapping[str, Any], load: LoadMany
    ) -> Mapping[str, _Found]:
        """Load the keys whose turn nobody else has in one call, then wait for the others."""
        begun = dict(zip(requests, await asyncio.gather(*map(self._begin, requests.values())), strict=True))
        values = {key: found for key, (_, found) in begun.items() if found is not None}
        mine = [key for key, (turn, found) in begun.items() if found is None and (turn is None or turn.held)]
        if mine:
            started = monotonic()
            try:
                loaded = await load([identifiers[key] for key in mine])
                cost = monotonic() - started
                values |= {key: _made(requests[key], loaded.get(identifiers[key]), cost) for key in mine}
            except BaseException:
                await asyncio.gather(*(self._give_up(begun[key][0], requests[key]) for key in mine))
                raise
            await asyncio.gather(*(self._keep(requests[key], begun[key][0], values[key]) for key in mine))
        theirs = [key for key in requests if key not in values]
        found = await asyncio.gather(*(self._load(requests[key], 0.0) for key in theirs))
        return values | dict(zip(theirs, found, strict=True))

    async def _found(self, request: _EntityRequest) -> _Found | None:
        return await self._read(request.key)

    async def _make(self, request: _EntityRequest) -> _Found:
        started = monotonic()
        return _made(request, await request.load(), monotonic() - started)

    def _kept(self, request: _EntityRequest, entry: _Found) -> Kept:
        more = request.of_value.of(entry.value) if request.of_value else ()
        return Kept(entry.fields(), max(0.0, entry.fresh_until - time()) + request.stale_seconds, more)

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


async def _pick(batch: asyncio.Task[Mapping[str, _Found]], key: str) -> _Found:
    return (await asyncio.shield(batch))[key]


def _made(request: _EntityRequest, value: Any, cost: float) -> _Found:
    seconds = request.seconds if value is not None else min(request.seconds, NEGATIVE_SECONDS)
    # Through JSON, so that the tasks that waited get the same as later readers.
    return _Found(orjson.loads(orjson.dumps(value)), time() + jittered(seconds), cost)
