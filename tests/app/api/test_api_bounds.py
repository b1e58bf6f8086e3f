"""What strangers can make a process and the stores keep: bounded, whatever they ask for and however often."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.api.metrics import EndpointCollector, Metrics
from app.api.problems import Problem
from app.api.quotas import VISITS, VISITS_SECONDS, Visits
from app.api.redis import Pair, Topology
from app.api.responses import target
from app.api.responses.target import Targets
from app.api.routes.writing import MOST_KEYS_OF_A_VISIT
from app.api.settings import Address
from app.caching_policy import load
from testing.api_stack import PASSWORD, Api, Stack, running_stack
from testing.waits import free_port

MIB = 1024 * 1024
ROUND = 1_000
"""Requests; what was kept for each, at four kilobytes, would be seen."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0", LOCAL_CACHE_BYTES=str(MIB), REDIS_TIMEOUT_SECONDS="2")


def resident(api: Api) -> int:
    """Bytes of memory of the process that serves."""
    parent = api.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    total = 0
    for number in (str(parent), *children):
        status = Path(f"/proc/{number}/status").read_text()
        total += 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    return total


def series(api: Api) -> set[str]:
    return {line.rsplit(" ", 1)[0] for line in api.metrics().splitlines() if not line.startswith("#")}


def odd(draw: random.Random) -> tuple[str, str, dict[str, str]]:
    """A request that nobody has made before: method, address, headers."""
    made_up = f"{draw.getrandbits(64):x}"
    address = draw.choice(
        [
            f"/api/search?q={made_up}" + "A" * draw.choice([10, 200, 4000]),
            f"/api/search?q={made_up}&limit=1000",
            f"/api/search?{made_up}={made_up}",
            f"/api/products/{int(made_up, 16) % 10**9}?_rsc={made_up}",
            f"/api/products?cursor={made_up}",
            f"/api/products?sort={made_up}&limit=3",
            f"/api/reviews/1?{made_up}",
            f"/api/{made_up}/" + "%F0%9F%98%80" * 60,
            f"/api/users/{made_up}/orders",
            f"/api/checkout/{made_up}",
            f"/{made_up}",
            "/" + made_up * 80,
        ]
    )
    headers = {
        name: value
        for name, value in {
            "Accept-Encoding": draw.choice([f"gzip;q=0.{made_up}", made_up * 100]),
            "X-Country": made_up,
            "X-Real-IP": f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}",
            "Cookie": draw.choice([f"sid={made_up:A<43}", f"tier={made_up}", f"{made_up}={made_up * 50}"]),
            "Authorization": f"Bearer {made_up * 10}",
            "If-None-Match": f'"{made_up}"',
            "X-Request-ID": made_up,
            "Idempotency-Key": made_up,
        }.items()
        if draw.random() < 0.3
    }
    return draw.choice(["GET", "GET", "GET", "HEAD", "POST", "PUT", made_up[:8].upper()]), address, headers


async def drive(api: Api, seed: int) -> None:
    draw = random.Random(seed)
    limits = httpx.Limits(max_connections=8)
    async with httpx.AsyncClient(base_url=api.url, timeout=60, limits=limits, cookies=None) as client:
        turns = asyncio.Semaphore(8)

        async def one() -> None:
            method, address, headers = odd(draw)
            async with turns:
                answer = await client.request(method, address, headers=headers)
            assert answer.status_code < 500, (method, address, headers, answer.text)

        await asyncio.gather(*(one() for _ in range(ROUND)))


@pytest.mark.full
async def test_what_strangers_ask_for_leaves_neither_memory_nor_series(api: Api) -> None:
    for seed in range(2):  # until all that is bounded has come to its bound, or near it
        await drive(api, seed)
    before, known = resident(api), series(api)
    for seed in range(2, 4):
        await drive(api, seed)
    assert series(api) == known
    assert resident(api) - before < 8 * MIB


@pytest.mark.parametrize("letter", ["a", "%41", "%ff", "é"])
def test_addresses_are_remembered_up_to_a_number_of_bytes(letter: str) -> None:
    targets = Targets(load(Path("app/caching.yaml")), EndpointCollector(), limit=MIB)
    for number in range(5_000):
        targets.read("/api/search", f"q={number}{letter * 60}"[: target.LONGEST_REMEMBERED].encode("latin-1"))
        targets.read(f"/api/products/{number}", b"")
        targets.read(f"/{number}", b"")
    assert targets.size <= MIB
    assert len(targets._remembered) < 1_000


def test_an_empty_cart_needs_no_session(stack: Stack, api: Api) -> None:
    count = "SELECT count(*) FROM sessions"
    before = stack.sql(count)
    answer = httpx.put(f"{api.url}/api/cart", json={"items": []})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert "set-cookie" not in answer.headers
    assert stack.sql(count) == before


@pytest.mark.full
def test_one_address_can_begin_only_so_many_visits(stack: Stack, api: Api) -> None:
    cart = {"items": [{"product_id": 1, "quantity": 1}]}

    def begin(address: str) -> httpx.Response:
        return httpx.put(f"{api.url}/api/cart", json=cart, headers={"X-Real-IP": address})

    before = int(stack.sql("SELECT count(*) FROM sessions"))
    answers = [begin("198.51.100.1") for _ in range(VISITS + 20)]
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(stack.sql("SELECT count(*) FROM sessions")) - before < VISITS + 10
    assert api.metric("api_visits_refused_total", limit="client") > 0
    # Nobody else is kept out, nor who has a session.
    assert begin("198.51.100.2").status_code == 200
    sid = answers[0].cookies["sid"]
    again = httpx.put(f"{api.url}/api/cart", json=cart, headers={"X-Real-IP": "198.51.100.1", "Cookie": f"sid={sid}"})
    assert again.status_code == 200


def test_all_processes_count_the_visits_that_begin_together(stack: Stack, api: Api) -> None:
    cart = {"items": [{"product_id": 1, "quantity": 1}]}
    other = stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0", REDIS_TIMEOUT_SECONDS="2")
    started = time.monotonic()
    statuses = [
        httpx.put(f"{one.url}/api/cart", json=cart, headers={"X-Real-IP": "198.51.100.4"}).status_code
        for _ in range(VISITS)
        for one in (api, other)
    ]
    come_again = 1 + (time.monotonic() - started) * VISITS / VISITS_SECONDS
    assert VISITS <= statuses.count(200) <= VISITS + come_again
    assert set(statuses) == {200, 429}
    # By the key of a client nobody learns who it is.
    keys = [key.decode() for key in stack.redis.master("sessions").client().scan_iter("visits:*")]
    assert "visits:all" in keys
    assert not [key for key in keys if "198.51" in key]


def sessions_of(sentinel: int) -> tuple[Topology, Pair]:
    topology = Topology([Address(("127.0.0.1", sentinel))], username=None, password=None)
    return topology, Pair("sessions", topology, timeout_seconds=2, username="default", password=PASSWORD)


async def test_no_more_visits_begin_in_all_than_the_stores_can_hold(stack: Stack) -> None:
    client = stack.redis.master("sessions").client()
    client.unlink("visits:all")
    before = len(list(client.scan_iter("visits:client:*")))
    topology, pair = sessions_of(stack.redis.sentinels[0].port)
    topology.start()
    await pair.start()
    try:
        one, other = (Visits(pair, Metrics().visits_refused, of_all=3) for _ in range(2))
        for number, visits in enumerate((one, other, one)):
            await visits.admit(f"2001:db8:{number}::")
        for visits in (one, other):
            with pytest.raises(Problem) as refused:
                await visits.admit("2001:db8:f::")
            assert refused.value.status == 503
        # Whoever is refused for that leaves nothing behind.
        assert len(list(client.scan_iter("visits:client:*"))) == before + 3
    finally:
        client.unlink("visits:all")
        await pair.stop()
        await topology.stop()


async def test_without_redis_each_process_counts_for_itself() -> None:
    _, away = sessions_of(free_port())
    visits = Visits(away, Metrics().visits_refused, of_all=VISITS + 2)
    for _ in range(VISITS):
        await visits.admit("198.51.100.5")
    for client, status in (("198.51.100.5", 429), ("198.51.100.6", 0), ("198.51.100.7", 0), ("198.51.100.8", 503)):
        if status:
            with pytest.raises(Problem) as refused:
                await visits.admit(client)
            assert refused.value.status == status
        else:
            await visits.admit(client)


def test_a_visit_s_keys_are_few_and_small(stack: Stack, api: Api) -> None:
    full = {"items": [{"product_id": number, "quantity": 99} for number in range(1, 101)]}
    with httpx.Client(base_url=api.url, headers={"X-Real-IP": "198.51.100.3"}) as visitor:
        assert visitor.put("/api/cart", json=full).status_code == 200
        key: dict[str, str] = {}
        key = {"Idempotency-Key": ""}
        for number in range(MOST_KEYS_OF_A_VISIT + 10):
            key = {"Idempotency-Key": f"visit-{number}"}
            assert visitor.put("/api/cart", json=full, headers=key).status_code == 200
        kept = stack.sql(
            "SELECT count(*), max(pg_column_size(k.*)), max(extract(epoch FROM expires_at - now())) <= 7200"
            " FROM idempotency_keys k WHERE key LIKE 'visit-%'"
        ).split("|")
        assert int(kept[0]) == MOST_KEYS_OF_A_VISIT
        assert int(kept[1]) < 400
        assert kept[2] == "t"
        # A late repetition of an older cart changes nothing, and is told what there is now.
        one = {"items": [{"product_id": 1, "quantity": 2}]}
        assert visitor.put("/api/cart", json=one).status_code == 200
        repeated = visitor.put("/api/cart", json=full, headers=key)
        assert repeated.headers["idempotency-replayed"] == "true"
        assert [line["quantity"] for line in repeated.json()["items"]] == [2]
        assert len(visitor.get("/api/cart").json()["items"]) == 1


def test_every_answer_lets_nobody_guess_its_type_or_frame_it(api: Api) -> None:
    asked = ["/api/products/1", "/api/products/1", "/api/cart", "/api/nothing", "/", "/api/users/1", "/" + "a" * 2000]
    for method in ("GET", "HEAD", "PUT", "MADEUP"):
        for address in asked:
            headers = httpx.request(method, f"{api.url}{address}").headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "simone-api" in headers["cache-status"]
