"""Bearer tokens of administrators and services; only their SHA-256 is stored."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a token; `role` is `admin` or `service`."""

    name: str
    role: str


# last_used_at is for finding forgotten tokens: to the hour is enough, and keeps reads from being writes.
_AUTHENTICATE = statement(
    "tokens.authenticate",
    """
    WITH caller AS (
        SELECT id, name, role, last_used_at FROM service_tokens
        WHERE token_digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    ),
    used AS (
        UPDATE service_tokens t SET last_used_at = now() FROM caller c
        WHERE t.id = c.id AND (c.last_used_at IS NULL OR c.last_used_at < now() - interval '1 hour')
    )
    SELECT name, role FROM caller
    """,
)
_ISSUE = statement(
    "tokens.issue",
    """
    INSERT INTO service_tokens (name, token_digest, role, expires_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET
        token_digest = excluded.token_digest, role = excluded.role, expires_at = excluded.expires_at,
        revoked_at = NULL
    """,
)
_REVOKE = statement(
    "tokens.revoke", "UPDATE service_tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id"
)


async def authenticate(db: Database, token: str) -> Caller | None:
    """The owner of this token; None if it is unknown, expired or revoked."""
    record = await db.fetchrow(_AUTHENTICATE, sha256(token.encode()).digest())
    return Caller(record["name"], record["role"]) if record is not None else None


async def issue(db: Database, *, name: str, token: str, role: str, expires_at: datetime | None = None) -> None:
    """Accept `token` (256 random bits) under `name`, in place of an earlier one. Only the database's owner may."""
    await db.execute(_ISSUE, name, sha256(token.encode()).digest(), role, expires_at)


async def revoke(db: Database, *, name: str) -> None:
    """Revoke the token of that name. Only the database's owner may."""
    await db.execute(_REVOKE, name)
