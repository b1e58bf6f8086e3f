"""Pending purges by layer: written in the transaction of the change, delivered by the invalidation worker.

Each layer has its own queue (`invalidation_queue`). An event passes through them from the innermost layer outwards; an
event that waits for one layer delays no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database.queries.rows import columns
from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class Event:
    """A purge for one layer, at its `attempts`-th attempt.

    `early`: out of turn, because an inner layer has failed; it comes again once that layer has confirmed.
    """

    id: int
    tags: tuple[str, ...]
    early: bool
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events wait, and for how many seconds the oldest has."""

    events: int
    oldest_seconds: float


def _queue_next(events: str, layers: str) -> str:
    """SQL that queues each event for the first of `layers` (outermost last) that hasn't confirmed it."""
    return f"""INSERT INTO invalidation_queue (event_id, layer)
        SELECT {events}.id, next.layer FROM {events} CROSS JOIN LATERAL (
            SELECT layer FROM unnest({layers}::text[]) WITH ORDINALITY AS known (layer, rank)
            WHERE NOT layer = ANY({events}.finished_targets) ORDER BY rank LIMIT 1
        ) next
        ON CONFLICT (event_id, layer) DO UPDATE SET due_at = now(), early = false"""


_ADD = statement(
    "outbox.add",
    """
    INSERT INTO invalidation_outbox (tags, reason, available_at)
    VALUES ($1::text[], $2, now() + $3 * interval '1 second') RETURNING id
    """,
)
# Each event goes to the innermost layer that hasn't confirmed it; from there `confirm` passes it on. While it is
# queued, its `available_at` is infinity: any other time queues it again.
_DISPATCH = statement(
    "outbox.dispatch",
    f"""
    WITH new AS (
        SELECT id, finished_targets FROM invalidation_outbox
        WHERE completed_at IS NULL AND available_at < 'infinity' AND available_at <= now()
        ORDER BY available_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
    ), noted AS (
        UPDATE invalidation_outbox o SET
            available_at = 'infinity', completed_at = CASE WHEN new.finished_targets @> $1::text[] THEN now() END
        FROM new WHERE o.id = new.id
    ), queued AS (
        {_queue_next("new", "$1")}
    )
    SELECT count(*) FROM new
    """,
)
# An event that a worker has taken is invisible until its lease ends: if the worker dies, another one takes it then.
_TAKE = statement(
    "outbox.take",
    """
    WITH due AS (
        SELECT event_id FROM invalidation_queue WHERE layer = $1 AND due_at <= now()
        ORDER BY due_at, event_id LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE invalidation_queue q SET due_at = now() + $3 * interval '1 second', attempts = q.attempts + 1
    FROM due JOIN invalidation_outbox o ON o.id = due.event_id
    WHERE q.event_id = due.event_id AND q.layer = $1
    RETURNING o.id, o.tags, q.early, q.attempts, o.created_at
    """,
)
_FINISH_TARGET = statement(
    "outbox.finish_target",
    """
    UPDATE invalidation_outbox SET finished_targets = array_append(finished_targets, $2)
    WHERE id = ANY($1::bigint[]) AND NOT $2 = ANY(finished_targets)
    """,
)
_CONFIRM = statement(
    "outbox.confirm",
    f"""
    WITH done AS (
        DELETE FROM invalidation_queue WHERE layer = $1 AND event_id = ANY($2::bigint[]) AND NOT early
        RETURNING event_id
    ), noted AS (
        UPDATE invalidation_outbox o SET
            finished_targets = array_append(o.finished_targets, $1),
            completed_at = CASE WHEN array_append(o.finished_targets, $1) @> $3::text[] THEN now() END
        FROM done WHERE o.id = done.event_id AND o.completed_at IS NULL
        RETURNING o.id, o.finished_targets
    ), queued AS (
        {_queue_next("noted", "$3")}
    )
    SELECT count(*) FROM noted
    """,
)
_CONFIRM_EARLY = statement(
    "outbox.confirm_early",
    "DELETE FROM invalidation_queue WHERE layer = $1 AND event_id = ANY($2::bigint[]) AND early",
)
_RETRY = statement(
    "outbox.retry",
    """
    WITH failed AS (
        UPDATE invalidation_queue SET due_at = now() + $3 * interval '1 second'
        WHERE layer = $1 AND event_id = ANY($2::bigint[]) RETURNING event_id, attempts
    ), noted AS (
        UPDATE invalidation_outbox o SET attempts = o.attempts + 1, last_error = $4
        FROM failed WHERE o.id = failed.event_id
    )
    INSERT INTO invalidation_queue (event_id, layer, early)
    SELECT failed.event_id, outer_layer, true FROM failed CROSS JOIN unnest($5::text[]) outer_layer
    WHERE failed.attempts = 1
    ON CONFLICT (event_id, layer) DO NOTHING
    """,
)
_FORGET_OTHERS = statement(
    "outbox.forget_others",
    """
    WITH gone AS (DELETE FROM invalidation_queue WHERE NOT layer = ANY($1::text[]) RETURNING event_id)
    UPDATE invalidation_outbox o SET available_at = now() FROM gone WHERE o.id = gone.event_id AND completed_at IS NULL
    """,
)
_RECENT_TAGS = statement(
    "outbox.recent_tags",
    """
    SELECT DISTINCT unnest(tags) FROM (
        SELECT tags FROM invalidation_outbox
        WHERE completed_at > now() - $1 * interval '1 second' AND created_at > now() - $1 * interval '1 second'
        UNION ALL
        SELECT tags FROM invalidation_outbox
        WHERE completed_at IS NULL AND created_at > now() - $1 * interval '1 second'
        UNION ALL
        SELECT tags FROM invalidation_outbox
        WHERE completed_at IS NULL AND available_at < 'infinity' AND NOT $2 = ANY(finished_targets)
        UNION ALL
        SELECT o.tags FROM invalidation_queue q JOIN invalidation_outbox o ON o.id = q.event_id WHERE q.layer = $2
    ) recent
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
    """Store a purge, in the transaction of the change that makes it necessary. Returns its id.

    For `delay_seconds` the worker leaves it to the process that made the change.
    """
    return await db.fetchval(_ADD, list(tags), reason, delay_seconds)


async def dispatch(db: Database, layers: Sequence[str], *, limit: int) -> int:
    """Put new events into the queues of the layers, innermost first. Returns how many."""
    return await db.fetchval(_DISPATCH, list(layers), limit)


async def take(db: Database, layer: str, *, limit: int, lease_seconds: float) -> tuple[Event, ...]:
    """The events due at a layer for longest, reserved for `lease_seconds`; concurrent workers get different ones."""
    return tuple(
        Event(**columns(record, tags=tuple(record["tags"])))
        for record in sorted(await db.fetch(_TAKE, layer, limit, lease_seconds), key=lambda record: record["id"])
    )


async def finish_target(db: Database, event_ids: Sequence[int], target: str) -> None:
    """Record that a layer has purged these events before they reached its queue."""
    await db.execute(_FINISH_TARGET, list(event_ids), target)


async def confirm(db: Database, layer: str, events: Sequence[Event], layers: Sequence[str]) -> None:
    """Record that a layer has purged these events from `take`: pass them to the next of `layers`, or complete them."""
    in_turn = [event.id for event in events if not event.early]
    if in_turn:
        await db.fetchval(_CONFIRM, layer, in_turn, list(layers))
    if early := [event.id for event in events if event.early]:
        await db.execute(_CONFIRM_EARLY, layer, early)


async def retry(
    db: Database, layer: str, event_ids: Sequence[int], *, delay_seconds: float, error: str, outer: Sequence[str] = ()
) -> None:
    """Record that a layer failed: offer it these events again after `delay_seconds`, and at once to the layers `outer`
    to it, which may keep the old values for longer.
    """
    await db.execute(_RETRY, layer, list(event_ids), delay_seconds, error, list(outer))


async def forget_others(db: Database, layers: Sequence[str]) -> None:
    """Drop the queues of all layers but these: their events go on without them."""
    await db.execute(_FORGET_OTHERS, list(layers))


async def recent_tags(db: Database, *, seconds: float, target: str) -> frozenset[str]:
    """The tags purged within the last `seconds`, and those that `target` hasn't confirmed yet."""
    return frozenset(record[0] for record in await db.fetch(_RECENT_TAGS, seconds, target))


async def backlog(db: Database) -> Backlog:
    """The events that wait, for metrics."""
    record = await db.fetchrow(_BACKLOG)
    if record is None:
        raise RuntimeError("an aggregate without GROUP BY gave no row")
    return Backlog(record["events"], record["oldest_seconds"])
