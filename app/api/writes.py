"""How every write runs: once for each Idempotency-Key, its purges stored in the same transaction, our own layers
purged and the session in Redis updated before the response leaves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import asyncpg
import structlog
from asyncpg.pool import Pool
from pydantic import BaseModel

from app.api.invalidation.layers import REDIS, Layer, purge_in_order
from app.api.metrics import Metrics
from app.api.problems import Problem
from app.api.sessions import Session, SessionChange, SessionStore
from app.caching_policy import Event, Policy
from app.database import failures
from app.database.queries import Transaction, idempotency, outbox

log = structlog.get_logger(__name__)

WORKER_DELAY_SECONDS: Final = 0.1
"""The worker leaves a new purge alone for this long: normally the writer has done Redis by then."""


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """An event of the policy, with what it is about (product_id, user_id …)."""

    event: Event
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A write's response and what it changed.

    `session` is the visitor's changed or new session. `repeat` is what the same request means from now on, if the
    write itself changes that: a repetition is recognised all the same.
    """

    status: int
    body: BaseModel
    changes: Sequence[ChangeEvent] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    session: SessionChange | Session | None = None
    repeat: bytes | None = None


@dataclass(frozen=True, slots=True)
class WriteResponse:
    """A response that is ready to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Once:
    """A request's Idempotency-Key, its owner, and everything that the request means.

    It counts for `seconds`. Of a scope that anybody may create, only the latest `most` are kept.
    """

    scope: str
    key: str
    meaning: bytes
    seconds: int = 86_400
    most: int | None = None


Act = Callable[[Transaction], Awaitable[Written]]
Again = Callable[[Transaction], Awaitable[BaseModel]]


class Writer:
    """Runs writes. `layers` are our own, from the inside outwards: a response waits until they have been purged. What
    a layer doesn't confirm is left to the worker and counted as a failed purge.
    """

    def __init__(
        self,
        pool: "Pool[asyncpg.Record]",
        policy: Policy,
        layers: Sequence[Layer],
        sessions: SessionStore,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._layers = tuple(layers)
        self._sessions = sessions
        self._metrics = metrics
        self._afterwards: set[asyncio.Task[None]] = set()

    async def write(self, act: Act, once: Once | None = None, again: Again | None = None) -> WriteResponse:
        """Run `act` in a transaction and return its response, or the first response if `once` has run before.

        With `again` the body isn't kept, and `again` makes the response to a repetition.

        Only success is kept under a key: a corrected request may use the same key again. A repetition has no effect.
        Raises Problem 422 if the key stands for another request, and what `act` raises.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if once is not None and (before := await self._claim(connection, once, again)) is not None:
                return before
            written = await act(connection)
            answer = WriteResponse(
                written.status,
                {"content-type": "application/json", **written.headers},
                written.body.model_dump_json().encode(),
            )
            if once is not None:
                await idempotency.store(
                    connection,
                    scope=once.scope,
                    key=once.key,
                    status=answer.status,
                    headers=dict(answer.headers),
                    body=answer.body if again is None else None,
                    repeat_digest=_digest(written.repeat) if written.repeat is not None else None,
                )
                if once.most is not None:
                    await idempotency.trim(connection, scope=once.scope, keep=once.most)
            purged = (self._policy.purge(change.event, change.about) for change in written.changes)
            tags = list(dict.fromkeys(tag for one in purged for tag in one))
            event = None
            if tags:
                reason = ",".join(sorted({change.event for change in written.changes}))
                event = await outbox.add(connection, tags=tags, reason=reason, delay_seconds=WORKER_DELAY_SECONDS)
        if written.session is not None:
            await self._sessions.publish(written.session)
        if event is not None:
            await self._purge(event, tags)
        return answer

    async def _claim(self, connection: Transaction, once: Once, again: Again | None) -> WriteResponse | None:
        try:
            before = await idempotency.claim(
                connection,
                scope=once.scope,
                key=once.key,
                request_digest=_digest(once.meaning),
                ttl_seconds=once.seconds,
            )
        except idempotency.KeyReused as error:
            raise Problem(
                422,
                "This Idempotency-Key was used for another request: use a new key for a new request.",
                reason="key-used",
            ) from error
        if before is None:
            return None
        headers = {name: str(value) for name, value in before.headers.items()}
        if before.body is None:
            if again is None:
                raise RuntimeError("an answer was not kept, and nobody says how to make it again")
            body = (await again(connection)).model_dump_json().encode()
        else:
            body = before.body
        return WriteResponse(before.status, headers | {"idempotency-replayed": "true"}, body)

    async def _purge(self, event: int, tags: Sequence[str]) -> None:
        if REDIS not in await purge_in_order(self._layers, tags, self._metrics):
            return
        # The gateway isn't confirmed: the worker purges it again, after the storefront has rebuilt its pages.
        task = asyncio.create_task(self._note(event))
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)

    async def _note(self, event: int) -> None:
        """Confirm finished purges to spare the worker; the response doesn't wait for that."""
        try:
            await outbox.finish_target(self._pool, [event], REDIS)
        except failures.ANY as error:
            log.info("purge not noted as done, the worker repeats it", purge=event, error=type(error).__name__)

    async def finish(self) -> None:
        """Wait for the work that was left for after the responses."""
        await asyncio.gather(*self._afterwards, return_exceptions=True)


def _digest(meaning: bytes) -> bytes:
    return blake2b(meaning, digest_size=32).digest()
