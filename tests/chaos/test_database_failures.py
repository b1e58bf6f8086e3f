"""Postgres and pgBouncer fail in the running shop, under load.

Nothing that was acknowledged is lost or done twice, cached reads go on, everything recovers without a restart.
"""

import os
import shutil
import signal
import subprocess
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from app.database.catalogue import DEMO_PASSWORD, DEMO_USERS
from local import secrets_file
from local.environment import Environment
from testing.waits import PATIENCE, eventually, meanwhile

pytestmark = [pytest.mark.shop, pytest.mark.timeout(900)]

API = "http://127.0.0.1:3000"
POOLERS = ("pgbouncer-0", "pgbouncer-1")
BUYERS, READERS, SEARCHERS = 3, 2, 3
PAUSE = 0.02
ADDRESS = {"name": "A", "street": "B 1", "postcode": "1", "city": "C", "country": "NL"}


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


@pytest.fixture(scope="module")
def sessions(running: Shop) -> list[str]:
    """Cookies of signed-in buyers, one each for the whole module: attempts to sign in are limited."""
    running.environment.wait_healthy()
    found: list[str] = []
    for _ in range(BUYERS):
        answer = httpx.post(
            f"{API}/api/session", json={"email": DEMO_USERS[0], "password": DEMO_PASSWORD}, timeout=PATIENCE
        )
        assert answer.status_code == 201, answer.text
        found.append("; ".join(cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie")))
    return found


class Traffic:
    """Buyers, who repeat a checkout with its key until it is acknowledged; readers of the cached pages of other
    products; and searchers, whose every question needs the database.
    """

    def __init__(self, shop: Shop, sessions: Sequence[str], bought: Sequence[int], read: Sequence[int]) -> None:
        self._shop, self._sessions, self._bought, self._cached = shop, sessions, bought, read
        self.answers: dict[str, Counter[int]] = {kind: Counter() for kind in ("checkout", "cached", "search")}
        self.acknowledged: dict[str, int] = {}
        self._stock = self._pieces()
        (self._first,) = self._shop.rows("SELECT coalesce(max(id), 0) FROM orders")[0]

    @contextmanager
    def running(self) -> Generator[None]:
        """Load during the block. Afterwards each acknowledged order is there, none is there twice, and exactly their
        pieces are gone from the shelves.
        """
        buyers = [partial(self._until_over, self._buy, cookie=cookie) for cookie in self._sessions]
        readers = [partial(self._until_over, self._read)] * READERS
        searchers = [partial(self._until_over, self._search)] * SEARCHERS
        with meanwhile(*buyers, *readers, *searchers):
            eventually(lambda: len(self.acknowledged) > 5, "the first orders")
            yield
        kept = {row[0] for row in self._shop.rows("SELECT id FROM orders WHERE id > %s", self._first)}
        assert set(self.acknowledged.values()) == kept
        assert len(kept) == len(self.acknowledged)
        assert self._stock - self._pieces() == len(kept)

    def go_on(self) -> None:
        """Until buyers and searchers get what they want again."""
        orders, found = len(self.acknowledged), self.answers["search"][200]
        eventually(lambda: len(self.acknowledged) > orders + 20, "orders again")
        eventually(lambda: self.answers["search"][200] > found + 20, "searches again")

    def cached_reads_go_on(self) -> None:
        """Until readers have got every page a few times more; nothing but pages so far."""
        read = self.answers["cached"].total()
        eventually(lambda: self.answers["cached"].total() > read + 5 * len(self._cached), "cached reads")
        assert set(self.answers["cached"]) == {200}

    def failed(self, kind: str) -> bool:
        return bool(self.answers[kind].keys() - {200, 201})

    def asked(self) -> int:
        return sum(counts.total() for counts in self.answers.values())

    def _pieces(self) -> int:
        return self._shop.rows("SELECT sum(quantity) FROM inventory WHERE product_id = ANY(%s)", list(self._bought))[0][
            0
        ]

    @staticmethod
    def _until_over(act: Callable[[httpx.Client, int], None], over: threading.Event, cookie: str = "") -> None:
        with httpx.Client(base_url=API, timeout=30, headers={"cookie": cookie}) as client:
            number = 0
            while not over.is_set():
                number += 1
                act(client, number)
                over.wait(PAUSE)

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

    def _buy(self, client: httpx.Client, number: int) -> None:
        key = str(uuid.uuid4())
        order = {
            "items": [{"product_id": self._bought[number % len(self._bought)], "quantity": 1}],
            "shipping_address": ADDRESS,
        }

        def acknowledged() -> int | None:
            answer = self._ask(
                "checkout", lambda: client.post("/api/checkout", json=order, headers={"idempotency-key": key})
            )
            client.cookies.clear()
            if answer is not None and answer.status_code == 201:
                return answer.json()["id"]
            assert answer is None or answer.status_code == 503, answer.text
            return None

        # Longer than anybody waits for the outage to end.
        self.acknowledged[key] = eventually(acknowledged, "an acknowledged order", within=3 * PATIENCE)


@pytest.fixture
def traffic(running: Shop, sessions: list[str]) -> Iterator[Traffic]:
    """Load. There is enough of what is bought, and the pages that are read are in the cache."""
    running.environment.wait_healthy()
    products = [row[0] for row in running.rows("SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT 20")]
    bought, read = products[:10], products[10:]
    running.rows("UPDATE inventory SET quantity = 100000 WHERE product_id = ANY(%s) RETURNING id", bought)
    for product in read:
        assert httpx.get(f"{API}/api/products/{product}", timeout=PATIENCE).status_code == 200
    load = Traffic(running, sessions, bought, read)
    with load.running():
        yield load


def test_both_pgbouncers_are_replaced_and_hardly_a_request_notices(running: Shop, traffic: Traffic) -> None:
    for pod in POOLERS:
        running.environment.stop_pod(pod)
        running.environment.start_node(pod)
        running.environment.wait_healthy([pod])
        traffic.go_on()
    eventually(lambda: traffic.asked() > 1000, "enough requests to speak of a thousandth")
    answers = sum(traffic.answers.values(), Counter[int]())
    assert answers.total() - answers[200] - answers[201] <= 0.001 * answers.total(), traffic.answers


def test_postgres_crashes_and_comes_back(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    running.environment.kill("postgres", signal.SIGQUIT)  # at once, without a checkpoint: as after a lost machine
    eventually(lambda: traffic.failed("checkout"), "a refused order")
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_postgres_is_restarted_in_good_order(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    running.environment.stop_pod("postgres")
    eventually(lambda: traffic.failed("checkout"), "a refused order")
    running.environment.start_node("postgres")
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_connections_run_out_and_are_there_again(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    hogs: list[psycopg.Connection[Any]] = [running.connect()]

    def take_all() -> bool:
        hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        try:
            while True:
                hogs.append(running.connect())
        except psycopg.OperationalError as error:
            assert "connection" in str(error)  # noqa: PT017 - which one isn't the test's subject
        return traffic.failed("search") and traffic.failed("checkout")

    try:
        eventually(take_all, "refused searches and orders")
        traffic.cached_reads_go_on()
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
    eventually(lambda: traffic.failed("checkout"), "a refused order")
    traffic.cached_reads_go_on()
    os.unlink(filler)
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before
