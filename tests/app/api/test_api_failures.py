"""What the API goes on doing while Redis, a master, or Postgres is away: real servers, really stopped."""

import json
import signal
import statistics
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from app.api.sessions import CHANGED_SECONDS
from testing.api_stack import ADMIN_TOKEN, Api, Stack, running_stack, wait_until

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


class Load:
    """Requests one after another in a thread, for as long as the body runs."""

    def __init__(self, api: Api) -> None:
        self.statuses: list[int] = []
        self._url = api.url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                self.statuses.append(client.get(f"/api/products/{number % 50 + 1}").status_code)


def test_a_lost_master_costs_no_cacheable_read_and_writes_go_on(stack: Stack, api: Api, client: httpx.Client) -> None:
    master = stack.redis.master("data")
    with Load(api) as load:
        time.sleep(0.3)
        master.stop(signal.SIGKILL)
        wait_until(lambda: stack.redis.master("data").port != master.port, what="promotion")
        wait_until(lambda: api.metric("api_redis_circuit_open", pair="data") == 0, what="the API following")
        assert client.put("/api/products/3", json={"name": "After"}, headers=ADMIN).status_code == 200
        assert client.get("/api/products/3").json()["name"] == "After"
        time.sleep(0.3)
    assert load.statuses
    assert set(load.statuses) == {200}
    master.start()


def test_a_suspended_master_gets_none_of_our_writes_when_it_wakes_up(
    stack: Stack, api: Api, client: httpx.Client
) -> None:
    master = stack.redis.master("sessions")
    master.send(signal.SIGSTOP)
    try:
        # Written through: Postgres has it, and Redis as soon as there is a master.
        put = client.put("/api/cart", json={"items": [{"product_id": 1, "quantity": 1}]})
        assert put.status_code == 200
        wait_until(lambda: stack.redis.master("sessions").port != master.port, what="promotion")
    finally:
        master.send(signal.SIGCONT)
    wait_until(lambda: api.metric("api_redis_circuit_open", pair="sessions") == 0, what="the API following")
    changed = client.put("/api/cart", json={"items": [{"product_id": 1, "quantity": 5}]})
    assert changed.status_code == 200
    session = f"session:{client.cookies['sid']}"
    new_master = stack.redis.master("sessions").client()
    answers: set[int] = set()

    def there() -> bool:
        answers.add(client.get("/api/cart").json()["items"][0]["quantity"])
        return new_master.hget(session, "cart_data") == b'{"1":5}'

    # What was written while the master moved is dropped or marked there; a read puts it back when the mark is gone.
    wait_until(there, seconds=CHANGED_SECONDS + 20, what="the session at the new master")
    assert answers == {5}


def test_without_any_redis_everything_is_answered_from_postgres(stack: Stack, api: Api, client: httpx.Client) -> None:
    client.put("/api/cart", json={"items": [{"product_id": 2, "quantity": 2}]})
    for node in stack.redis.everything():
        node.stop()
    try:
        assert {client.get(f"/api/products/{number}").status_code for number in range(100, 130)} == {200}
        assert client.get("/api/cart").json()["items"][0]["quantity"] == 2
        assert client.put("/api/products/4", json={"name": "No Redis"}, headers=ADMIN).status_code == 200
        assert client.get("/api/products/4").json()["name"] == "No Redis"
        started = time.perf_counter()
        for number in range(130, 150):
            client.get(f"/api/products/{number}")
        assert api.metric("api_redis_circuit_open", pair="data") == 1
        # Twenty misses, and nobody waited for Redis twenty times: the circuit is open.
        assert time.perf_counter() - started < 20
    finally:
        for node in stack.redis.everything():
            node.start()
    wait_until(lambda: api.metric("api_redis_circuit_open") == 0, seconds=30, what="closing the circuits")
    assert client.get("/api/products/4").json()["name"] == "No Redis"


REDIS_TIMEOUT = 0.05
"""Seconds: the API's own setting."""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["refuses", "hangs"])
def test_without_any_redis_a_cached_endpoint_is_slower_by_less_than_a_timeout(
    stack: Stack, api: Api, client: httpx.Client, how: signal.Signals
) -> None:
    """What a busy machine does once isn't ours; what happens three times is."""
    growths: list[float] = []
    while not growths or (min(growths) >= REDIS_TIMEOUT and len(growths) < 3):
        wait_until(lambda: api.metric("api_redis_circuit_open") == 0, seconds=30, what="Redis")
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
    wait_until(lambda: api.metric("api_redis_circuit_open") == 0, what="Redis")
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
    wait_until(lambda: client.get("/api/products/250").status_code == 200, what="recovery")


def test_a_running_request_is_finished_before_the_process_stops(stack: Stack) -> None:
    api = stack.api(WARM_PRODUCTS="0")
    with Load(api) as load:
        time.sleep(0.2)
        connection = httpx.Client(base_url=api.url)
        assert connection.get("/api/products?limit=500").status_code == 200
        load._stop.set()
    api.stop()
    assert api.process.returncode == 0
    assert set(load.statuses) == {200}
