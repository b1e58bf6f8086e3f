"""Cookies are read as browsers send them: no other site's cookie signs anybody out."""

import asyncio
from typing import Any

import pytest

from app.api.identity import Identifier, Identity
from app.api.sessions import Session, Unreadable

# Fixed, not drawn: parallel test processes must collect the same names.
SESSION = Session("s" * 43, None, 0.0)
OTHER = "o" * 43


class Sessions:
    """The only session that there is."""

    async def get(self, session_id: str) -> Session | None:
        return SESSION if session_id == SESSION.id else None


class NoSessions:
    """Both stores are away."""

    async def get(self, session_id: str) -> Session | None:
        raise Unreadable(session_id)


def who(*cookies: bytes) -> Identity:
    nothing: Any = None
    sessions: Any = Sessions()
    identify = Identifier(sessions, nothing, nothing, cookie="sid")
    return asyncio.run(identify({"headers": [(b"cookie", cookie) for cookie in cookies]}))


OURS = f"sid={SESSION.id}".encode()


@pytest.mark.parametrize(
    "foreign",
    [
        b'theme={"a":1}',
        b"flag",
        b"a b=1",
        b'x="',
        b'x="a; b"',
        b"[x]=1",
        "näme=1".encode(),
        "e=€".encode(),
        "latin=é".encode("latin-1"),
        b"q=a b c",
        b"=1",
        b"=",
        b"",
        b'a="' + b"\\\\" * 6_500 + b'"',
        b"a=sid=" + OTHER.encode(),
        b"xsid=" + OTHER.encode(),
        b"SID=" + OTHER.encode(),
        b"sid=",
        b"sid=short",
    ],
)
def test_no_foreign_cookie_signs_anybody_out(foreign: bytes) -> None:
    for header in (foreign + b"; " + OURS, OURS + b"; " + foreign, foreign + b";" + OURS + b" ;\t" + foreign):
        assert who(header).session == SESSION, header
    assert who(foreign, OURS).session == who(OURS, foreign).session == SESSION
    assert who(foreign).session is None


def test_of_several_sessions_the_first_counts() -> None:
    another = f"sid={OTHER}".encode()
    assert who(OURS + b"; " + another).session == SESSION
    assert who(another + b"; " + OURS).session is None


def test_who_cannot_be_looked_up_is_not_taken_for_somebody_without_a_session() -> None:
    nothing: Any = None
    sessions: Any = NoSessions()
    identify = Identifier(sessions, nothing, nothing, cookie="sid")
    assert asyncio.run(identify({"headers": [(b"cookie", OURS)]})) == Identity(known=False)
    assert asyncio.run(identify({"headers": []})).known
