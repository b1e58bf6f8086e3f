"""The running shop under load: buyers, readers and searchers, and a look into its database from behind."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import psycopg

from local import secrets_file
from local.environment import Environment
from testing.waits import PATIENCE, eventually, meanwhile

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


class Traffic:
    """Buyers, who repeat a checkout with its key until it is acknowledged; readers of the cached pages of other
    products; and searchers, whose every question needs the database.
    """

    def __init__(self, shop: Shop, sessions: Sequence[str], bought: Sequence[int], read: Sequence[int]) -> None:
        self._shop, self._sessions, self._bought, self._cached = shop, sessions, bought, read
        self.answers: dict[str, Counter[int]] = {kind: Counter() for kind in ("checkout", "cached", "search")}
        self.broken: list[str] = []
        """What became of requests without a response, and when."""
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
        except httpx.HTTPError as error:
            self.answers[kind][0] += 1
            self.broken.append(f"{datetime.now(UTC):%H:%M:%S} {kind}: {error!r}")
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
