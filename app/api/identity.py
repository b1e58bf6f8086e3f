"""Who asks: a visitor by the cookie `sid`, or an administrator or service by a bearer token."""

import hmac
from collections.abc import MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Literal

from app.api import problems
from app.api.entities import Entities
from app.api.sessions import Session, SessionStore, is_id
from app.database.queries import Database, tokens

COOKIE: Final = "sid"
TIER_COOKIE: Final = "tier"
"""Marks a member with a price list of their own, so that shared caches stand aside; it proves nothing."""

Role = Literal["anonymous", "user", "service", "admin"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as far as it was proved."""

    role: Role = "anonymous"
    user_id: int | None = None
    tier: str = "free"
    session: Session | None = None

    def require_user(self, user_id: str) -> None:
        """Let through that user, services and administrators; raises Problem 401 or 403 for everybody else."""
        if self.role in ("admin", "service"):
            return
        if self.user_id is None:
            raise problems.unauthorized()
        if str(self.user_id) != user_id:
            raise problems.forbidden("This belongs to another user.")

    def require_admin(self) -> None:
        """Raises Problem 401 or 403 for everybody but administrators."""
        if self.role == "admin":
            return
        if self.role == "anonymous":
            raise problems.unauthorized()
        raise problems.forbidden("Only administrators may do this.")

    def require_signed_in(self) -> int:
        """The signed-in user's id; raises Problem 401."""
        if self.user_id is None:
            raise problems.unauthorized()
        return self.user_id


class Identifier:
    """Finds out who asks. A broken or unknown proof makes a request anonymous, not an error."""

    def __init__(
        self, sessions: SessionStore, entities: Entities, database: Database, *, admin_token: str | None
    ) -> None:
        self._sessions = sessions
        self._entities = entities
        self._database = database
        self._admin_digest = sha256(admin_token.encode()).digest() if admin_token else None

    async def __call__(self, scope: MutableMapping[str, Any]) -> Identity:
        """From an ASGI scope's headers; asked twice for the same request, answers from memory."""
        known = scope.setdefault("state", {}).get("identity")
        if isinstance(known, Identity):
            return known
        identity = await self._find(dict(scope["headers"]))
        scope["state"]["identity"] = identity
        return identity

    async def _find(self, headers: dict[bytes, bytes]) -> Identity:
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer" and credentials:
            return await self._by_token(credentials.strip().decode("latin-1"))
        session_id = cookie_value(headers.get(b"cookie", b""), COOKIE)
        if session_id is None or not is_id(session_id):
            return Identity()
        session = await self._sessions.get(session_id)
        if session is None:
            return Identity()
        if session.user_id is None:
            return Identity(session=session)
        user = await self._entities.user(session.user_id)
        if user is None:
            return Identity()
        return Identity("user", session.user_id, user["tier"], session)

    async def _by_token(self, token: str) -> Identity:
        digest = sha256(token.encode()).digest()
        if self._admin_digest is not None and hmac.compare_digest(digest, self._admin_digest):
            return Identity("admin")
        caller = await tokens.authenticate(self._database, token)
        if caller is None:
            return Identity()
        return Identity("admin" if caller.role == "admin" else "service")


def cookie_value(header: bytes, name: str) -> str | None:
    """One cookie's value; None where it is missing or the header can't be read."""
    try:
        morsel = SimpleCookie(header.decode("latin-1")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None
