"""What the API goes on doing while Redis, a master, or Postgres is away: real servers, really stopped."""

import json
import signal
import socket
import statistics
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS
from testing.api_stack import ADMIN_TOKEN, Api, Stack, running_stack
from testing.waits import PATIENCE, eventually, meanwhile

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(replicas=True) as stack:
        # Some of the sample's products are drafts, which have no page.
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0")


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=30) as client:
        yield client


@contextmanager
def load(api: Api) -> Generator[list[int]]:
    """The statuses of requests, one after another for as long as the body runs. Some are there at its beginning."""
    statuses: list[int] = []

    def ask(over: threading.Event) -> None:
        with httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
            while not over.is_set():
                statuses.append(client.get(f"/api/products/{len(statuses) % 50 + 1}").status_code)

    with meanwhile(ask):
        eventually(lambda: len(statuses) > 20, "the first answers")
        yield statuses


def test_a_lost_master_costs_no_cacheable_read_and_writes_go_on(stack: Stack, api: Api, client: httpx.Client) -> None:
    master = stack.redis.master("data")
    with load(api) as statuses:
        master.stop(signal.SIGKILL)
        eventually(lambda: stack.redis.master("data").port != master.port, "promotion")
        eventually(lambda: api.metric("api_redis_circuit_open", pair="data") == 0, "the API following")
        assert client.put("/api/products/3", json={"name": "After"}, headers=ADMIN).status_code == 200
        assert client.get("/api/products/3").json()["name"] == "After"
        before = len(statuses)
        eventually(lambda: len(statuses) > before + 20, "answers afterwards")
    assert set(statuses) == {200}
    master.start()


def test_a_pod_that_is_about_to_stop_ends_each_connection_with_a_response(stack: Stack, tmp_path: Path) -> None:
    """A connection that is idle while its server stops takes the next request with it."""
    mark = tmp_path / "draining"
    mark.touch()  # a predecessor's: its container is started again
    api = stack.api(WARM_PRODUCTS="0", DRAINING_FILE=str(mark))
    with httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        assert "connection" not in client.get("/api/products/1").headers
        mark.touch()
        eventually(lambda: client.get("/api/products/1").headers.get("connection") == "close", "the drain")
        for request in (client.build_request("GET", "/api/nothing"), client.build_request("PUT", "/api/cart", json={})):
            assert client.send(request).headers.get_list("connection") == ["close"]
    with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /api/products/1 HTTP/1.1\r\nHost: shop\r\n\r\n")
        whole = b"".join(iter(lambda: connection.recv(65536), b""))
    assert whole.startswith(b"HTTP/1.1 200")


def test_a_suspended_master_gets_none_of_our_writes_when_it_wakes_up(
    stack: Stack, api: Api, client: httpx.Client
) -> None:
    master = stack.redis.master("sessions")
    master.send(signal.SIGSTOP)
    try:
        # Written through: Postgres has it, and Redis as soon as there is a master.
        put = client.put("/api/cart", json={"items": [{"product_id": 1, "quantity": 1}]})
        assert put.status_code == 200
        eventually(lambda: stack.redis.master("sessions").port != master.port, "promotion")
    finally:
        master.send(signal.SIGCONT)
    eventually(lambda: api.metric("api_redis_circuit_open", pair="sessions") == 0, "the API following")
    changed = client.put("/api/cart", json={"items": [{"product_id": 1, "quantity": 5}]})
    assert changed.status_code == 200
    session = f"session:{client.cookies['sid']}"
    new_master = stack.redis.master("sessions").client()
    answers: set[int] = set()

    def there() -> bool:
        answers.add(client.get("/api/cart").json()["items"][0]["quantity"])
        return new_master.hget(session, "cart_data") == b'{"1":5}'

    # What was written while the master moved is dropped or marked there; a read puts it back when the mark is gone.
    eventually(there, "the session at the new master")
    assert answers == {5}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_visitor_whose_session_nobody_can_read_is_not_told_to_be_signed_out(
    stack: Stack, api: Api, client: httpx.Client, method: str
) -> None:
    """A browser that hears that nobody is signed in removes what it keeps of its member."""
    credentials = {"email": DEMO_USERS[0], "password": DEMO_PASSWORD}
    assert client.post("/api/session", json=credentials).status_code == 201
    assert client.get("/api/products/7").status_code == 200
    stack.redis.master("sessions").client().unlink(f"session:{client.cookies['sid']}")
    stack.postgres.stop()
    try:
        for path in ("/api/session", "/api/cart", "/api/checkout", "/api/users/1/orders"):
            answer = client.request(method if path == "/api/session" else "GET", path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), path
            assert int(answer.headers["retry-after"]) > 0
            assert "set-cookie" not in answer.headers
        assert client.get("/api/products/7").status_code == 200
    finally:
        stack.postgres.start()
    eventually(lambda: client.get("/api/session").status_code == 200, "the database")
    assert client.get("/api/session").json()["user"]["email"] == DEMO_USERS[0]


def test_without_any_redis_everything_is_answered_from_postgres(stack: Stack, api: Api, client: httpx.Client) -> None:
    client.put("/api/cart", json={"items": [{"product_id": 2, "quantity": 2}]})
    for node in stack.redis.everything():
        node.stop()
    try:
        assert {client.get(f"/api/products/{number}").status_code for number in range(100, 130)} == {200}
        assert client.get("/api/cart").json()["items"][0]["quantity"] == 2
        assert client.put("/api/products/4", json={"name": "No Redis"}, headers=ADMIN).status_code == 200
        assert client.get("/api/products/4").json()["name"] == "No Redis"
        # Nobody waits for Redis any more: the circuit is open.
        assert api.metric("api_redis_circuit_open", pair="data") == 1
    finally:
        for node in stack.redis.everything():
            node.start()
    eventually(lambda: api.metric("api_redis_circuit_open") == 0, "closing the circuits")
    assert client.get("/api/products/4").json()["name"] == "No Redis"


REDIS_TIMEOUT = 0.05
"""Seconds: the API's own setting."""


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["refuses", "hangs"])
def test_without_any_redis_a_cached_endpoint_is_slower_by_less_than_a_timeout(
    stack: Stack, api: Api, client: httpx.Client, how: signal.Signals
) -> None:
    """What a busy machine does once isn't ours; what happens three times is."""
    growths: list[float] = []
    while not growths or (min(growths) >= REDIS_TIMEOUT and len(growths) < 3):
        eventually(lambda: api.metric("api_redis_circuit_open") == 0, "Redis")
        before = _p95(client)
        for node in stack.redis.everything():
            node.stop() if how == signal.SIGKILL else node.send(how)
        try:
            growths.append(_p95(client) - before)
            assert client.get("/api/cart").status_code == 200
        finally:
            for node in stack.redis.everything():
                node.start() if how == signal.SIGKILL else node.send(signal.SIGCONT)
    assert min(growths) < REDIS_TIMEOUT, growths


def _p95(client: httpx.Client) -> float:
    """Of a product's page over three seconds: longer than a process trusts its own copies without Redis."""
    times: list[float] = []
    end = time.perf_counter() + 3
    while (started := time.perf_counter()) < end:
        assert client.get(f"/api/products/{len(times) % 20 + 1}").status_code == 200
        times.append(time.perf_counter() - started)
    return statistics.quantiles(times, n=20)[-1]


STORED_AT = 4
"""Where it stands in what is kept of an answer beside its bodies (Stored.fields)."""


def test_without_postgres_stale_answers_are_served_and_the_rest_says_when_to_return(
    stack: Stack, api: Api, client: httpx.Client
) -> None:
    eventually(lambda: api.metric("api_redis_circuit_open") == 0, "Redis")
    # A listing: a product's page would be made anew from the entity cache, without Postgres.
    listing = "/api/products?limit=9"
    client.get(listing)
    key = "cache:response:/api/products?limit=9:v2.EUR.free"
    node = stack.redis.master("computed").client()
    meta = node.hget(key, "meta")
    assert isinstance(meta, bytes)
    stack.postgres.stop()
    try:
        assert client.get(listing).status_code == 200
        # As if it had been stored half an hour ago: stale, beyond stale-while-revalidate, within stale-if-error, and
        # the query's result, which it could be made from anew, gone.
        node.delete(*node.keys("cache:listing:*"))
        kept = json.loads(meta)
        kept[STORED_AT] = time.time() - 1800
        node.hset(key, "meta", json.dumps(kept))
        stale = client.get(listing, headers={"accept-encoding": "gzip"})
        assert stale.status_code == 200
        assert "stale-if-error" in stale.headers["cache-status"]
        assert int(stale.headers["age"]) >= 1800
        unknown = client.get("/api/products/250")
        write = client.put("/api/products/8", json={"name": "No"}, headers=ADMIN)
        assert (unknown.status_code, write.status_code) == (503, 503)
        assert unknown.headers["retry-after"] == write.headers["retry-after"] == "5"
        assert unknown.headers["cache-control"] == "no-store"
    finally:
        stack.postgres.start()
    eventually(lambda: client.get("/api/products/250").status_code == 200, "recovery")


def test_a_running_request_is_finished_before_the_process_stops(stack: Stack) -> None:
    api = stack.api(WARM_PRODUCTS="0")
    with load(api) as statuses, httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        assert client.get("/api/products?limit=500").status_code == 200
    api.stop()
    assert api.process.returncode == 0
    assert set(statuses) == {200}
