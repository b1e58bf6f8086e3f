"""One measuring run: the catalogue as the shop lists it, misses one by one, then the load mix, and what it all did."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np
import orjson

from app.database.catalogue import DEMO_PASSWORD
from kpi.http_client import Client, RequestFailed
from kpi.load import LAYERS, Records, Run, layer_of, play
from kpi.observe import Observer, Reading, ShopNotRunning
from kpi.routes import Catalogue
from kpi.workload import PUBLIC_READS, STEPS, Workload

Report = Callable[[str, float], None]
"""Called with what is going on and how much of the whole is done (0 to 1)."""

DEMO_USERS = ("demo@example.com", "premium@example.com", "demo.us@example.com", "demo.gb@example.com")
MEMBER = DEMO_USERS[1]
SIGN_IN_COOKIE = "sid"
MEMBER_COOKIE = "tier=premium"
"""Makes caches of whole answers stand aside (app/caching.yaml); what a member may see, the session decides."""
QUERY_RESULTS = r"(?!user$).+"
"""What the cache manager keeps of public queries: everything but profiles."""
STATEMENTS_OF_A_PRODUCT = 2
"""A product and its stock; every other result is one statement's."""
LISTING_PAGES = 5
_HIT_LAYERS = (LAYERS.index("api"), LAYERS.index("gateway"))
_PUBLIC = np.array([STEPS.index(step) for step in sorted(PUBLIC_READS)])


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the shop answers."""

    gateway: str = "http://127.0.0.1:8080"
    api: str = "http://127.0.0.1:3000"
    prometheus: str = "http://127.0.0.1:8290"


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Seconds of each part, and how many misses are measured one by one. The warm-up is played faster than the load, so
    that it holds as much of it as the shortest TTLs: a shop that has been up for five minutes, not one that just began.
    """

    warm_up: float
    load: float
    members: float
    misses: int


QUICK = Durations(warm_up=10, load=30, members=10, misses=100)
FULL = Durations(warm_up=30, load=120, members=60, misses=400)


@dataclass(frozen=True)
class Figure:
    """A measured number and how it came about."""

    value: float
    method: str


@dataclass
class Measured:
    """What a run found: figures by name, and the raw material of the plots."""

    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    records: Records = field(default_factory=lambda: np.array([], dtype=[]))
    uncached_seconds: list[float] = field(default_factory=list[float])
    duration: float = 0.0
    queries_without: float = 0.0
    queries_with: float = 0.0


async def _json(client: Client, target: str) -> Mapping[str, object]:
    answer = await client.request("GET", target, {"Accept": "application/json"})
    if answer.status != 200:
        raise ShopNotRunning(f"GET {target} answered {answer.status}; is the sample data loaded (`make up`)?")
    document: Mapping[str, object] = orjson.loads(answer.body)
    return document


async def _sign_in(client: Client, email: str) -> str:
    body = f'{{"email": "{email}", "password": "{DEMO_PASSWORD}"}}'.encode()
    answer = await client.request("POST", "/api/session", {"Content-Type": "application/json"}, body)
    cookie = answer.headers.get("set-cookie", "").split(";")[0]
    return cookie if answer.status == 201 and cookie.startswith(SIGN_IN_COOKIE) else ""


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
    """Seconds of answers that no cache held: pages of the least popular products' reviews and searches, each once.

    Only answers whose Cache-Status says that they were produced count.
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
    """Seconds of answers from the API's cache, for the same kinds of addresses, asked twice."""
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
    """A session is created, found again, ended, and gone."""
    async with Client(addresses.api) as client:
        cookie = await _sign_in(client, DEMO_USERS[0])
        found = await client.request("GET", "/api/session", {"Cookie": cookie})
        ended = await client.request("DELETE", "/api/session", {"Cookie": cookie})
        gone = await client.request("GET", "/api/session", {"Cookie": cookie})
    return bool(cookie) and b'"user":{' in found.body and ended.status < 300 and b'"user":null' in gone.body


async def _data_cache(addresses: Addresses) -> bool:
    """An answer that nobody asked for before is produced once and then found."""
    target = f"/api/search?q=chair+{time.time_ns():x}"
    async with Client(addresses.api) as client:
        layers = [layer_of((await client.request("GET", target, {})).headers.get("cache-status", "")) for _ in range(2)]
    return layers == ["origin", "api"]


def _of_records(records: Records) -> dict[str, Figure]:
    public = records[np.isin(records["step"], _PUBLIC)]
    answered = public[public["status"] != 0]
    hits = np.isin(answered["layer"], _HIT_LAYERS)
    failed = float(np.mean((records["status"] == 0) | (records["status"] >= 500))) if len(records) else 1.0
    return {
        "public_hit_ratio": Figure(
            float(hits.mean()), f"{len(answered)} public reads of the load mix through the gateway, by Cache-Status"
        ),
        "overall_hit_ratio": Figure(
            float(hits.sum() / max(1, len(records))),
            f"all {len(records)} requests of the load mix, writes and private reads among them",
        ),
        "failed_share": Figure(failed, "requests of the load mix without an answer or with a 5xx"),
        "client_p95_seconds": Figure(
            float(np.quantile(records["seconds"], 0.95)), "seen by the load generator, which shares the machine's cores"
        ),
    }


def _of_readings(grown: Reading, after: Reading, seconds: float) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    hits = grown.total("api_cache_hits_total")
    misses = grown.total("api_cache_misses_total")
    if hits + misses:
        figures["api_hit_ratio"] = Figure(hits / (hits + misses), "the API's own counters, behind the gateway")
    quantile = _quantile(grown, 0.95)
    if quantile is not None:
        figures["api_p95_seconds"] = Figure(
            quantile, "histogram api_request_duration_seconds over the load, all endpoints, interpolated"
        )
    calls, spent = grown.total("simone_statements_calls_total"), grown.total("simone_statements_seconds_total")
    if calls:
        figures["mean_query_seconds"] = Figure(spent / calls, f"pg_stat_statements: {calls:.0f} executions")
        figures["queries_per_second"] = Figure(calls / seconds, "pg_stat_statements over the load")
        figures["slow_query_share"] = Figure(_slow_share(grown), "executions of statements with a mean over 100 ms")
    used = [
        value / after.total("redis_memory_max_bytes", job="redis", pod=labels["pod"])
        for labels, value in after.values("redis_memory_used_bytes", job="redis")
        if after.total("redis_memory_max_bytes", job="redis", pod=labels["pod"])
    ]
    if used:
        figures["redis_memory_share"] = Figure(max(used), "the fullest node after the load")
    roles = after.values("redis_instance_info", job="redis", role="master")
    up = after.values("redis_up", job="redis")
    pairs = {labels["pod"].rpartition("-")[0] for labels, _ in up}
    masters = {pair: sum(1 for labels, _ in roles if labels["pod"].startswith(f"{pair}-")) for pair in pairs}
    healthy = [value for _, value in up] + [float(count == 1) for count in masters.values()]
    if healthy:
        figures["redis_healthy"] = Figure(
            min(healthy), f"{len(up)} nodes and {len(pairs)} pairs, at the end of the load"
        )
    evicted, expired = grown.total("redis_evicted_keys_total"), grown.total("redis_expired_keys_total")
    figures["eviction_share"] = Figure(
        evicted / (evicted + expired) if evicted else 0.0, f"{evicted:.0f} evicted, {expired:.0f} expired in the load"
    )
    indexes = len(after.values("simone_index_size_bytes"))
    figures["indexes_tracked"] = Figure(float(indexes), "indexes whose size Prometheus stores")
    return figures


def _quantile(grown: Reading, share: float) -> float | None:
    buckets: dict[float, float] = {}
    for labels, value in grown.values("api_request_duration_seconds_bucket"):
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted, below, low = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / max(1.0, buckets[bound] - below)
        below, low = buckets[bound], bound
    return low


async def _member(addresses: Addresses) -> str:
    """Cookies of a member, none of whose answers is stored: every read asks the query cache."""
    async with Client(addresses.api) as client:
        return f"{await _sign_in(client, MEMBER)}; {MEMBER_COOKIE}"


def of_query_cache(grown: Reading) -> dict[str, Figure]:
    """What the cache manager did for reads that no stored answer could serve."""

    def lookups(event: str, entity: str = QUERY_RESULTS) -> float:
        return grown.total("api_entity_cache_events_total", entity=entity, event=event)

    found, missed = lookups("hit|negative|stale"), lookups("miss")
    if not found + missed:
        return {}
    everything = "hit|negative|stale|miss"
    needed = lookups(everything) + (STATEMENTS_OF_A_PRODUCT - 1) * lookups(everything, "product")
    made = grown.total("simone_statements_calls_total")
    how = "the load mix's reads, of visitors that were not in the load, as members: past all stored answers"
    return {
        "query_cache_hit_ratio": Figure(
            found / (found + missed), f"{found:.0f} of {found + missed:.0f} results found by the cache manager; {how}"
        ),
        "query_cache_saved": Figure(
            1 - made / needed, f"{made:.0f} statements, of everybody, where the same reads need {needed:.0f}; {how}"
        ),
    }


def _slow_share(grown: Reading) -> float:
    spent = {labels["queryid"]: value for labels, value in grown.values("pg_stat_statements_seconds_total")}
    calls = {labels["queryid"]: value for labels, value in grown.values("pg_stat_statements_calls_total")}
    total = sum(calls.values())
    slow = sum(count for query, count in calls.items() if count and spent.get(query, 0.0) / count > 0.1)
    return slow / total if total else 0.0


WARM_UP_PACE = 10.0


def _repeating(before: Records, during: Records) -> Figure:
    """Hit ratio of listings, searches and categories: addresses that the warm-up has asked for as well."""
    kinds = [STEPS.index(step) for step in ("listing", "search", "categories")]
    chosen = during[np.isin(during["step"], kinds) & (during["status"] != 0)]
    hits = float(np.isin(chosen["layer"], _HIT_LAYERS).mean()) if len(chosen) else 0.0
    return Figure(hits, f"{len(chosen)} listings, searches and categories after a warm-up of {len(before)} requests")


def measure(
    workload: Workload,
    addresses: Addresses,
    durations: Durations,
    *,
    admin_token: str,
    warehouse: str,
    processes: int,
    report: Report,
) -> Measured:
    """The whole run. Raises ShopNotRunning."""
    observer, measured = Observer(addresses.prometheus), Measured()
    whole = durations.warm_up + durations.load + durations.members + 15
    report("reading the catalogue", 0)
    catalogue = asyncio.run(find_catalogue(addresses, workload, admin_token, warehouse))
    report("misses, one by one", 3 / whole)
    start = asyncio.run(observer.read())
    measured.uncached_seconds = asyncio.run(_misses(addresses, catalogue, durations.misses))
    missed = asyncio.run(observer.read()).since(start)
    cached = asyncio.run(_hits(addresses, catalogue, durations.misses))
    measured.figures |= {
        "session_store": Figure(float(asyncio.run(_session_store(addresses))), "signed in, read, signed out"),
        "data_cache": Figure(float(asyncio.run(_data_cache(addresses))), "one new search, asked twice"),
    }
    if measured.uncached_seconds and cached:
        slow, fast = median(measured.uncached_seconds), median(cached)
        measured.figures["faster_with_cache"] = Figure(
            1 - fast / slow,
            f"medians of {len(cached)} hits ({fast * 1e3:.2f} ms) and {len(measured.uncached_seconds)} misses "
            f"({slow * 1e3:.2f} ms) of the same endpoints, one at a time at the API",
        )

    def run(seconds: float, pace: float = 1.0) -> Run:
        return Run(
            workload=workload,
            base_url=addresses.gateway,
            seconds=seconds,
            catalogue=catalogue,
            sessions_per_second=workload.sessions_per_second,
            pace=pace,
        )

    report("warming up", 8 / whole)
    warm = play(run(durations.warm_up * WARM_UP_PACE, WARM_UP_PACE), processes=processes)
    report("load", (10 + durations.warm_up) / whole)
    before = asyncio.run(observer.read())
    began = time.monotonic()
    measured.records = play(run(durations.load), processes=processes)
    measured.duration = time.monotonic() - began
    after = asyncio.run(observer.read())
    grown = after.since(before)
    measured.figures |= _of_records(measured.records) | _of_readings(grown, after, measured.duration)
    measured.figures["repeating_hit_ratio"] = _repeating(warm, measured.records)
    _compare_queries(measured, missed, grown)
    report("members, past stored answers", (10 + durations.warm_up + durations.load) / whole)
    others = workload.model_copy(update={"seed": workload.seed + 1})
    cookie = {"Cookie": asyncio.run(_member(addresses))}
    before = asyncio.run(observer.read())
    play(
        replace(run(durations.members), workload=others, base_url=addresses.api, headers=cookie, only_reads=True),
        processes=processes,
    )
    measured.figures |= of_query_cache(asyncio.run(observer.read()).since(before))
    report("done", 1)
    return measured


def _compare_queries(measured: Measured, missed: Reading, grown: Reading) -> None:
    """Statements of the load against what the same requests cost when each is a miss."""
    each = missed.total("simone_statements_calls_total") / max(1, len(measured.uncached_seconds))
    made = grown.total("simone_statements_calls_total")
    measured.queries_without, measured.queries_with = each * len(measured.records), made
    if measured.queries_without:
        measured.figures["queries_saved"] = Figure(
            1 - made / measured.queries_without,
            f"{made:.0f} statements for {len(measured.records)} requests; a miss costs {each:.2f} "
            f"(measured on {len(measured.uncached_seconds)})",
        )
