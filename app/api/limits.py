"""Limits on what a request may cost before its handler sees it: size and time of its body."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from app.api.problems import Problem, invalid

LARGEST_BODY: Final = 64 * 1024
"""Bytes; the largest we expect, a cart of 100 lines, has 4 KB."""
LONGEST_NAME: Final = 100
"""Characters of a field's name that a refusal repeats."""
BODY_SECONDS: Final = 10.0
"""For the whole body: a client that sends a byte a second holds nothing for long."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Reads a request's whole body, within the limits, before the application runs. Answers 413, 408, 400 or 422
    itself.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Part of ASGI."""
        scope = _with_cheap_cookies(scope)
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(scope, receive)
        except TimeoutError:
            await Problem(408, f"The body didn't arrive within {BODY_SECONDS:.0f} s.").send(send)
            return
        except Problem as problem:
            await problem.send(send)
            return
        if body is None:
            # A client that went away doesn't read it; one that is there has sent a chunk that is none (RFC 9112, 7.1).
            refused = "The body broke off, or isn't made of chunks as its headers say."
            await Problem(400, refused, headers={"Cache-Control": "no-store", "Connection": "close"}).send(send)
            return
        if (fault := _fault(body)) is not None:
            await fault.send(send)
            return
        given = False

        async def receive_whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_whole, send)


def _with_cheap_cookies(scope: Scope) -> Scope:
    """The scope without backslashes in cookies. Python's cookie parser, which the framework calls for every request,
    takes quadratic time for them (CVE-2024-7592). None of our cookies has any.
    """
    headers = scope.get("headers", ())
    if not any(name == b"cookie" and b"\\" in value for name, value in headers):
        return scope
    cheap = [(name, value.replace(b"\\", b"") if name == b"cookie" else value) for name, value in headers]
    return {**scope, "headers": cheap}


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The body. None if it ended early: the client went away, or the chunks are malformed."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise _too_large()
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts += message.get("body", b"")
        if len(parts) > LARGEST_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(parts)


def _is_utf8(body: bytes) -> bool:
    """Whether the body is UTF-8, as JSON between systems is (RFC 8259, section 8.1). Python also reads UTF-16 and
    UTF-32, which it tells by their zero bytes, and encoded lone surrogates.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in body


def _fault(body: bytes) -> Problem | None:
    """The fault of a body that Python would read all the same. None also if it is no JSON at all: whoever reads it
    refuses it.
    """
    if not _is_utf8(body):
        reason = {"field": "body", "message": "must be JSON in UTF-8"}
        return Problem(400, f"body: {reason['message']}", errors=[reason])
    repeated: list[str] = []

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in members:
            if name in found:
                repeated.append(name)
            found[name] = value
        return found

    try:
        read = json.loads(body, object_pairs_hook=once)
        if b"\\u" in body:
            # Escapes can make text that UTF-8 can't hold (RFC 8259, section 8.2).
            json.dumps([read, repeated], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return invalid("body", "must be Unicode text, without half of a surrogate pair")
    except (ValueError, RecursionError):
        return None
    # Of two values each reader would take another one (RFC 8259, section 4).
    return invalid(repeated[0][:LONGEST_NAME], "must be given once") if repeated else None


def _too_large() -> Problem:
    return Problem(413, f"A body may have {LARGEST_BODY} bytes at most.", headers={"Connection": "close"})
