"""Values that are loaded once for everybody who asks, in this process and in all others: the common part of the entity
cache (`cache_manager`) and the response cache (`responses.cache`).

One task of one process loads a value, while it holds the key's turn in Redis for a lease; all others wait for its
result. A purge detaches what is being loaded: whoever asks after it starts anew. While Redis is away values are loaded
without a turn and not stored.
"""

import asyncio
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Hashable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from app.api.redis import RedisError
from app.api.redis.tagged import TaggedStore, Turn

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 5.0
"""How long one process may take to load a value before another one tries: the database's own time limit."""
JITTER: Final = 0.1
"""TTLs are shortened by up to this share, so that what was stored together doesn't expire together."""
XFETCH_BETA: Final = 1.0
"""Above 1 refreshes earlier, below later (Vattani, Chierichetti, Lowenstein: Optimal probabilistic cache stampede
prevention)."""
FIRST_PAUSE_SECONDS: Final = 0.005
LONGEST_PAUSE_SECONDS: Final = 0.05


def jittered(seconds: float) -> float:
    """A TTL, shortened at random."""
    return seconds * (1 - JITTER * random.random())  # noqa: S311


def refresh_at(fresh_until: float, cost: float) -> float:
    """The moment at which one reader should refresh a value that is fresh until then and took `cost` seconds to load
    (XFetch).

    It is drawn anew for each reader, so that one of them, not all, comes before the expiry.
    """
    return fresh_until + cost * XFETCH_BETA * math.log(random.random() or 1e-9)  # noqa: S311


class NotKept(Exception):
    """The loaded value is for its caller only."""


class Entry(Protocol):
    """A loaded value. `fresh_until` is in seconds since the epoch."""

    @property
    def fresh_until(self) -> float: ...


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A key, the store of its value, and the value's tags."""

    store: TaggedStore
    key: str
    tags: tuple[str, ...]

    @property
    def guards(self) -> tuple[str, ...]:
        """The tags that are purged with each tag that follows from the value."""
        return ()


@dataclass(frozen=True, slots=True)
class Kept:
    """How a value is kept in Redis: its fields, for how many seconds, and the tags that follow from it."""

    fields: Mapping[str, bytes]
    seconds: float
    more_tags: tuple[str, ...] = ()


K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
E = TypeVar("E", bound=Entry)
W = TypeVar("W", bound=LoadRequest)


class Flights(Generic[K, T]):
    """Running tasks by key. A second caller with the same key joins the task, unless one of its tags was purged."""

    def __init__(self) -> None:
        self._flights: dict[K, tuple[asyncio.Task[T], tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def get(self, key: K) -> "asyncio.Task[T] | None":
        """The task for `key`, if there is one that may be joined. Others may wait for it too: shield it."""
        flight = self._flights.get(key)
        return flight[0] if flight is not None else None

    def start(self, key: K, tags: tuple[str, ...], work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start the task for `key`."""
        task = asyncio.create_task(work)
        self._flights[key] = (task, tags)
        task.add_done_callback(lambda done: self._landed(key, done))
        return task

    def purge(self, tags: Iterable[str]) -> None:
        """Detach running tasks that a purge of these tags makes old: new callers start their own."""
        purged = frozenset(tags)
        for key in [key for key, (_, of_key) in self._flights.items() if not purged.isdisjoint(of_key)]:
            del self._flights[key]

    def detach(self, key: K) -> None:
        """Detach the running task of `key`."""
        self._flights.pop(key, None)

    def clear(self) -> None:
        """Detach all running tasks."""
        self._flights.clear()

    def _landed(self, key: K, task: "asyncio.Task[T]") -> None:
        if self.get(key) is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as seen: a detached task may have no caller left


class LoadOnce(ABC, Generic[W, E]):
    """A cache defines how its entries are read, made and stored. This class decides who does it, and when."""

    def __init__(self) -> None:
        self._loads: Flights[str, E] = Flights()

    @abstractmethod
    async def _found(self, request: W) -> E | None:
        """What Redis has; None where it has nothing or is away."""

    @abstractmethod
    async def _make(self, request: W) -> E:
        """Load the value. Raises NotKept for one that only its caller may have."""

    @abstractmethod
    def _kept(self, request: W, entry: E) -> Kept:
        """How `entry` is kept."""

    def _count(self, key: str, event: str) -> None:
        """Something happened to `key`: `lock_wait`, `unavailable`, `refresh`."""

    @property
    def under_way(self) -> int:
        """How many values are being loaded, and may be joined."""
        return len(self._loads)

    def purge(self, tags: Iterable[str]) -> None:
        """A purge of these tags is under way: no caller may join a load that began before it."""
        self._loads.purge(tags)

    async def _once(self, request: W) -> E:
        """The value as one task of one process loads it. Raises what `_make` raises."""
        # Others may wait for it, so its first caller may go away without stopping it.
        return await asyncio.shield(self._loads.get(request.key) or self._start(request, 0.0))

    def _refresh(self, request: W, known: E) -> None:
        """Reload the value in the background, unless a task here or in another process does already."""
        if self._loads.get(request.key) is not None:
            return
        self._count(request.key, "refresh")
        self._start(request, known.fresh_until).add_done_callback(lambda task: _refreshed(request.key, task))

    def _start(self, request: W, after: float) -> asyncio.Task[E]:
        return self._loads.start(request.key, (*request.tags, *request.guards), self._load(request, after))

    async def _load(self, request: W, after: float) -> E:
        """The value, loaded here or by the process that has the turn; fresh beyond `after`."""
        deadline, pause = monotonic() + LEASE_SECONDS, FIRST_PAUSE_SECONDS
        turn, found = await self._begin(request, after)
        if found is None and turn is not None and not turn.held:
            self._count(request.key, "lock_wait")
        while found is None and turn is not None and not turn.held and monotonic() < deadline:
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            turn, found = await self._begin(request, after)
        if found is not None:
            return found
        try:
            made = await self._make(request)
        except BaseException:
            await self._give_up(turn, request)
            raise
        await self._keep(request, turn, made)
        return made

    async def _begin(self, request: W, after: float = 0.0) -> tuple[Turn | None, E | None]:
        """Ask for the turn. Returns it, or what another process has loaded in its own; neither if Redis can't be
        reached.
        """
        try:
            turn = await request.store.begin(request.key, request.tags, LEASE_SECONDS, guards=request.guards)
        except RedisError:
            self._count(request.key, "unavailable")
            return None, None
        found = await self._found(request) if turn.filled else None
        if found is None or found.fresh_until <= max(after, time()):
            return turn, None
        await self._give_up(turn, request)
        return None, found

    async def _keep(self, request: W, turn: Turn | None, entry: E) -> None:
        """End the turn by storing the value, unless a purge has overtaken it. Without a turn nothing is stored."""
        if turn is None or not turn.held:
            return
        kept = self._kept(request, entry)
        try:
            await request.store.store(turn, kept.fields, kept.seconds, more_tags=kept.more_tags)
        except RedisError:
            self._count(request.key, "unavailable")

    async def _give_up(self, turn: Turn | None, request: W) -> None:
        """End the turn without a value."""
        if turn is None:
            return
        try:
            await request.store.give_up(turn)
        except RedisError:
            log.debug("lock left to its lease", key=turn.key)


def _refreshed(key: str, task: "asyncio.Task[Any]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, NotKept):
        # The kind of thing, not the key, which may hold a visitor's search.
        log.warning("refresh failed", entity=key.split(":", 2)[1], error=repr(error))
