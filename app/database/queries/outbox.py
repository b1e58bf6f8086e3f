"""What is still to be purged, and where: written with the change itself, drained by the invalidation worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class Event:
    """Something to purge; `finished_targets` are the layers that have confirmed it."""

    id: int
    tags: tuple[str, ...]
    reason: str
    finished_targets: frozenset[str]
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, and for how long the oldest has."""

    events: int
    oldest_seconds: float


_ADD = statement(
    "outbox.add",
    """
    INSERT INTO invalidation_outbox (tags, reason, available_at)
    VALUES ($1::text[], $2, now() + $3 * interval '1 second') RETURNING id
    """,
)
# An event being worked on is invisible until its lease ends: if the worker dies, another one takes it then.
_TAKE = statement(
    "outbox.take",
    """
    UPDATE invalidation_outbox o SET attempts = o.attempts + 1, available_at = now() + $2 * interval '1 second'
    FROM (
        SELECT id FROM invalidation_outbox WHERE completed_at IS NULL AND available_at <= now()
        ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE o.id = due.id
    RETURNING o.id, o.tags, o.reason, o.finished_targets, o.attempts, o.created_at
    """,
)
_FINISH_TARGET = statement(
    "outbox.finish_target",
    """
    UPDATE invalidation_outbox SET finished_targets = array_append(finished_targets, $2)
    WHERE id = ANY($1::bigint[]) AND NOT $2 = ANY(finished_targets)
    """,
)
_COMPLETE = statement(
    "outbox.complete",
    "UPDATE invalidation_outbox SET completed_at = now() WHERE id = ANY($1::bigint[]) AND completed_at IS NULL",
)
_RETRY = statement(
    "outbox.retry",
    """
    UPDATE invalidation_outbox SET available_at = now() + $2 * interval '1 second', last_error = $3
    WHERE id = ANY($1::bigint[]) AND completed_at IS NULL
    """,
)
_RECENT_TAGS = statement(
    "outbox.recent_tags",
    """
    SELECT DISTINCT unnest(tags) FROM invalidation_outbox
    WHERE created_at > now() - $1 * interval '1 second' OR completed_at IS NULL AND NOT $2 = ANY(finished_targets)
    """,
)
_BACKLOG = statement(
    "outbox.backlog",
    """
    SELECT count(*) AS events, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
    FROM invalidation_outbox WHERE completed_at IS NULL
    """,
)


async def add(db: Database, *, tags: Sequence[str], reason: str, delay_seconds: float = 0.0) -> int:
    """Note a purge, on the connection and in the transaction of the change that makes it necessary; gives its id.

    For `delay_seconds` the worker leaves it to whoever made the change.
    """
    return await db.fetchval(_ADD, list(tags), reason, delay_seconds)


async def take(db: Database, *, limit: int, lease_seconds: float) -> tuple[Event, ...]:
    """The oldest events that nobody works on, in order, for `lease_seconds`; several workers get different ones."""
    records = await db.fetch(_TAKE, limit, lease_seconds)
    return tuple(
        Event(
            id=record["id"],
            tags=tuple(record["tags"]),
            reason=record["reason"],
            finished_targets=frozenset(record["finished_targets"]),
            attempts=record["attempts"],
            created_at=record["created_at"],
        )
        for record in sorted(records, key=lambda record: record["id"])
    )


async def finish_target(db: Database, event_ids: Sequence[int], target: str) -> None:
    """Note that a layer has purged these events, so that a retry leaves it out."""
    await db.execute(_FINISH_TARGET, list(event_ids), target)


async def complete(db: Database, event_ids: Sequence[int]) -> None:
    """All layers have purged these events."""
    await db.execute(_COMPLETE, list(event_ids))


async def retry(db: Database, event_ids: Sequence[int], *, delay_seconds: float, error: str) -> None:
    """Something failed: offer these events again after a while."""
    await db.execute(_RETRY, list(event_ids), delay_seconds, error)


async def recent_tags(db: Database, *, seconds: float, target: str) -> frozenset[str]:
    """What was purged within the last `seconds`, and what a layer hasn't confirmed yet."""
    return frozenset(record[0] for record in await db.fetch(_RECENT_TAGS, seconds, target))


async def backlog(db: Database) -> Backlog:
    """For metrics: what waits."""
    record = await db.fetchrow(_BACKLOG)
    if record is None:
        raise RuntimeError("an aggregate without GROUP BY gave no row")
    return Backlog(record["events"], record["oldest_seconds"])
