"""Errors as problem details (RFC 9457): what is wrong, with which field, and what is allowed."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A response that isn't a success. `errors` names each field that is wrong, and what is allowed in it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = more

    def body(self) -> bytes:
        """The problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            document["errors"] = self.errors
        return orjson.dumps(document)

    async def send(self, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
        """Answer with it, as plain ASGI."""
        body = self.body()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def unauthorized(detail: str = "Sign in first: POST /api/session.") -> Problem:
    """A 401: nobody is signed in."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="shop"'})


def forbidden(detail: str) -> Problem:
    """A 403: the caller may not do this."""
    return Problem(403, detail)


def unavailable(detail: str, *, retry_after: int = 5) -> Problem:
    """A 503: the shop can't do this now. `retry_after` is in seconds."""
    return Problem(503, detail, headers={"Retry-After": str(retry_after)})


def not_found(what: str) -> Problem:
    """A 404: there is no such thing."""
    return Problem(404, f"There is no {what}.")


def invalid(field: str, message: str) -> Problem:
    """A 422: one field is wrong in a way that its type can't say."""
    return Problem(422, f"{field}: {message}", errors=[{"field": field, "message": message}])
