"""What a request may be before its handler sees it, and what becomes of a failure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from app.api.application import Guard
from app.api.limits import BodyLimit

Send = Callable[[Any], Awaitable[None]]


async def welcome(_scope: Any, receive: Any, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(app: Any, body: bytes = b"") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "method": "POST", "headers": []}, receive, send))
    start, *parts = sent
    return start["status"], dict(start["headers"]), b"".join(part["body"] for part in parts)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "A\ud800"}',
        rb'{"name": "\udfffA"}',
        rb'{"n\ud83d": "A"}',
        rb'{"n": {"a": ["\ud83d\ud83d\ude00"]}}',
        rb'{"name": "\ude00\ud83d"}',
        rb'["\uD800"]',
    ],
)
def test_half_of_a_surrogate_pair_is_no_text(body: bytes) -> None:
    status, headers, answer = ask(BodyLimit(welcome), body)
    assert (status, headers[b"content-type"]) == (422, b"application/problem+json")
    assert orjson.loads(answer)["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\xff"}',
        b'{"name": "A\x00"}',
        '{"name": "\\ud800"}'.encode("utf-16-le"),
        '{"name": "A"}'.encode("utf-16"),
        '{"name": "\\ud800"}'.encode("utf-32-be"),
    ],
)
def test_json_in_another_encoding_is_refused(body: bytes) -> None:
    """Python would read it, also where it hides half of a surrogate pair."""
    status, headers, answer = ask(BodyLimit(welcome), body)
    assert (status, headers[b"content-type"]) == (400, b"application/problem+json")
    assert orjson.loads(answer)["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"quantity": 1, "quantity": 99}', "quantity"),
        (b'{"quantity": 1, "quantity": 1}', "quantity"),
        (rb'{"quantity": 1, "quantit\u0079": 99}', "quantity"),
        (b'{"items": [{"product_id": 5, "quantity": 1, "product_id": 6}]}', "product_id"),
        (b'{"items": {"quantity": 1}, "total": 1, "items": []}', "items"),
        (b'[{"a": {"": 1, "": 2}}]', ""),
        (b'{"' + b"n" * 500 + b'": 1, "' + b"n" * 500 + b'": 2}', "n" * 100),
    ],
)
def test_a_name_that_is_given_twice_is_refused(body: bytes, name: str) -> None:
    """Which of the two counts would be anybody's guess, and each reader's another."""
    status, headers, answer = ask(BodyLimit(welcome), body)
    assert (status, headers[b"content-type"]) == (422, b"application/problem+json")
    assert orjson.loads(answer)["errors"] == [{"field": name, "message": "must be given once"}]


def test_a_repeated_name_that_is_no_text_is_refused_as_that() -> None:
    status, _, answer = ask(BodyLimit(welcome), rb'{"n\ud83d": 1, "n\ud83d": 2}')
    assert (status, orjson.loads(answer)["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "\ud83d\ude00"}',
        rb'{"name": "\\ud800"}',
        rb'{"name": "\u00e9"}',
        rb'{"name": "\ud800',
        b"",
        b'{"a": 1, "A": 2}',
        b'[{"a": 1}, {"a": 1}]',
    ],
)
def test_text_and_what_is_no_json_goes_on(body: bytes) -> None:
    assert ask(BodyLimit(welcome), body) == (200, {}, body)


@pytest.mark.parametrize(("error", "status"), [(KeyError("a bug"), 500), (OSError("no database"), 503)])
@pytest.mark.parametrize("started", [False, True])
def test_a_failure_is_answered_and_counted_and_goes_no_further(error: Exception, status: int, started: bool) -> None:
    counted: list[int] = []

    async def fails(scope: Any, receive: Any, send: Send) -> None:
        if started:
            await welcome(scope, receive, send)
        raise error

    answered, headers, body = ask(Guard(fails, counted.append))
    assert counted == [status]
    if started:
        assert answered == 200
    else:
        assert (answered, headers[b"content-type"]) == (status, b"application/problem+json")
        assert headers[b"cache-control"] == b"no-store"
        assert orjson.loads(body)["status"] == status


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_cookie_takes_the_framework_long_to_read(method: str) -> None:
    reached: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Send) -> None:
        reached.extend(scope["headers"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        raise AssertionError("the application sends nothing")

    headers = [(b"cookie", b'a="' + b"\\\\" * 6_500 + b'"; sid=x'), (b"x-other", b"\\")]
    scope = {"type": "http", "method": method, "headers": headers}
    asyncio.run(BodyLimit(application)(scope, receive, send))
    assert reached == [(b"cookie", b'a=""; sid=x'), (b"x-other", b"\\")]
