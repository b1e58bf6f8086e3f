"""Mails about accounts: a row is a mail to be sent and, once sent, its token, of which only the SHA-256 is stored."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from app.database.queries.statement import Database, Transaction, statement
from app.database.queries.users import same_email

Purpose = Literal["sign-up", "password-reset", "password-changed"]
MOST: Final = 20_000
"""The most rows that may wait for a visitor or the mail server: about ten megabytes."""
KEPT_SECONDS: Final = 3 * 24 * 60 * 60
"""How long a mail is retried: longer than a mail server's outage over a weekend."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent; `known_as` is the name of the user who has the address already, or None."""

    id: int
    purpose: Purpose
    email: str
    name: str | None
    known_as: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class SignUp:
    """The form of a sign-up."""

    email: str
    name: str
    country: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many mails wait to be sent, and for how many seconds the oldest has."""

    mails: int
    oldest_seconds: float


_ADD = statement(
    "account_mails.add",
    """
    INSERT INTO account_mails (purpose, email, name, country, password_hash, expires_at)
    SELECT $1, $2, $3, $4, $5, now() + $6 * interval '1 second'
    WHERE (SELECT count(*) FROM account_mails) < $7 RETURNING id
    """,
)
# A mail that is being sent is invisible until its lease ends, as in the outbox of purges.
_TAKE = statement(
    "account_mails.take",
    """
    UPDATE account_mails m SET attempts = m.attempts + 1, available_at = now() + $2 * interval '1 second'
    FROM (
        SELECT id FROM account_mails WHERE sent_at IS NULL AND available_at <= now() AND expires_at > now()
        ORDER BY available_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE m.id = due.id
    RETURNING m.id, m.purpose, m.email, m.name, m.attempts,
        (SELECT u.name FROM users u WHERE lower(u.email COLLATE "C") = lower(m.email COLLATE "C")) AS known_as
    """,
)
_ARM = statement("account_mails.arm", "UPDATE account_mails SET token_digest = $2 WHERE id = $1")
_SENT = statement(
    "account_mails.sent",
    "UPDATE account_mails SET sent_at = now(), expires_at = now() + $2 * interval '1 second' WHERE id = $1",
)
_DELETE = statement("account_mails.delete", "DELETE FROM account_mails WHERE id = $1")
_RETRY = statement(
    "account_mails.retry",
    """
    UPDATE account_mails SET available_at = now() + $2 * interval '1 second', last_error = $3
    WHERE id = $1 AND sent_at IS NULL
    """,
)
_SIGN_UP = statement(
    "account_mails.sign_up",
    """
    SELECT email, name, country, password_hash FROM account_mails
    WHERE token_digest = $1 AND purpose = 'sign-up' AND expires_at > now()
    """,
)
_USE = statement(
    "account_mails.use",
    "DELETE FROM account_mails WHERE token_digest = $1 AND purpose = $2 AND expires_at > now() RETURNING email",
)
_FORGET = statement(
    "account_mails.forget",
    'DELETE FROM account_mails WHERE lower(email COLLATE "C") = $1 AND purpose = $2',
)
_BACKLOG = statement(
    "account_mails.backlog",
    """
    SELECT count(*) AS mails, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
    FROM account_mails WHERE sent_at IS NULL AND expires_at > now()
    """,
)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def add(db: Database, purpose: Purpose, email: str, sign_up: SignUp | None = None) -> bool:
    """Store a mail to be sent. Returns False, and stores nothing, while `MOST` are waiting."""
    given = (sign_up.name, sign_up.country, sign_up.password_hash) if sign_up is not None else (None, None, None)
    return await db.fetchval(_ADD, purpose, email, *given, KEPT_SECONDS, MOST) is not None


async def take(db: Database, *, limit: int, lease_seconds: float) -> tuple[Mail, ...]:
    """The mails that are due, reserved for the caller for `lease_seconds`."""
    return tuple(Mail(**dict(record)) for record in await db.fetch(_TAKE, limit, lease_seconds))


async def arm(db: Database, mail_id: int, token: str) -> None:
    """Make `token` the mail's only valid one, in place of an earlier attempt's."""
    await db.execute(_ARM, mail_id, _digest(token))


async def sent(db: Database, mail_id: int, *, valid_seconds: float) -> None:
    """Record that the mail server has accepted the mail: its token is valid for `valid_seconds` from now."""
    await db.execute(_SENT, mail_id, valid_seconds)


async def delete(db: Database, mail_id: int) -> None:
    """Delete a mail that needs no sending, or that was sent and has no token."""
    await db.execute(_DELETE, mail_id)


async def retry(db: Database, mail_id: int, *, delay_seconds: float, error: str) -> None:
    """Record a failed attempt: `take` returns the mail again after `delay_seconds`."""
    await db.execute(_RETRY, mail_id, delay_seconds, error)


async def sign_up(db: Database, token: str) -> SignUp | None:
    """The sign-up that this token was mailed for; None if it is unknown, used or expired."""
    record = await db.fetchrow(_SIGN_UP, _digest(token))
    return SignUp(**dict(record)) if record is not None else None


async def use(transaction: Transaction, token: str, purpose: Purpose) -> str | None:
    """Consume a token and all others of its address and purpose. Returns the address; None if the token isn't valid."""
    email = await transaction.fetchval(_USE, _digest(token), purpose)
    if email is None:
        return None
    await forget(transaction, email, purpose)
    return str(email)


async def forget(db: Database, email: str, purpose: Purpose) -> None:
    """Invalidate every token of this purpose for the address, sent or not."""
    await db.execute(_FORGET, same_email(email), purpose)


async def backlog(db: Database) -> Backlog:
    """The mails that wait to be sent, for metrics."""
    record = await db.fetchrow(_BACKLOG)
    if record is None:
        raise RuntimeError("an aggregate without GROUP BY gave no row")
    return Backlog(record["mails"], record["oldest_seconds"])
