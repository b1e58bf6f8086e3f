"""One measuring run: hits and misses one by one, the load mix with caches and without, a lost Redis master."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import numpy as np
import orjson

from app.database.catalogue import DEMO_PASSWORD, DEMO_USERS
from kpi.browsers import browsing
from kpi.criterion import Measurement
from kpi.edge.places import EdgeRun, at_the_edge
from kpi.figures import (
    STATEMENTS,
    against_uncached,
    of_failover,
    of_machine,
    of_query_cache,
    of_readings,
    of_records,
    of_shield,
    of_visits,
    repeating,
)
from kpi.http_client import Client, RequestFailed
from kpi.load import RECORD, STARTING_SECONDS, Records, Run, layer_of, play
from kpi.machine import moment
from kpi.observe import Observer, ShopNotRunning
from kpi.outages import AFTER, BEFORE, Failover, lose_master, without_cache
from kpi.routes import Catalogue
from kpi.workload import Workload
from local.edge.pods import PORTS
from local.environment import Environment
from testing.waits import meanwhile

Report = Callable[[str, float], None]
"""Called with the current step and the share of the whole that is done (0 to 1)."""

RETURNING_SECONDS = 4.0
"""About how many seconds a stopped Redis node takes to be healthy again."""
MEMBER = DEMO_USERS[1]
SIGN_IN_COOKIES = ("__Host-sid=", "sid=")
MEMBER_COOKIE = "tier=premium"
"""Makes caches of whole responses stand aside (app/caching.yaml); the session decides what a member may see."""
LISTING_PAGES = 5


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the shop answers."""

    gateway: str = "http://127.0.0.1:8080"
    api: str = "http://127.0.0.1:3000"
    prometheus: str = "http://127.0.0.1:8290"
    edge: tuple[str, ...] = (f"http://127.0.0.1:{PORTS['eu']}", f"http://127.0.0.1:{PORTS['us']}")


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Seconds of each part (0: omitted), and how many misses are measured one by one. Warm-ups are played at
    `pace`; that of the members is for runs whose load is too short to fill the query cache.
    """

    warm_up: float
    pace: float
    load: float
    members: float
    uncached: float
    misses: int
    members_warm_up: float = 0.0
    edge_warm_up: float = 120.0
    edge: float = 60.0
    edge_writes: int = 20


WARM_UP_PACE = 10.0
# Responses live for 5 minutes: after a warm-up of that length as many expire as are stored, as on any day. Played
# faster, all entries are young and none expires during the load, so a shorter warm-up gives the same: by Zipf's law at
# the mix's rate, 150 s reach the hit ratio of 300 s.
QUICK = Durations(
    warm_up=12,
    pace=12.5,
    load=18,
    members=5,
    uncached=5,
    misses=60,
    members_warm_up=6,
    edge=0,
)
FULL = Durations(warm_up=300, pace=1.0, load=120, members=60, uncached=30, misses=400)


@dataclass
class Measured:
    """A run's results: figures by name, and the data of the plots."""

    figures: dict[str, Measurement] = field(default_factory=dict[str, Measurement])
    records: Records = field(default_factory=lambda: np.array([], dtype=RECORD))
    uncached: Records = field(default_factory=lambda: np.array([], dtype=RECORD))
    uncached_seconds: list[float] = field(default_factory=list[float])
    failover: Failover | None = None
    duration: float = 0.0


async def _json(client: Client, target: str) -> Mapping[str, object]:
    answer = await client.request("GET", target, {"Accept": "application/json"})
    if answer.status != 200:
        raise ShopNotRunning(f"GET {target} answered {answer.status}; is the sample data loaded (`make up`)?")
    document: Mapping[str, object] = orjson.loads(answer.body)
    return document


async def _sign_in(client: Client, email: str) -> str:
    body = f'{{"email": "{email}", "password": "{DEMO_PASSWORD}"}}'.encode()
    answer = await client.request("POST", "/api/session", {"Content-Type": "application/json"}, body)
    cookie = next((cookie for cookie in answer.cookies if cookie.startswith(SIGN_IN_COOKIES)), "")
    return cookie if answer.status == 201 else ""


async def find_catalogue(addresses: Addresses, workload: Workload, admin_token: str, warehouse: str) -> Catalogue:
    """Products by popularity (the listing's order, then all the others), categories, and cookies of demo users."""
    async with Client(addresses.api) as client:
        try:
            categories = await _json(client, "/api/categories")
            popular: list[int] = []
            target = "/api/products?sort=popularity&limit=100"
            for _ in range(LISTING_PAGES):
                page = await _json(client, target)
                popular += [item["id"] for item in _items(page)]
                cursor = page.get("next_cursor")
                if not cursor:
                    break
                target = f"/api/products?sort=popularity&limit=100&cursor={cursor}"
            cookies = [await _sign_in(client, email) for email in DEMO_USERS]
        except RequestFailed as error:
            raise ShopNotRunning(f"the API doesn't answer at {addresses.api} ({error}); run `make up`") from None
    known = set(popular)
    others = [number for number in range(1, workload.products + 1) if number not in known]
    return Catalogue(
        products=[*popular, *others],
        categories=[item["id"] for item in _items(categories)],
        cookies=[cookie for cookie in cookies if cookie],
        admin_token=admin_token,
        warehouse=warehouse,
    )


def _items(document: Mapping[str, object]) -> list[dict[str, int]]:
    items = document.get("items", [])
    return items if isinstance(items, list) else []  # pyright: ignore[reportReturnType] - the API's own contract


async def _misses(addresses: Addresses, catalogue: Catalogue, count: int) -> list[float]:
    """Seconds of responses that no cache had: pages of the least popular products' reviews and searches, each once.

    Only responses whose Cache-Status says that they were produced count.
    """
    stamp = f"{time.time_ns():x}"
    seconds: list[float] = []
    async with Client(addresses.api) as client:
        tail = catalogue.products[-count:]
        for number, product in enumerate(tail):
            targets = (f"/api/products/{product}", f"/api/reviews/{product}", f"/api/search?q=lamp+{stamp}{number}")
            target = targets[number % 3]
            began = time.perf_counter()
            answer = await client.request("GET", target, {"Accept": "application/json", "Accept-Encoding": "gzip"})
            took = time.perf_counter() - began
            if answer.status == 200 and layer_of(answer.headers.get("cache-status", "")) == "origin":
                seconds.append(took)
    return seconds


async def _hits(addresses: Addresses, catalogue: Catalogue, count: int) -> list[float]:
    """Seconds of responses from the API's cache: the same kinds of addresses, each requested twice."""
    seconds: list[float] = []
    async with Client(addresses.api) as client:
        for number in range(count):
            product = catalogue.products[number % 100]
            target = (f"/api/products/{product}", f"/api/reviews/{product}", "/api/search?q=lamp")[number % 3]
            headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
            await client.request("GET", target, headers)
            began = time.perf_counter()
            answer = await client.request("GET", target, headers)
            if layer_of(answer.headers.get("cache-status", "")) == "api":
                seconds.append(time.perf_counter() - began)
    return seconds


async def _session_store(addresses: Addresses) -> bool:
    """Whether a session can be created, found, ended, and is gone then."""
    async with Client(addresses.api) as client:
        cookie = await _sign_in(client, DEMO_USERS[0])
        found = await client.request("GET", "/api/session", {"Cookie": cookie})
        ended = await client.request("DELETE", "/api/session", {"Cookie": cookie})
        gone = await client.request("GET", "/api/session", {"Cookie": cookie})
    return bool(cookie) and b'"user":{' in found.body and ended.status < 300 and b'"user":null' in gone.body


async def _data_cache(addresses: Addresses) -> bool:
    """Whether a response that nobody has requested is produced once and then found."""
    target = f"/api/search?q=chair+{time.time_ns():x}"
    async with Client(addresses.api) as client:
        layers = [layer_of((await client.request("GET", target, {})).headers.get("cache-status", "")) for _ in range(2)]
    return layers == ["origin", "api"]


async def _member(addresses: Addresses) -> str:
    """A member's cookies: no response to a member is stored, so every read reaches the query cache. Raises
    ShopNotRunning.
    """
    async with Client(addresses.api) as client:
        cookie = await _sign_in(client, MEMBER)
    # Without the sign-in, stored responses would be measured instead of the query cache.
    if not cookie:
        raise ShopNotRunning(f"{MEMBER} can't sign in; wait five minutes, or load the sample data (`make up`)")
    return f"{cookie}; {MEMBER_COOKIE}"


class _Progress:
    """Reports the progress of the whole, also during a long part."""

    def __init__(self, report: Report, durations: Durations) -> None:
        self._report, self._done = report, 0.0
        members = durations.members_warm_up + durations.members
        edge = durations.edge_warm_up + durations.edge if durations.edge else 0
        self._whole = durations.warm_up + durations.load + members + edge + durations.uncached + BEFORE + AFTER + 32

    @contextmanager
    def part(self, what: str, seconds: float) -> Generator[None]:
        """A part that takes about this many seconds."""
        begun = time.monotonic()

        def tick(over: threading.Event) -> None:
            while not over.wait(0.5):
                self._report(what, min(1.0, (self._done + min(seconds, time.monotonic() - begun)) / self._whole))

        self._report(what, self._done / self._whole)
        with meanwhile(tick):
            yield
        self._done += seconds


def measure(
    workload: Workload,
    addresses: Addresses,
    durations: Durations,
    *,
    environment: Environment,
    admin_token: str,
    warehouse: str,
    processes: int,
    outages: bool,
    report: Report,
) -> Measured:
    """The whole run. `outages`: also without Redis, and with a lost master. Raises ShopNotRunning, Problem."""
    observer, measured, progress = (
        Observer(addresses.prometheus),
        Measured(duration=durations.load),
        _Progress(report, durations),
    )
    with progress.part("reading the catalogue", 3):
        catalogue = asyncio.run(find_catalogue(addresses, workload, admin_token, warehouse))
        database = environment.pids("postgres").values()
    with progress.part("misses and hits, one by one", 7):
        measured.uncached_seconds = asyncio.run(_misses(addresses, catalogue, durations.misses))
        cached = asyncio.run(_hits(addresses, catalogue, durations.misses))
        measured.figures |= _one_by_one(cached, measured.uncached_seconds) | {
            "session_store": Measurement(
                float(asyncio.run(_session_store(addresses))),
                "signed in, read, signed out; that it expires by itself, tests/app/api/test_session_store.py shows",
            ),
            "data_cache": Measurement(float(asyncio.run(_data_cache(addresses))), "one new search, asked twice"),
        }

    def run(stream: str, seconds: float, **more: Any) -> Run:
        return Run(
            workload=workload,
            base_url=addresses.gateway,
            seconds=seconds,
            catalogue=catalogue,
            sessions_per_second=workload.sessions_per_second,
            stream=stream,
            **more,
        )

    # Other visitors than those of the load, who would find all of their own responses again.
    with (
        progress.part("warming up", durations.warm_up + STARTING_SECONDS),
        browsing(run("warm-up", durations.warm_up), pictures=False),
    ):
        warming = run("warm-up", durations.warm_up * durations.pace, pace=durations.pace)
        warm_up = play(warming, processes=processes).records
    with progress.part("load", durations.load + STARTING_SECONDS):
        before, began = asyncio.run(observer.read()), moment(database)
        with browsing(run("load", durations.load), pictures=False) as browsers:
            played = play(run("load", durations.load), processes=processes)
        used, after = moment(database).since(began), asyncio.run(observer.read())
    measured.records, grown = played.records, after.since(before)
    measured.figures |= (
        of_records(measured.records)
        | of_readings(grown, after, durations.load)
        | of_shield(measured.records)
        | of_visits(measured.records, workload.steps.mean, browsers.result())
        | of_machine(used, played.cpu_seconds, durations.load, measured.records)
    )
    measured.figures["repeating_hit_ratio"] = repeating(warm_up, measured.records)
    if durations.edge:
        edge = EdgeRun(durations.edge_warm_up, durations.pace, durations.edge, durations.edge_writes)
        with progress.part("the same load at the stand-in edge", edge.seconds):
            measured.figures |= at_the_edge(
                run, edge, addresses.api, addresses.edge, observer=observer, admin_token=admin_token
            )
    with progress.part(
        "members, past stored responses", durations.members_warm_up + durations.members + 2 * STARTING_SECONDS
    ):
        cookie = {"Cookie": asyncio.run(_member(addresses))}
        at_the_api = run("members", durations.members, only_reads=True, headers=cookie)
        members = replace(at_the_api, base_url=addresses.api)
        if durations.members_warm_up:
            seconds = durations.members_warm_up * durations.pace
            others = replace(members, stream="members' warm-up", seconds=seconds, pace=durations.pace)
            play(others, processes=processes)
        before = asyncio.run(observer.read())
        play(members, processes=processes)
        measured.figures |= of_query_cache(asyncio.run(observer.read()).since(before))
    if outages and admin_token:
        with progress.part("the same load without caches", durations.uncached + STARTING_SECONDS + RETURNING_SECONDS):
            # A request with Authorization bypasses every cache of responses (app/caching.yaml, bypass).
            past = {"Authorization": f"Bearer {admin_token}"}
            without = run("without caches", durations.uncached, only_reads=True, headers=past)
            before = asyncio.run(observer.read())
            with without_cache(environment):
                measured.uncached = play(without, processes=processes).records
                cost = asyncio.run(observer.read()).since(before).total(STATEMENTS)
        measured.figures |= against_uncached(measured.records, measured.uncached, grown.total(STATEMENTS), cost)
    if outages:
        with progress.part("a Redis master is lost", BEFORE + AFTER + STARTING_SECONDS + RETURNING_SECONDS):
            measured.failover = lose_master(environment, replace(run("failover", 0), base_url=addresses.api))
        measured.figures |= of_failover(measured.failover.after_loss, measured.failover.promoted)
    report("done", 1)
    return measured


def _one_by_one(cached: list[float], uncached: list[float]) -> dict[str, Measurement]:
    if not uncached or not cached:
        return {}
    slow, fast = median(uncached), median(cached)
    return {
        "faster_with_cache": Measurement(
            1 - fast / slow,
            f"medians of {len(cached)} hits ({fast * 1e3:.2f} ms) and {len(uncached)} misses ({slow * 1e3:.2f} ms) of "
            "the same endpoints, one at a time at the API",
        )
    }
