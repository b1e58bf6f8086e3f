"""How every write goes: once for each Idempotency-Key, its purges noted in the same transaction, our own layers clean
before the answer leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import asyncpg
import orjson
import structlog
from asyncpg.pool import Pool
from pydantic import BaseModel

from app.api.invalidation.layers import REDIS, Layer, purge_in_order
from app.api.metrics import Metrics
from app.api.problems import MEDIA_TYPE, Problem
from app.caching_policy import Event, Policy
from app.database import failures
from app.database.queries import Transaction, idempotency, outbox

log = structlog.get_logger(__name__)

WORKER_DELAY_SECONDS: Final = 0.1
"""The worker leaves a new purge alone for this long: normally the writer has done Redis by then."""
_KEPT_FAILURES: Final = frozenset({404, 409, 412})
"""Refusals that are the request's answer. Others (who are you, too busy) may be different the next time."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to something: an event of the policy with what it is about (product_id, user_id …)."""

    event: Event
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A write's answer, and what it changed."""

    status: int
    body: BaseModel
    changes: Sequence[Change] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Ready to be sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Act = Callable[[Transaction], Awaitable[Written]]


class Writer:
    """Runs writes. `layers` are our own, from the inside outwards: an answer waits until they have been purged. What
    one of them doesn't confirm is left to the worker, and counted as a failed purge.
    """

    def __init__(self, pool: "Pool[asyncpg.Record]", policy: Policy, layers: Sequence[Layer], metrics: Metrics) -> None:
        self._pool = pool
        self._policy = policy
        self._layers = tuple(layers)
        self._metrics = metrics
        self._afterwards: set[asyncio.Task[None]] = set()

    async def write(self, act: Act, *, scope: str, key: str | None, request: bytes) -> Answer:
        """Run `act` in a transaction and answer; or answer as the first time, if `key` was used by this `scope` before.

        `request` is what the key stands for: method, address and body. Raises Problem 422 if the key was used for
        something else, and what `act` raises.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if key is not None:
                digest = blake2b(request, digest_size=32).digest()
                try:
                    before = await idempotency.claim(connection, scope=scope, key=key, request_digest=digest)
                except idempotency.KeyReused as error:
                    raise Problem(
                        422, "This Idempotency-Key was used for another request: use a new key for a new request."
                    ) from error
                if before is not None:
                    headers = {name: str(value) for name, value in before.headers.items()}
                    return Answer(before.status, headers | {"idempotency-replayed": "true"}, before.body)
            answer, changes = await self._act(act, connection)
            if key is not None:
                await idempotency.store(
                    connection,
                    scope=scope,
                    key=key,
                    status=answer.status,
                    headers=dict(answer.headers),
                    body=answer.body,
                )
            tags = list(dict.fromkeys(tag for one in changes for tag in self._policy.purge(one.event, one.about)))
            event = None
            if tags:
                reason = ",".join(sorted({change.event for change in changes}))
                event = await outbox.add(connection, tags=tags, reason=reason, delay_seconds=WORKER_DELAY_SECONDS)
        if event is not None:
            await self._purge(event, tags)
        return answer

    async def _act(self, act: Act, connection: Transaction) -> tuple[Answer, Sequence[Change]]:
        try:
            async with connection.transaction():
                written = await act(connection)
        except Problem as refusal:
            if refusal.status not in _KEPT_FAILURES:
                raise
            return Answer(refusal.status, {"content-type": MEDIA_TYPE, **refusal.headers}, refusal.body()), ()
        headers = {"content-type": "application/json", **written.headers}
        return Answer(written.status, headers, written.body.model_dump_json().encode()), written.changes

    async def _purge(self, event: int, tags: Sequence[str]) -> None:
        if REDIS not in await purge_in_order(self._layers, tags, self._metrics):
            return
        # The gateway isn't noted as done: the worker purges it again, after the storefront's pages are made anew.
        task = asyncio.create_task(self._note(event))
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)

    async def _note(self, event: int) -> None:
        """Spare the worker what is done; the answer needn't wait for that."""
        try:
            await outbox.finish_target(self._pool, [event], REDIS)
        except failures.ANY as error:
            log.info("purge not noted as done, the worker repeats it", purge=event, error=type(error).__name__)

    async def finish(self) -> None:
        """Wait for what was left to do after the answers."""
        await asyncio.gather(*self._afterwards, return_exceptions=True)


def request_bytes(method: str, path: str, body: BaseModel | None) -> bytes:
    """What an Idempotency-Key stands for: the same JSON in another spelling is the same request."""
    return f"{method} {path}\n".encode() + (orjson.dumps(body.model_dump(mode="json")) if body is not None else b"")
