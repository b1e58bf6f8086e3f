"""Customers."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.database.queries.rows import JsonObject, columns, json_object, json_text
from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class User:
    """A customer. `tier` is `free` or `premium`, `country` an ISO 3166 code."""

    id: int
    email: str
    name: str
    tier: str
    country: str
    preferences: JsonObject
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is verified with; without a hash the account can't sign in by password."""

    user_id: int
    password_hash: str | None
    tier: str
    country: str


_COLUMNS = "id, email, name, tier, country, preferences, created_at, updated_at"
_GET = statement("users.get", f"SELECT {_COLUMNS} FROM users WHERE id = $1")
_CREDENTIALS = statement(
    "users.credentials",
    'SELECT id, password_hash, tier, country FROM users WHERE lower(email COLLATE "C") = $1',
)
_UPDATE = statement(
    "users.update",
    f"""
    UPDATE users SET name = coalesce($2, name), country = coalesce($3, country)
    WHERE id = $1 AND ($4::timestamptz IS NULL OR updated_at = $4) RETURNING {_COLUMNS}
    """,
)
_SET_PREFERENCES = statement(
    "users.set_preferences",
    f"""
    UPDATE users SET preferences = $2::jsonb
    WHERE id = $1 AND ($3::timestamptz IS NULL OR updated_at = $3) RETURNING {_COLUMNS}
    """,
)
_PASSWORD_HASH = statement("users.password_hash", "SELECT password_hash FROM users WHERE id = $1")
_SET_PASSWORD_HASH = statement(
    "users.set_password_hash", "UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING id"
)
_CREATE = statement(
    "users.create",
    f"""
    INSERT INTO users (email, name, country, password_hash) VALUES ($1, $2, $3, $4)
    ON CONFLICT (lower(email COLLATE "C")) DO NOTHING RETURNING {_COLUMNS}
    """,
)


def _user(record: asyncpg.Record) -> User:
    return User(**columns(record, preferences=json_object(record, "preferences")))


async def get(db: Database, user_id: int) -> User | None:
    """One customer."""
    record = await db.fetchrow(_GET, user_id)
    return _user(record) if record is not None else None


def same_email(email: str) -> str:
    """An address in the form that is compared: the letters A to Z in lower case, all others unchanged.

    The users' index has the same rule. By Unicode's rule, Postgres and Python disagree on some pairs of letters.
    """
    return email.encode().lower().decode()


async def credentials(db: Database, email: str) -> Credentials | None:
    """The credentials of the user with this address (in any case of A to Z)."""
    record = await db.fetchrow(_CREDENTIALS, same_email(email))
    if record is None:
        return None
    return Credentials(record["id"], record["password_hash"], record["tier"], record["country"])


async def create(db: Database, *, email: str, name: str, country: str, password_hash: str) -> User | None:
    """Create a customer whose address is proved. Returns None if the address is taken (in any case of A to Z)."""
    record = await db.fetchrow(_CREATE, email, name, country, password_hash)
    return _user(record) if record is not None else None


async def update(
    db: Database,
    user_id: int,
    *,
    name: str | None = None,
    country: str | None = None,
    unchanged_since: datetime | None = None,
) -> User | None:
    """Change the given fields. Returns None if there is no such user, or it was changed since `unchanged_since`."""
    record = await db.fetchrow(_UPDATE, user_id, name, country, unchanged_since)
    return _user(record) if record is not None else None


async def set_preferences(
    db: Database, user_id: int, preferences: JsonObject, *, unchanged_since: datetime | None = None
) -> User | None:
    """Replace a user's preferences. Returns None if there is no such user, or it was changed since
    `unchanged_since`.
    """
    record = await db.fetchrow(_SET_PREFERENCES, user_id, json_text(preferences), unchanged_since)
    return _user(record) if record is not None else None


async def password_hash(db: Database, user_id: int) -> str | None:
    """A user's argon2id hash."""
    return await db.fetchval(_PASSWORD_HASH, user_id)


async def set_password_hash(db: Database, user_id: int, password_hash: str) -> bool:
    """Replace a user's argon2id hash (a changed password, or stronger parameters)."""
    return await db.fetchval(_SET_PASSWORD_HASH, user_id, password_hash) is not None
