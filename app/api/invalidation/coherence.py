"""Purges our own layers together: Redis, and the memory of every process of the API.

A purge deletes in Redis first and then tells every process through a channel of the `data` pair. PUBLISH returns the
number of processes that receive it. Each confirms on the sender's channel once its memory is clean, and the sender
waits for that many confirmations. So when `purge` returns, no layer of ours has the old value, and the tags' versions
(redis.tagged) keep slow readers from storing it again.

A process that isn't reached serves nothing old either (docs/decisions/coherence.md). It trusts its own copies for
`LEASE_SECONDS` after the moment until which it knows that it has heard everything. A process that hangs or is cut off
asks Redis, and a sender waits no longer than that for its confirmation. And no process uses a newly connected master
before it has repeated there the recent purges of the outbox, which a promoted replica may lack.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Sequence
from time import monotonic, time
from typing import Any, Final

import orjson
import structlog

from app.api.cache_manager import CacheManager
from app.api.invalidation.layers import REDIS, PurgeFailed
from app.api.redis import Pair, RedisError, Unavailable
from app.api.redis.subscription import Subscription
from app.api.redis.tagged import TaggedStore
from app.api.responses.cache import ResponseCache
from app.database import failures
from app.database.queries import Database, outbox

log = structlog.get_logger(__name__)

CHANNEL: Final = "simone:purge"
LEASE_SECONDS: Final = 1.0
"""How long a process trusts its own copies without hearing that it has missed no purge; four times PING_SECONDS, so
that a busy machine doesn't cost every process its memory."""
REPLAYED_SECONDS: Final = 30.0
"""Purges this young are repeated on a newly connected master: replication is behind by less, or broken."""
OUTBOX_SECONDS: Final = 0.5
"""A new connection waits at most this long for the purges of other processes."""
RETRY_SECONDS: Final = 0.05
REMEMBERED: Final = 50_000
"""Tags of own purges, for a newly connected master while the database is away too: ten megabytes."""


class Coherence:
    """One instance for each process. `start` it to hear the others; `purge` works either way. It waits for Redis for
    `seconds`, a failover's length: after that nobody can read there either.

    With a `database`, other processes' purges are repeated on a newly connected master too.
    """

    name: str = REDIS
    tags_at_once: int = 1000

    def __init__(
        self,
        *,
        data: TaggedStore,
        computed: TaggedStore,
        seconds: float,
        responses: ResponseCache | None = None,
        entities: Sequence[CacheManager] = (),
        database: "Database | None" = None,
    ) -> None:
        self._stores = {"data": data, "computed": computed}
        self._pair: Pair = data.pair
        self._responses = responses
        self._entities = entities
        self._seconds = seconds
        self._acknowledgements = f"{CHANNEL}:{secrets.token_hex(8)}"
        self._waiting: dict[str, _Count] = {}
        self._recent: dict[str, float] = {}
        """When tags were last purged from here, oldest first."""
        self._answers: set[asyncio.Task[None]] = set()
        self._database = database
        self._away_since: float | None = None
        self._hears = False
        self._subscription = Subscription(
            self._pair, [CHANNEL, self._acknowledgements], self._hear, lost=self._deaf, alive=self._alive
        )
        for store in self._stores.values():
            store.pair.on_recovery(lambda call, store=store: self._replay(store, call))

    def start(self) -> None:
        """Start to hear the purges of all processes."""
        self._subscription.start()

    async def stop(self) -> None:
        """Stop hearing."""
        await self._subscription.stop()

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge our own layers. When it returns, none of them has the old values. Raises PurgeFailed."""
        self._remember(tags)
        deadline = (self._away_since or monotonic()) + self._seconds
        while True:
            self._forget(tags)
            purged = await asyncio.gather(*(_failure(store.purge(tags)) for store in self._stores.values()))
            # One pair away is no reason to leave the old value in the processes' memories.
            failed = [failure for failure in (*purged, await _failure(self._tell(tags))) if failure]
            if not failed:
                break
            self._away_since = self._away_since or monotonic()
            if monotonic() >= deadline:
                raise PurgeFailed(f"redis: {failed[0]}") from failed[0]
            await asyncio.sleep(RETRY_SECONDS)
        self._away_since = None
        # What was read from Redis into this process's memory in between, while the others were being told.
        self._forget(tags)

    def _remember(self, tags: Sequence[str]) -> None:
        now = monotonic()
        for tag in tags:
            self._recent.pop(tag, None)
            self._recent[tag] = now
        while self._recent and (
            self._recent[oldest := next(iter(self._recent))] < now - REPLAYED_SECONDS or len(self._recent) > REMEMBERED
        ):
            del self._recent[oldest]

    async def _tell(self, tags: Sequence[str]) -> None:
        """Tell every process, and wait until each has confirmed or no longer trusts its memory."""
        number = secrets.token_hex(8)
        waiting = self._waiting[number] = _Count()
        try:
            message = orjson.dumps({"tags": list(tags), "reply": self._acknowledgements, "number": number})
            heard = await self._pair.call("PUBLISH", CHANNEL, message)
            async with asyncio.timeout(LEASE_SECONDS):
                # A process that can't hear answers can't count them either: it waits for the others' leases.
                await waiting.reach(heard)
        except TimeoutError:
            log.info("a process didn't confirm; it has forgotten by itself", tags=list(tags))
        finally:
            del self._waiting[number]

    def _forget(self, tags: Sequence[str]) -> None:
        if self._responses is not None:
            self._responses.purge(tags)
        for entities in self._entities:
            entities.purge(tags)

    async def _replay(self, store: TaggedStore, call: Any) -> None:
        young = monotonic() - REPLAYED_SECONDS
        tags = {tag for tag, moment in self._recent.items() if moment >= young}
        if self._database is not None:
            try:
                async with asyncio.timeout(OUTBOX_SECONDS):
                    tags |= await outbox.recent_tags(self._database, seconds=REPLAYED_SECONDS, target=REDIS)
            except (TimeoutError, *failures.ANY) as error:
                # Without a database there are no writes either: answers are worth more than certainty.
                log.warning("purges of others not repeated", pair=store.pair.name, error=type(error).__name__)
        if tags:
            await store.purge_by(call, sorted(tags))

    def _alive(self, heard_until: float) -> None:
        """Everything published before `heard_until` has been heard."""
        if self._responses is not None and self._hears:
            self._responses.trusted_until = time() - monotonic() + heard_until + LEASE_SECONDS

    def _deaf(self) -> None:
        self._hears = False
        if self._responses is not None:
            self._responses.trusted_until = 0.0

    def _hear(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == b"subscribe":
            if push[1] == CHANNEL.encode():
                # Purges may have been missed before this moment, and none will be from now on.
                if self._responses is not None:
                    self._responses.clear()
                self._hears = True
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


async def _failure(work: Coroutine[Any, Any, object]) -> RedisError | None:
    try:
        await work
    except RedisError as error:
        return error
    return None


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
