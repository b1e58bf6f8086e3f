"""The durable copy of the sessions. Functions take plain session ids and store only their SHA-256."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from app.database.queries.rows import JsonObject, columns, json_object, json_text
from app.database.queries.statement import Database, Transaction, statement


@dataclass(frozen=True, slots=True)
class Session:
    """A visitor's session; `user_id` is None until sign-in. `cart_version` grows with each change of the cart."""

    user_id: int | None
    cart_data: JsonObject
    cart_version: int
    preferences: JsonObject
    last_activity: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """What a cart costs, in minor units of `currency`."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Cart:
    """A session's cart, locked until the transaction ends; `told` is the total that its owner was shown."""

    data: JsonObject
    version: int
    told: Total | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A session's state after a change. Of two changes of a session, the later one's `moment` is later."""

    moment: datetime
    cart_version: int


_GET = statement(
    "sessions.get",
    """
    SELECT user_id, cart_data, cart_version, preferences, last_activity, expires_at
    FROM sessions WHERE id_digest = $1 AND expires_at > now()
    """,
)
_IS_THERE = statement("sessions.is_there", "SELECT 1 FROM sessions WHERE id_digest = $1 AND expires_at > now()")
_LOCK_CART = statement(
    "sessions.lock_cart",
    """
    SELECT cart_data, cart_version, cart_total, cart_currency FROM sessions
    WHERE id_digest = $1 AND expires_at > now() FOR NO KEY UPDATE
    """,
)
# Fields not given keep their stored value, so that concurrent writers of different fields don't undo each other.
_SAVE = statement(
    "sessions.save",
    """
    INSERT INTO sessions (
        id_digest, user_id, cart_data, preferences, expires_at, cart_version, cart_total, cart_currency
    )
    VALUES (
        $1, $2, coalesce($3::jsonb, '{}'), coalesce($4::jsonb, '{}'), now() + $5 * interval '1 second', $6, $7, $8
    )
    ON CONFLICT (id_digest) DO UPDATE SET
        user_id = coalesce($2, sessions.user_id), cart_data = coalesce($3::jsonb, sessions.cart_data),
        preferences = coalesce($4::jsonb, sessions.preferences), last_activity = now(),
        expires_at = excluded.expires_at
    """,
)
# The clock is read under the row's lock, not when the transaction began: later changes have later times.
_CHANGE = statement(
    "sessions.change",
    """
    UPDATE sessions SET
        cart_data = coalesce($2::jsonb, cart_data), preferences = coalesce($3::jsonb, preferences),
        cart_version = cart_version + ($2::jsonb IS NOT NULL)::integer,
        cart_total = CASE WHEN $2::jsonb IS NULL THEN cart_total ELSE $5::bigint END,
        cart_currency = CASE WHEN $2::jsonb IS NULL THEN cart_currency ELSE $6 END,
        last_activity = greatest(clock_timestamp(), last_activity + interval '1 microsecond'),
        expires_at = now() + $4 * interval '1 second'
    WHERE id_digest = $1 AND expires_at > now() RETURNING last_activity, cart_version
    """,
)
_TOUCH = statement(
    "sessions.touch",
    """
    UPDATE sessions SET last_activity = now(), expires_at = now() + $2 * interval '1 second'
    WHERE id_digest = $1 AND expires_at > now() AND last_activity <= now() - $3 * interval '1 second' RETURNING 1
    """,
)
_DELETE = statement("sessions.delete", "DELETE FROM sessions WHERE id_digest = $1")
_DELETE_OF_USER = statement("sessions.delete_of_user", "DELETE FROM sessions WHERE user_id = $1")


def _digest(session_id: str) -> bytes:
    return sha256(session_id.encode()).digest()


async def get(db: Database, session_id: str) -> Session | None:
    """A session that hasn't expired."""
    record = await db.fetchrow(_GET, _digest(session_id))
    if record is None:
        return None
    decoded = {name: json_object(record, name) for name in ("cart_data", "preferences")}
    return Session(**columns(record, **decoded))


async def is_there(db: Database, session_id: str) -> bool:
    """Whether the session exists and hasn't expired."""
    return await db.fetchval(_IS_THERE, _digest(session_id)) is not None


async def lock_cart(transaction: Transaction, session_id: str) -> Cart | None:
    """Lock and return a session's cart, until the transaction ends; None if the session is gone."""
    record = await transaction.fetchrow(_LOCK_CART, _digest(session_id))
    if record is None:
        return None
    amount, currency = record["cart_total"], record["cart_currency"]
    told = Total(amount, currency) if amount is not None and currency is not None else None
    return Cart(json_object(record, "cart_data"), record["cart_version"], told)


async def save(
    db: Database,
    session_id: str,
    *,
    ttl_seconds: int,
    user_id: int | None = None,
    cart_data: JsonObject | None = None,
    preferences: JsonObject | None = None,
    cart_version: int = 0,
    told: Total | None = None,
) -> None:
    """Store a session, or those of its fields that are given; it expires `ttl_seconds` from now."""
    await db.execute(
        _SAVE,
        _digest(session_id),
        user_id,
        json_text(cart_data) if cart_data is not None else None,
        json_text(preferences) if preferences is not None else None,
        ttl_seconds,
        cart_version,
        told.amount if told is not None else None,
        told.currency if told is not None else None,
    )


async def change(
    db: Database,
    session_id: str,
    *,
    ttl_seconds: int,
    cart_data: JsonObject | None = None,
    preferences: JsonObject | None = None,
    told: Total | None = None,
) -> Changed | None:
    """Store the fields that are given and renew the session. Returns None, and stores nothing, if it is gone.

    `told` is the total that the owner of the new cart is shown.
    """
    record = await db.fetchrow(
        _CHANGE,
        _digest(session_id),
        json_text(cart_data) if cart_data is not None else None,
        json_text(preferences) if preferences is not None else None,
        ttl_seconds,
        told.amount if told is not None else None,
        told.currency if told is not None else None,
    )
    return Changed(record["last_activity"], record["cart_version"]) if record is not None else None


async def touch(db: Database, session_id: str, *, ttl_seconds: int, idle_seconds: int = 0) -> bool:
    """Renew a session that wasn't renewed for `idle_seconds`. Returns False if it was, or if it is gone."""
    return await db.fetchval(_TOUCH, _digest(session_id), ttl_seconds, idle_seconds) is not None


async def delete(db: Database, session_id: str) -> None:
    """End a session."""
    await db.execute(_DELETE, _digest(session_id))


async def delete_of_user(db: Database, user_id: int) -> None:
    """End all sessions of a user."""
    await db.execute(_DELETE_OF_USER, user_id)
