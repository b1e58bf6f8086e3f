"""Getting an answer: from the process, from Redis, or by producing it, once for everybody who asks.

Order of looking, and what each layer's failure means:

1. memory of the process (the middleware looks there itself): nothing can fail;
2. Redis: away means a miss, and nobody waits for it longer than one timeout;
3. producing it, by one task of one process (a lock with a lease in Redis): all others wait for its result. Failing
   means the stale copy for as long as the policy's stale_if_error says, else the failure itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import monotonic, time
from typing import Final, Literal

import structlog

from app.api.redis import RedisError
from app.api.redis.tagged import TaggedStore, Turn
from app.api.responses.coding import IDENTITY
from app.api.responses.memory import Memory
from app.api.responses.stored import Headers, Ready, Stored
from app.caching_policy import Policy, Route

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 5.0
"""How long one process may take to produce an answer before another one tries: the database's own time limit."""
JITTER: Final = 0.1
"""TTLs are shortened by up to this share, so that what was stored together doesn't expire together."""
WITHOUT_INVALIDATION_SECONDS: Final = 1.0
"""How long the process trusts its own copies while purges can't reach it."""
_STORED_STATUSES: Final = {200: 1.0, 404: 1.0, 410: 1.0}

How = Literal["hit", "stale", "miss", "coalesced", "stale-if-error"]


@dataclass(frozen=True, slots=True)
class Produced:
    """A finished answer of the application."""

    status: int
    headers: Headers
    body: bytes


Produce = Callable[[], Awaitable[Produced]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a cacheable answer, normalised: requests with the same `key` get the same answer."""

    key: str
    coding: str
    route: Route
    tags: tuple[str, ...]
    store: TaggedStore
    produce: Produce

    @property
    def guards(self) -> tuple[str, ...]:
        """The tags that are purged with each tag that follows from the answer."""
        return (self.route.lists.family,) if self.route.lists else ()

    @property
    def overtaken_by(self) -> tuple[str, ...]:
        """The tags whose purge makes old what is being read or produced for it."""
        return (*self.tags, *self.guards)

    def tags_of(self, produced: Produced) -> tuple[str, ...]:
        """The tags that follow from the answer: it names what it lists in its `x-lists` header, by commas."""
        shown = next((value for name, value in produced.headers if name == b"x-lists"), b"").decode()
        return self.route.lists.tags(shown.split(",")) if self.route.lists and shown else ()


@dataclass(frozen=True, slots=True)
class Served:
    """What to send, and how it came about."""

    ready: Ready
    how: How


class ProducedUncacheable(Exception):
    """The application's answer is for the one who asked only, or a failure without a stale copy to hide it."""

    def __init__(self, produced: Produced) -> None:
        super().__init__(produced.status)
        self.produced = produced


class ResponseCache:
    """Finished answers by key. `coherent` says whether purges reach this process now (see invalidation.coherence)."""

    def __init__(self, memory: Memory, *, memory_seconds: float, policy: Policy) -> None:
        self.memory = memory
        self.coherent = False
        self._memory_seconds = memory_seconds
        self._errors = policy.errors
        # A cookie is somebody's, whatever the policy says.
        self._unkept = {b"set-cookie", *(name.lower().encode() for name in policy.bypass.response_headers)}
        self._reads: dict[tuple[str, str], asyncio.Task[Served]] = {}
        self._loads: dict[str, asyncio.Task[Stored]] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._background: set[asyncio.Task[Stored]] = set()

    def purge(self, tags: Iterable[str]) -> None:
        """Forget what the process has with one of these tags, and let nobody join a read that began before."""
        purged = frozenset(tags)
        self.memory.purge(purged)
        overtaken = {key for key, of_key in self._tags.items() if not purged.isdisjoint(of_key)}
        for key in overtaken:
            self._loads.pop(key, None)
            self._tags.pop(key, None)
        for read in [read for read in self._reads if read[0] in overtaken]:
            self._reads.pop(read, None)

    def clear(self) -> None:
        """As `purge` of everything: purges may have been missed."""
        self.memory.clear()
        self._loads.clear()
        self._reads.clear()
        self._tags.clear()

    async def get(self, asked: Asked) -> Served:
        """The answer, from Redis or produced. Raises ProducedUncacheable."""
        flight = (asked.key, asked.coding)
        running = self._reads.get(flight)
        if running is not None:
            served = await asyncio.shield(running)
            return Served(served.ready, "coalesced" if served.how == "miss" else served.how)
        task = asyncio.create_task(self._read(asked))
        self._reads[flight] = task
        self._tags[asked.key] = asked.overtaken_by
        try:
            # Others may wait for it: whoever started it may go away without stopping it.
            return await asyncio.shield(task)
        finally:
            if self._reads.get(flight) is task:
                del self._reads[flight]
                self._forget_tags(asked.key)

    def refresh(self, asked: Asked) -> None:
        """Produce the answer anew in the background, unless somebody already does, here or in another process."""
        if asked.key in self._loads:
            return
        task = self._start_load(asked, wait_for_others=False)
        self._background.add(task)
        task.add_done_callback(self._refreshed)

    async def _read(self, asked: Asked) -> Served:
        since = self.memory.moment
        stored = await self._from_redis(asked)
        now = time()
        if stored is not None:
            route = asked.route
            if now < stored.fresh_until:
                ready = self._remember(asked, stored, since)
                if now >= ready.refresh_at:
                    self.refresh(asked)
                return Served(ready, "hit")
            if now < stored.fresh_until + route.stale_while_revalidate:
                self.refresh(asked)
                return Served(self._ready(asked, stored), "stale")
            if now >= stored.fresh_until + route.stale_if_error:
                stored = None
        joined = asked.key in self._loads
        try:
            produced = await asyncio.shield(self._loads.get(asked.key) or self._start_load(asked, wait_for_others=True))
        except ProducedUncacheable as failure:
            stale = stored or self._stale_in_memory(asked, now)
            if failure.produced.status < 500 or stale is None:
                raise
            return Served(self._ready(asked, stale), "stale-if-error")
        return Served(self._remember(asked, produced, since), "coalesced" if joined else "miss")

    async def _from_redis(self, asked: Asked) -> Stored | None:
        codings = (asked.coding,) if asked.coding == IDENTITY else (asked.coding, IDENTITY)
        fields = ("meta", codings[0])
        try:
            meta, body = await asked.store.read(asked.key, fields)
            if meta is not None and body is None and len(codings) > 1:
                # Too small to be compressed: it is there as it is.
                meta, body = await asked.store.read(asked.key, ("meta", IDENTITY))
                return Stored.from_fields(meta, {IDENTITY: body})
        except RedisError:
            return None
        return Stored.from_fields(meta, {asked.coding: body})

    def _start_load(self, asked: Asked, *, wait_for_others: bool) -> asyncio.Task[Stored]:
        task = asyncio.create_task(self._load(asked, wait_for_others=wait_for_others))
        self._loads[asked.key] = task
        self._tags[asked.key] = asked.overtaken_by
        task.add_done_callback(lambda done: self._loaded(asked.key, done))
        return task

    def _loaded(self, key: str, task: asyncio.Task[Stored]) -> None:
        if self._loads.get(key) is task:
            del self._loads[key]
            self._forget_tags(key)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody need have

    def _forget_tags(self, key: str) -> None:
        if key not in self._loads and not any(read[0] == key for read in self._reads):
            self._tags.pop(key, None)

    async def _load(self, asked: Asked, *, wait_for_others: bool) -> Stored:
        since = self.memory.moment
        turn, found = await self._turn(asked, wait_for_others=wait_for_others)
        if found is not None:
            return found
        started = monotonic()
        produced = await asked.produce()
        now = time()
        if produced.status not in _STORED_STATUSES or any(name in self._unkept for name, _ in produced.headers):
            await self._end(asked, turn)
            raise ProducedUncacheable(produced)
        route = asked.route
        ttl = route.api_ttl if produced.status == 200 else min(route.api_ttl, self._errors.not_found_ttl)
        stored = await asyncio.to_thread(
            Stored.make,
            produced.status,
            produced.headers,
            produced.body,
            ttl=ttl * (1 - JITTER * random.random()),  # noqa: S311
            now=now,
            cost=monotonic() - started,
            shown=asked.tags_of(produced),
        )
        if turn is not None:
            keep = stored.ttl + max(route.stale_while_revalidate, route.stale_if_error)
            try:
                await asked.store.store(turn, stored.fields(), keep, more_tags=stored.shown)
            except RedisError as error:
                log.debug("answer not stored in redis", key=asked.key, error=str(error))
        self._remember(asked, stored, since)
        return stored

    async def _turn(self, asked: Asked, *, wait_for_others: bool) -> tuple[Turn | None, Stored | None]:
        """Our turn to produce; or the answer, if another process has had its turn; or neither, if Redis is away."""
        deadline = monotonic() + LEASE_SECONDS
        pause = 0.005
        try:
            turn = await asked.store.begin(asked.key, asked.tags, LEASE_SECONDS, guards=asked.guards)
            while not turn.held and monotonic() < deadline:
                if not wait_for_others:
                    raise _SomebodyElse
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
                pause = min(pause * 2, 0.05)
                stored = await self._from_redis(asked)
                if stored is not None and time() < stored.fresh_until:
                    return None, stored
                turn = await asked.store.begin(asked.key, asked.tags, LEASE_SECONDS, guards=asked.guards)
            if turn.held and wait_for_others:
                # Since this process looked, another one may have had its turn and ended it.
                stored = await self._from_redis(asked)
                if stored is not None and time() < stored.fresh_until:
                    await self._end(asked, turn)
                    return None, stored
        except RedisError:
            return None, None
        return (turn if turn.held else None), None

    async def _end(self, asked: Asked, turn: Turn | None) -> None:
        if turn is None:
            return
        try:
            await asked.store.give_up(turn)
        except RedisError:
            log.debug("lock left to its lease", key=asked.key)

    def _refreshed(self, task: asyncio.Task[Stored]) -> None:
        self._background.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, (ProducedUncacheable, _SomebodyElse)):
            log.error("refresh failed", exc_info=error)

    def _ready(self, asked: Asked, stored: Stored) -> Ready:
        return self._made(asked, stored, 0.0)

    def _made(self, asked: Asked, stored: Stored, valid_until: float) -> Ready:
        return Ready(
            stored,
            stored.best_coding(asked.coding),
            asked.route,
            tags=asked.tags,
            valid_until=valid_until,
            not_found_ttl=self._errors.not_found_ttl,
        )

    def _remember(self, asked: Asked, stored: Stored, since: int) -> Ready:
        trusted = self._memory_seconds if self.coherent else min(self._memory_seconds, WITHOUT_INVALIDATION_SECONDS)
        valid_until = min(stored.fresh_until, time() + trusted)
        ready = self._made(asked, stored, valid_until)
        self.memory.put((asked.key, asked.coding), ready, since)
        return ready

    def _stale_in_memory(self, asked: Asked, now: float) -> Stored | None:
        ready = self.memory.get((asked.key, asked.coding))
        if ready is None or now >= ready.fresh_until + asked.route.stale_if_error:
            return None
        return ready.stored


class _SomebodyElse(Exception):
    """Another process is producing the answer already."""
