"""Deletes expired rows, in batches, so that no transaction and no lock lasts long."""

from dataclasses import dataclass
from typing import Final

from app.database.queries.statement import Database, statement

BATCH: Final = 250
"""Rows deleted at once, which takes a few milliseconds (make db-report)."""

_EXPIRED_SESSIONS = statement(
    "maintenance.expire_sessions",
    """
    DELETE FROM sessions WHERE id_digest IN (
        SELECT id_digest FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT $1
        FOR UPDATE SKIP LOCKED
    )
    """,
)
_EXPIRED_KEYS = statement(
    "maintenance.expire_idempotency_keys",
    """
    DELETE FROM idempotency_keys k USING (
        SELECT scope, key FROM idempotency_keys WHERE expires_at <= now() ORDER BY expires_at LIMIT $1
        FOR UPDATE SKIP LOCKED
    ) old WHERE k.scope = old.scope AND k.key = old.key
    """,
)
_EXPIRED_MAILS = statement(
    "maintenance.expire_account_mails",
    """
    DELETE FROM account_mails WHERE id IN (
        SELECT id FROM account_mails WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    """,
)
_OLD_EVENTS = statement(
    "maintenance.prune_outbox",
    """
    DELETE FROM invalidation_outbox WHERE id IN (
        SELECT id FROM invalidation_outbox
        WHERE completed_at IS NOT NULL AND completed_at <= now() - $2 * interval '1 second'
        ORDER BY completed_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    """,
)


_LEFT = statement(
    "maintenance.left",
    """
    SELECT visits, keys, late_sessions + late_keys AS late FROM (
        SELECT count(*) FILTER (WHERE user_id IS NULL) AS visits,
               count(*) FILTER (WHERE expires_at <= now() - interval '1 hour') AS late_sessions FROM sessions
    ) s, (
        SELECT count(*) AS keys, count(*) FILTER (WHERE expires_at <= now() - interval '1 hour') AS late_keys
        FROM idempotency_keys
    ) k
    """,
)


@dataclass(frozen=True, slots=True)
class LeftoverRows:
    """Rows that visitors left behind: sessions of those who aren't signed in, idempotency keys, and the `late` ones,
    which should have been deleted an hour ago.
    """

    visits: int
    keys: int
    late: int


def _deleted(tag: str) -> int:
    """The count in a command tag (`DELETE 17`)."""
    return int(tag.rsplit(" ", 1)[-1])


async def expire_sessions(db: Database, *, batch: int = BATCH) -> int:
    """Delete a batch of expired sessions. Returns how many; fewer than `batch` means that none is left."""
    return _deleted(await db.execute(_EXPIRED_SESSIONS, batch))


async def expire_idempotency_keys(db: Database, *, batch: int = BATCH) -> int:
    """Delete a batch of expired idempotency keys. Returns how many."""
    return _deleted(await db.execute(_EXPIRED_KEYS, batch))


async def expire_account_mails(db: Database, *, batch: int = BATCH) -> int:
    """Delete a batch of mails that weren't sent in time, or whose token has expired. Returns how many."""
    return _deleted(await db.execute(_EXPIRED_MAILS, batch))


async def prune_outbox(db: Database, *, older_than_seconds: float = 86_400, batch: int = BATCH) -> int:
    """Delete a batch of events completed longer ago than that. Returns how many."""
    return _deleted(await db.execute(_OLD_EVENTS, batch, older_than_seconds))


async def left(db: Database) -> LeftoverRows:
    """Count these rows for metrics; reads both tables."""
    record = await db.fetchrow(_LEFT)
    if record is None:
        raise RuntimeError("an aggregate without GROUP BY gave no row")
    return LeftoverRows(record["visits"], record["keys"], record["late"])
