"""Postgres and pgBouncer fail in the running shop, under load.

Nothing that was acknowledged is lost or done twice, cached reads go on, everything recovers without a restart.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import httpx
import psycopg
import pytest

from app.database.catalogue import DEMO_PASSWORD, DEMO_USERS
from local import secrets_file
from local.environment import Environment

pytestmark = [pytest.mark.shop, pytest.mark.timeout(600)]

API = "http://127.0.0.1:3000"
POOLERS = ("pgbouncer-0", "pgbouncer-1")
PATIENCE = 90.0
BUYERS, READERS, SEARCHERS = 3, 2, 3
PAUSE = 0.02
ADDRESS = {"name": "A", "street": "B 1", "postcode": "1", "city": "C", "country": "NL"}


def eventually(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.1)


class Shop:
    """The running shop, and a look into its database from behind."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1",
            dbname="simone",
            user="simone_owner",
            password=secrets_file.load(self.environment.state)["POSTGRES_OWNER"],
            sslmode="require",
            autocommit=True,
        )

    def rows(self, sql: str, *arguments: object) -> list[Any]:
        with self.connect() as connection:
            return connection.execute(sql, arguments).fetchall()  # pyright: ignore[reportArgumentType, reportCallIssue]

    def pids(self) -> dict[str, dict[str, int]]:
        """Of everything that is not to be restarted by anybody."""
        return {pod: self.environment.pids(pod) for pod in ("api-0", "api-1", *POOLERS)}


@pytest.fixture(scope="module")
def running(shop: Environment) -> Shop:
    return Shop(shop)


class Traffic:
    """Buyers, who repeat a checkout with its key until it is acknowledged; readers of the cached pages of other
    products; and searchers, whose every question needs the database.
    """

    def __init__(self, shop: Shop, bought: Sequence[int], read: Sequence[int]) -> None:
        self._shop, self._bought, self._cached = shop, bought, read
        self._over = threading.Event()
        self.answers: dict[str, Counter[int]] = {
            kind: Counter() for kind in ("session", "checkout", "cached", "search")
        }
        self.acknowledged: dict[str, int] = {}
        self._errors: list[BaseException] = []
        work = [*[self._buy] * BUYERS, *[self._read] * READERS, *[self._search] * SEARCHERS]
        self._threads = [threading.Thread(target=self._until_over, args=(act,)) for act in work]

    def __enter__(self) -> "Traffic":
        self._stock = self._pieces()
        (self._first,) = self._shop.rows("SELECT coalesce(max(id), 0) FROM orders")[0]
        for thread in self._threads:
            thread.start()
        eventually("the first orders", lambda: len(self.acknowledged) > 5)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def go_on(self) -> None:
        """Until buyers and searchers get what they want again."""
        orders, found = len(self.acknowledged), self.answers["search"][200]
        eventually("orders again", lambda: len(self.acknowledged) > orders + 20)
        eventually("searches again", lambda: self.answers["search"][200] > found + 20)

    def failed(self, kind: str) -> bool:
        return bool(self.answers[kind].keys() - {200, 201})

    def nothing_was_lost(self) -> None:
        """Each acknowledged order is there, none is there twice, and exactly their pieces are gone from the shelves."""
        assert not self._errors, self._errors
        kept = {row[0] for row in self._shop.rows("SELECT id FROM orders WHERE id > %s", self._first)}
        assert set(self.acknowledged.values()) == kept
        assert len(kept) == len(self.acknowledged)
        assert self._stock - self._pieces() == len(kept)

    def _pieces(self) -> int:
        return self._shop.rows("SELECT sum(quantity) FROM inventory WHERE product_id = ANY(%s)", list(self._bought))[0][
            0
        ]

    def _until_over(self, act: Callable[[httpx.Client, int], None]) -> None:
        try:
            with httpx.Client(base_url=API, timeout=30) as client:
                number = 0
                while not self._over.is_set():
                    number += 1
                    act(client, number)
                    self._over.wait(PAUSE)
        except BaseException as error:
            self._errors.append(error)

    def _ask(self, kind: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            answer = ask()
        except httpx.HTTPError:
            self.answers[kind][0] += 1
            return None
        self.answers[kind][answer.status_code] += 1
        assert answer.status_code != 503 or answer.headers["retry-after"] == "5"
        return answer

    def _read(self, client: httpx.Client, number: int) -> None:
        self._ask("cached", lambda: client.get(f"/api/products/{self._cached[number % len(self._cached)]}"))

    def _search(self, client: httpx.Client, _: int) -> None:
        self._ask("search", lambda: client.get(f"/api/search?q={uuid.uuid4()}"))

    def _sign_in(self, client: httpx.Client) -> None:
        user = {"email": DEMO_USERS[0], "password": DEMO_PASSWORD}
        while "cookie" not in client.headers:
            answer = self._ask("session", lambda: client.post("/api/session", json=user))
            if answer is not None and answer.status_code == 201:
                client.headers["cookie"] = answer.headers["set-cookie"].split(";")[0]
                client.cookies.clear()
            else:
                assert answer is None or answer.status_code == 503, answer.text
                time.sleep(0.2)

    def _buy(self, client: httpx.Client, number: int) -> None:
        self._sign_in(client)
        key = str(uuid.uuid4())
        order = {
            "items": [{"product_id": self._bought[number % len(self._bought)], "quantity": 1}],
            "shipping_address": ADDRESS,
        }
        while True:
            answer = self._ask(
                "checkout", lambda: client.post("/api/checkout", json=order, headers={"idempotency-key": key})
            )
            if answer is not None and answer.status_code == 201:
                self.acknowledged[key] = answer.json()["id"]
                return
            assert answer is None or answer.status_code == 503, answer.text
            time.sleep(0.2)


@pytest.fixture
def traffic(running: Shop) -> Iterator[Traffic]:
    """Load. There is enough of what is bought, and the pages that are read are in the cache."""
    running.environment.wait_healthy()
    products = [row[0] for row in running.rows("SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT 20")]
    bought, read = products[:10], products[10:]
    running.rows("UPDATE inventory SET quantity = 100000 WHERE product_id = ANY(%s) RETURNING id", bought)
    for product in read:
        assert httpx.get(f"{API}/api/products/{product}", timeout=30).status_code == 200
    with Traffic(running, bought, read) as load:
        yield load
    load.nothing_was_lost()


def test_both_pgbouncers_are_replaced_and_hardly_a_request_notices(running: Shop, traffic: Traffic) -> None:
    for pod in POOLERS:
        running.environment.stop_pod(pod)
        running.environment.start_node(pod)
        running.environment.wait_healthy([pod])
        traffic.go_on()
    asked = sum(sum(counts.values()) for counts in traffic.answers.values())
    good = sum(counts[200] + counts[201] for counts in traffic.answers.values())
    assert asked > 1000, traffic.answers
    assert (asked - good) / asked < 0.001, traffic.answers


def test_postgres_crashes_and_comes_back(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    running.environment.kill("postgres", signal.SIGQUIT)  # at once, without a checkpoint: as after a lost machine
    eventually("a refused order", lambda: traffic.failed("checkout"))
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_postgres_is_restarted_in_good_order(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    running.environment.stop_pod("postgres")
    eventually("a refused order", lambda: traffic.failed("checkout"))
    running.environment.start_node("postgres")
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_connections_run_out_and_are_there_again(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    hogs: list[psycopg.Connection[Any]] = [running.connect()]
    try:
        while not (traffic.failed("search") and traffic.failed("checkout")):
            hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
            try:
                while True:
                    hogs.append(running.connect())
            except psycopg.OperationalError as error:
                assert "connection" in str(error)  # noqa: PT017 - which one isn't the test's subject
            time.sleep(0.2)
        time.sleep(2)
        assert set(traffic.answers["cached"]) == {200}
        assert set(traffic.answers["search"]) <= {200, 503}
    finally:
        for hog in hogs:
            hog.close()
    traffic.go_on()
    assert running.pids() == before


@pytest.fixture
def small_disk(running: Shop) -> Iterator[str]:
    """Postgres on a volume with 64 MiB left."""
    environment = running.environment
    directory = environment.state.volumes / "postgres"
    aside = directory.with_name("postgres-aside")
    environment.stop_pod("postgres")
    directory.rename(aside)
    directory.mkdir()
    used = int(subprocess.run(["du", "-sm", aside], capture_output=True, check=True).stdout.split()[0])
    size = f"size={used + 64}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", directory], check=True)
    subprocess.run(["cp", "-a", f"{aside}/.", directory], check=True)
    try:
        environment.start_node("postgres")
        environment.wait_healthy()
        yield str(directory)
    finally:
        environment.stop_pod("postgres")
        shutil.rmtree(aside)
        subprocess.run(["cp", "-a", directory, aside], check=True)
        subprocess.run(["umount", "--lazy", directory], check=True)
        directory.rmdir()
        aside.rename(directory)
        environment.start_node("postgres")
        environment.wait_healthy()


def fill(name: str) -> None:
    """Write in small steps until there is no room left: others go on writing meanwhile."""
    with open(name, "wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(16384)):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_the_disk_is_full_and_has_room_again(running: Shop, small_disk: str, traffic: Traffic) -> None:
    before = running.pids()
    filler = f"{small_disk}/filler"
    fill(filler)
    eventually("a refused order", lambda: traffic.failed("checkout"))
    time.sleep(2)
    assert set(traffic.answers["cached"]) == {200}
    os.unlink(filler)
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before
