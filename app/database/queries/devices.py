"""Browsers that a user has signed in with: each keeps a random token, whose SHA-256 is stored."""

from hashlib import sha256
from typing import Final

from app.database.queries.statement import Database, statement

MOST: Final = 10
"""How many browsers of a user are remembered: the latest."""

_KNOWN = statement("devices.known", "SELECT 1 FROM known_devices WHERE user_id = $1 AND token_digest = $2")
_REMEMBER = statement(
    "devices.remember",
    """
    INSERT INTO known_devices (user_id, token_digest) VALUES ($1, $2)
    ON CONFLICT (user_id, token_digest) DO UPDATE SET last_seen = now()
    """,
)
_FORGET_OLD = statement(
    "devices.forget_old",
    """
    DELETE FROM known_devices WHERE user_id = $1 AND token_digest NOT IN (
        SELECT token_digest FROM known_devices WHERE user_id = $1 ORDER BY last_seen DESC LIMIT $2
    )
    """,
)
_FORGET_ALL = statement("devices.forget_all", "DELETE FROM known_devices WHERE user_id = $1")


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def known(db: Database, user_id: int, token: str) -> bool:
    """Whether the browser with this token is one that the user has signed in with."""
    return await db.fetchval(_KNOWN, user_id, _digest(token)) is not None


async def remember(db: Database, user_id: int, token: str) -> None:
    """Record that the user has signed in with the browser that has this token."""
    await db.execute(_REMEMBER, user_id, _digest(token))
    await db.execute(_FORGET_OLD, user_id, MOST)


async def forget_all(db: Database, user_id: int) -> None:
    """Forget all of a user's browsers (after a changed password)."""
    await db.execute(_FORGET_ALL, user_id)
