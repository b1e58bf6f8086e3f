"""The caller: a visitor by the session's cookie, or an administrator or service by a bearer token."""

from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.api import problems
from app.api.entities import Entities
from app.api.sessions import Session, SessionStore, Unreadable, is_id
from app.database.queries import Database, tokens

TIER_COOKIE: Final = "tier"
"""Marks a member with a price list of their own, so that shared caches stand aside; it proves nothing."""


def session_cookie(*, secure: bool) -> str:
    """The name of the session's cookie. Over https its prefix has browsers take it from this very host only, so that no
    other host of the domain can plant one (RFC 6265bis, section 4.1.3.2).
    """
    return "__Host-sid" if secure else "sid"


Role = Literal["anonymous", "user", "service", "admin"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, as far as proved. Not `known`: anonymous, because sessions can't be read."""

    role: Role = "anonymous"
    user_id: int | None = None
    tier: str = "free"
    session: Session | None = None
    known: bool = True

    def require_user(self, user_id: str) -> None:
        """Allow that user, services and administrators. Raises Problem 401 or 403 for all others."""
        if self.role in ("admin", "service"):
            return
        if self.user_id is None:
            raise problems.unauthorized()
        if str(self.user_id) != user_id:
            raise problems.forbidden("This belongs to another user.")

    def require_admin(self) -> None:
        """Raises Problem 401 or 403 unless the caller is an administrator."""
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
    """Identifies callers. A broken or unknown proof makes a request anonymous; it is no error."""

    def __init__(
        self,
        sessions: SessionStore,
        entities: Entities,
        database: Database,
        *,
        cookie: str,
    ) -> None:
        self._sessions = sessions
        self._entities = entities
        self._database = database
        self._cookie = cookie.encode()

    async def __call__(self, scope: MutableMapping[str, Any]) -> Identity:
        """From an ASGI scope's headers; asked twice for the same request, answers from memory."""
        known = scope.setdefault("state", {}).get("identity")
        if isinstance(known, Identity):
            return known
        identity = await self._find(scope["headers"])
        scope["state"]["identity"] = identity
        return identity

    async def _find(self, headers: Iterable[tuple[bytes, bytes]]) -> Identity:
        authorization = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, credentials = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and credentials:
            return await self._by_token(credentials.strip().decode("latin-1"))
        cookies = b";".join(value for name, value in headers if name == b"cookie")
        # Of several, the first that can be an id: browsers send the one of the longest path first.
        session_id = next(filter(is_id, cookie_values(cookies, self._cookie)), None)
        return await self._by_session(session_id) if session_id is not None else Identity()

    async def _by_session(self, session_id: str) -> Identity:
        try:
            session = await self._sessions.get(session_id)
        except Unreadable:
            return Identity(known=False)
        if session is None:
            return Identity()
        if session.user_id is None:
            return Identity(session=session)
        user = await self._entities.user(session.user_id)
        if user is None:
            return Identity()
        return Identity("user", session.user_id, user["tier"], session)

    async def _by_token(self, token: str) -> Identity:
        caller = await tokens.authenticate(self._database, token)
        if caller is None:
            return Identity()
        return Identity("admin" if caller.role == "admin" else "service")


def cookie_values(header: bytes, name: bytes) -> Iterator[str]:
    """The values of a cookie in the order of the header, read as browsers read cookies (RFC 6265bis, section 5.6): up
    to the next semicolon, whatever else other cookies hold.
    """
    for pair in header.split(b";"):
        found, separator, value = pair.partition(b"=")
        if separator and found.strip(b" \t") == name:
            yield value.strip(b" \t").decode("latin-1")
