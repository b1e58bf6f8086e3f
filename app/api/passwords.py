"""Passwords: argon2id (RFC 9106), outside the event loop, and few at a time."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher()
NOBODYS: Final = _HASHER.hash("nobody has this password")
"""Checked where there is no hash, so that a response's time doesn't tell who has an account."""
_AT_ONCE: Final = asyncio.Semaphore(2)
"""argon2 takes a core and 64 MiB for tens of milliseconds: a flood of attempts must not take all."""


async def hashed(password: str) -> str:
    """The hash to store, in its PHC string."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password_hash: str, password: str) -> bool:
    """Whether the password matches the hash."""
    async with _AT_ONCE:
        try:
            return await asyncio.to_thread(_HASHER.verify, password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
