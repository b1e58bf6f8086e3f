"""Gets a response: from memory, from Redis, or by producing it once for all who ask.

In this order; failures mean:

1. The process's memory, which the middleware asks itself: it can't fail.

2. Redis: while it is away every request is a miss, and none waits for it longer than one timeout.

3. Producing the response, by one task of one process (a lock with a lease in Redis); all others wait for its result. A
failure means the stale copy for as long as the policy's stale_if_error says, else the failure itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic, time
from typing import Final, Literal

from app.api.load_once import Flights, Kept, LoadOnce, LoadRequest, NotKept, jittered
from app.api.redis import RedisError
from app.api.responses.coding import IDENTITY
from app.api.responses.context import Context
from app.api.responses.memory import Memory
from app.api.responses.stored import Headers, Ready, Stored, forbids_storing
from app.caching_policy import Policy, Route

_STORED_STATUSES: Final = frozenset({200, 404, 410})
SMALL: Final = 4096
"""Bytes of a body that is compressed where it is: handing it to another thread costs as much."""

How = Literal["hit", "stale", "miss", "coalesced", "stale-if-error"]


@dataclass(frozen=True, slots=True)
class Produced:
    """A finished response of the application, and its handler's notes on it."""

    status: int
    headers: Headers
    body: bytes
    context: Context


Produce = Callable[[], Awaitable[Produced]]


@dataclass(frozen=True, slots=True)
class CacheRequest(LoadRequest):
    """A normalised request for a cacheable response. Requests with the same `key` get the same response."""

    coding: str
    route: Route
    produce: Produce

    @property
    def guards(self) -> tuple[str, ...]:
        return (self.route.lists.family,) if self.route.lists else ()


@dataclass(frozen=True, slots=True)
class Served:
    """The response to send, and how it was found."""

    ready: Ready
    how: How


class ProducedUncacheable(NotKept):
    """The application's response is for its caller only, or a failure without a stale copy to hide it."""

    def __init__(self, produced: Produced) -> None:
        super().__init__(produced.status)
        self.produced = produced


class ResponseCache(LoadOnce[CacheRequest, Stored]):
    """Finished responses by key. Until `trusted_until`, in seconds since the epoch, the process may trust its own
    copies; hearing that it missed no purge prolongs that (see invalidation.coherence).
    """

    def __init__(self, memory: Memory, *, memory_seconds: float, policy: Policy) -> None:
        super().__init__()
        self.memory = memory
        self.trusted_until = 0.0
        self._memory_seconds = memory_seconds
        self._errors = policy.errors
        # A cookie belongs to one visitor, whatever the policy says.
        self._unkept = {b"set-cookie", *(name.lower().encode() for name in policy.bypass.response_headers)}
        self._reads: Flights[tuple[str, str], Served] = Flights()

    def purge(self, tags: Iterable[str]) -> None:
        """Drop the process's responses with one of these tags, and let no request join a load that began before."""
        purged = frozenset(tags)
        self.memory.purge(purged)
        self._reads.purge(purged)
        super().purge(purged)

    def clear(self) -> None:
        """Drop all responses of the process: purges may have been missed."""
        self.memory.clear()
        self._reads.clear()
        self._loads.clear()

    async def get(self, request: CacheRequest) -> Served:
        """The response, from Redis or produced. Raises ProducedUncacheable."""
        flight = (request.key, request.coding)
        running = self._reads.get(flight)
        if running is None:
            return await asyncio.shield(
                self._reads.start(flight, (*request.tags, *request.guards), self._read(request))
            )
        served = await asyncio.shield(running)
        return Served(served.ready, "coalesced" if served.how == "miss" else served.how)

    def refresh(self, request: CacheRequest, known: Stored) -> None:
        """Produce the response again in the background, unless a task here or in another process does already."""
        self._refresh(request, known)

    async def _read(self, request: CacheRequest) -> Served:
        since = self.memory.moment
        stored = await self._found(request)
        now = time()
        if stored is not None:
            route = request.route
            if now < stored.fresh_until:
                ready = self._remember(request, stored, since)
                if now >= ready.refresh_at:
                    self._refresh(request, stored)
                return Served(ready, "hit")
            if now < stored.fresh_until + route.stale_while_revalidate:
                self._refresh(request, stored)
                return Served(self._ready(request, stored), "stale")
            if now >= stored.fresh_until + route.stale_if_error:
                stored = None
        joined = self._loads.get(request.key) is not None
        try:
            made = await self._once(request)
        except ProducedUncacheable as failure:
            stale = stored or self._stale_in_memory(request, now)
            if failure.produced.status < 500 or stale is None:
                raise
            return Served(self._ready(request, stale), "stale-if-error")
        # Its producer here has stored it in this coding, unless a purge came in between.
        kept = self.memory.get((request.key, request.coding))
        ready = kept if kept and kept.fresh_until == made.fresh_until else self._remember(request, made, since)
        return Served(ready, "coalesced" if joined else "miss")

    async def _found(self, request: CacheRequest) -> Stored | None:
        codings = (request.coding,) if request.coding == IDENTITY else (request.coding, IDENTITY)
        try:
            meta, body = await request.store.read(request.key, ("meta", codings[0]))
            if meta is not None and body is None and len(codings) > 1:
                # Too small to be compressed: it is there as it is.
                meta, body = await request.store.read(request.key, ("meta", IDENTITY))
                return Stored.from_fields(meta, {IDENTITY: body})
        except RedisError:
            return None
        return Stored.from_fields(meta, {request.coding: body})

    async def _make(self, request: CacheRequest) -> Stored:
        since, started = self.memory.moment, monotonic()
        produced = await request.produce()
        route = request.route
        if (
            produced.status not in _STORED_STATUSES
            or forbids_storing(produced.headers, route)
            or any(name in self._unkept for name, _ in produced.headers)
        ):
            raise ProducedUncacheable(produced)
        ttl = route.api_ttl if produced.status == 200 else min(route.api_ttl, self._errors.not_found_ttl)
        lists = produced.context.lists
        make = partial(
            Stored.make,
            produced.status,
            produced.headers,
            produced.body,
            produced.context,
            dated=not route.query,
            ttl=jittered(ttl),
            now=time(),
            cost=monotonic() - started,
            shown=route.lists.tags(lists) if route.lists else (),
        )
        stored = make() if len(produced.body) <= SMALL else await asyncio.to_thread(make)
        self._remember(request, stored, since)
        return stored

    def _kept(self, request: CacheRequest, entry: Stored) -> Kept:
        grace = max(request.route.stale_while_revalidate, request.route.stale_if_error)
        return Kept(entry.fields(), entry.ttl + grace, entry.shown)

    def _ready(self, request: CacheRequest, stored: Stored) -> Ready:
        return self._made(request, stored, 0.0)

    def _made(self, request: CacheRequest, stored: Stored, valid_until: float) -> Ready:
        return Ready(
            stored,
            stored.best_coding(request.coding),
            request.route,
            tags=request.tags,
            valid_until=valid_until,
            not_found_ttl=self._errors.not_found_ttl,
        )

    def _remember(self, request: CacheRequest, stored: Stored, since: int) -> Ready:
        valid_until = min(stored.fresh_until, time() + self._memory_seconds)
        ready = self._made(request, stored, valid_until)
        ready.kept = self.memory.put((request.key, request.coding), ready, since)
        return ready

    def _stale_in_memory(self, request: CacheRequest, now: float) -> Stored | None:
        ready = self.memory.get((request.key, request.coding))
        if ready is None or now >= ready.fresh_until + request.route.stale_if_error:
            return None
        return ready.stored
