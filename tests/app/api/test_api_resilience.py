"""Circuit breaker, token bucket, body limits: what keeps the API answering while something else doesn't."""

import asyncio
from typing import Any

import pytest

from app.api.invalidation.cloudflare import RATES, Rate, TokenBucket
from app.api.limits import LARGEST_BODY, BodyLimit
from app.api.redis.breaker import FAILURES_TO_OPEN, LONGEST_PAUSE_SECONDS, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_single_failure_leaves_the_circuit_closed() -> None:
    breaker = Breaker(Clock())
    breaker.fail()
    assert not breaker.is_open


def test_failures_in_a_row_open_the_circuit() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES_TO_OPEN):
        breaker.fail()
    assert breaker.is_open
    assert breaker.opened == 1


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.fail()
    breaker.succeed()
    breaker.fail()
    assert not breaker.is_open


def test_probes_come_later_and_later_but_never_rarer_than_the_limit() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    pauses: list[float] = []
    for _ in range(8):
        breaker.trip()
        pauses.append(breaker.seconds_to_probe)
        clock.now += breaker.seconds_to_probe
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_successful_probe_closes_the_circuit() -> None:
    breaker = Breaker(Clock())
    breaker.trip()
    breaker.succeed()
    assert not breaker.is_open
    assert breaker.seconds_to_probe == 0


def test_the_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(Rate(per_second=2, burst=5), clock)
    assert [bucket.take() for _ in range(5)] == [0] * 5
    assert bucket.take() == pytest.approx(0.5)
    clock.now += 0.5
    assert bucket.take() == 0


def test_the_free_plans_bucket_refills_five_times_a_minute() -> None:
    clock = Clock()
    bucket = TokenBucket(RATES["free"], clock)
    bucket.empty()
    clock.now += 60
    assert [bucket.take() == 0 for _ in range(6)] == [True] * 5 + [False]


BROKEN = b"what the server makes of a malformed chunk"


async def answered(body: list[bytes], headers: list[tuple[bytes, bytes]] | None = None) -> tuple[int, bytes]:
    sent: list[Any] = []
    parts = list(body)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.sleep(3600)
        part = parts.pop(0)
        if part == BROKEN:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(parts) or part == b"endless"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": headers or []}
    await BodyLimit(application)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_a_body_in_parts_arrives_whole() -> None:
    assert await answered([b"one ", b"two"]) == (200, b"one two")


async def test_a_body_that_breaks_off_is_refused() -> None:
    assert (await answered([b"one ", BROKEN]))[0] == 400


async def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    status, _ = await answered([], [(b"content-length", str(LARGEST_BODY + 1).encode())])
    assert status == 413


async def test_a_body_that_turns_out_too_large_is_refused() -> None:
    status, _ = await answered([b"x" * LARGEST_BODY, b"x", b""])
    assert status == 413


async def test_a_client_that_never_finishes_its_body_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.limits.BODY_SECONDS", 0.01)
    status, _ = await answered([b"endless"])
    assert status == 408
