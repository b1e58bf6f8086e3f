"""Our own layers, purged together: Redis, and the memory of every process of the API.

A purge deletes in Redis first and then tells every process through a channel of the `data` pair. PUBLISH says how many
processes heard it, each confirms on the sender's own channel once its memory is clean, and the sender waits for that
many confirmations. So when `purge` is done, no layer of ours has the old value, and versions of tags (redis.tagged) see
to it that no slow reader puts it back.

A process that doesn't hear the channel says so (`ResponseCache.coherent`) and trusts its own copies for a second only;
when it hears again, it forgets all it has. What a purge couldn't reach is purged again as soon as Redis is back, before
anybody may read it, and in any case by the worker.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

import orjson
import structlog

from app.api.cache_manager import CacheManager
from app.api.invalidation.layers import REDIS, PurgeFailed
from app.api.redis import Pair, RedisError, Unavailable
from app.api.redis.subscription import Subscription
from app.api.redis.tagged import TaggedStore
from app.api.responses.cache import ResponseCache

log = structlog.get_logger(__name__)

CHANNEL: Final = "simone:purge"
REPLAYED_SECONDS: Final = 30.0
"""Purges this young are repeated on a newly connected master: a promoted replica may not have had them yet."""


class Coherence:
    """One for each process. `start` it to hear the others; `purge` works either way, and waits for `seconds`."""

    name: Final = REDIS

    def __init__(
        self,
        *,
        data: TaggedStore,
        computed: TaggedStore,
        seconds: float,
        responses: ResponseCache | None = None,
        entities: Sequence[CacheManager] = (),
    ) -> None:
        self._stores = {"data": data, "computed": computed}
        self._pair: Pair = data.pair
        self._responses = responses
        self._entities = entities
        self._seconds = seconds
        self._acknowledgements = f"{CHANNEL}:{secrets.token_hex(8)}"
        self._waiting: dict[str, _Count] = {}
        self._recent: deque[tuple[float, tuple[str, ...]]] = deque()
        self._answers: set[asyncio.Task[None]] = set()
        self._subscription = Subscription(self._pair, [CHANNEL, self._acknowledgements], self._hear, lost=self._deaf)
        for store in self._stores.values():
            store.pair.on_recovery(lambda call, store=store: self._replay(store, call))

    def start(self) -> None:
        """Begin to hear the purges of all processes."""
        self._subscription.start()

    async def stop(self) -> None:
        """Stop hearing."""
        await self._subscription.stop()

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge our own layers: none of them has the old values any more. Raises PurgeFailed."""
        self._forget(tags)
        self._remember(tuple(tags))
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.gather(*(store.purge(tags) for store in self._stores.values()))
                await self._tell(tags)
        except (RedisError, TimeoutError) as error:
            raise PurgeFailed(f"redis: {error or 'too slow'}") from error
        # What was read from Redis into this process's memory in between, while the others were being told.
        self._forget(tags)

    async def _tell(self, tags: Sequence[str]) -> None:
        number = secrets.token_hex(8)
        waiting = self._waiting[number] = _Count()
        try:
            message = orjson.dumps({"tags": list(tags), "reply": self._acknowledgements, "number": number})
            heard = await self._pair.call("PUBLISH", CHANNEL, message)
            # A process that can't hear answers can't count them either: it has told everybody, and moves on.
            if self._subscription.listening:
                await waiting.reach(heard)
        finally:
            del self._waiting[number]

    def _forget(self, tags: Sequence[str]) -> None:
        if self._responses is not None:
            self._responses.purge(tags)
        for entities in self._entities:
            entities.purge(tags)

    def _remember(self, tags: tuple[str, ...]) -> None:
        now = monotonic()
        self._recent.append((now, tags))
        while self._recent and self._recent[0][0] < now - REPLAYED_SECONDS:
            self._recent.popleft()

    async def _replay(self, store: TaggedStore, call: Any) -> None:
        young = monotonic() - REPLAYED_SECONDS
        tags = {tag for moment, of_purge in self._recent if moment >= young for tag in of_purge}
        if tags:
            await store.purge_by(call, sorted(tags))

    def _deaf(self) -> None:
        if self._responses is not None:
            self._responses.coherent = False

    def _hear(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == b"subscribe":
            if self._responses is not None and push[1] == CHANNEL.encode():
                # Purges may have been missed before this moment, and none will be from now on.
                self._responses.clear()
                self._responses.coherent = True
            return
        if kind != b"message":
            return
        if push[1] == CHANNEL.encode():
            message = orjson.loads(push[2])
            self._forget(message["tags"])
            answer = asyncio.create_task(self._acknowledge(message["reply"], message["number"]))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)
        elif (waiting := self._waiting.get(push[2].decode())) is not None:
            waiting.add()

    async def _acknowledge(self, channel: str, number: str) -> None:
        try:
            await self._pair.call("PUBLISH", channel, number)
        except (RedisError, Unavailable):
            log.debug("acknowledgement lost; its sender waits no longer than its limit")


class _Count:
    """Waits until something has happened a number of times."""

    def __init__(self) -> None:
        self._count = 0
        self._wanted: int | None = None
        self._reached = asyncio.Event()

    def add(self) -> None:
        self._count += 1
        self._check()

    async def reach(self, wanted: int) -> None:
        self._wanted = wanted
        self._check()
        await self._reached.wait()

    def _check(self) -> None:
        if self._wanted is not None and self._count >= self._wanted:
            self._reached.set()
