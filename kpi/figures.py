"""Figures from a run's records and from the growth of the shop's own counters."""

from collections.abc import Sequence

import numpy as np

from kpi.browsers import Kind, ResponseCounts
from kpi.criterion import Measurement
from kpi.edge.freshness import Freshness
from kpi.load import LAYERS, Records
from kpi.machine import Moment, cores
from kpi.observe import Reading
from kpi.workload import PUBLIC_READS, STEPS

STATEMENTS = "simone_statements_calls_total"
QUERY_RESULTS = r"(?!user$).+"
"""The cache manager's entities for public queries: all but profiles."""
LOOKING_OUT = r"/\* outbox\..*"
"""The workers' query for purges, five times a second, with or without readers."""
STATEMENTS_OF_A_PRODUCT = 2
"""A product and its stock; every other result is one statement's."""
SLOW_SECONDS = 0.1
"""The specification's slow query."""
_HIT_LAYERS = (LAYERS.index("api"), LAYERS.index("gateway"))
_PUBLIC = np.array([STEPS.index(step) for step in sorted(PUBLIC_READS)])


_COUNTED: tuple[Kind, ...] = ("page", "static")


def of_records(records: Records) -> dict[str, Measurement]:
    public = records[np.isin(records["step"], _PUBLIC)]
    answered = public[public["status"] != 0]
    hits = np.isin(answered["layer"], _HIT_LAYERS)
    failed = float(np.mean((records["status"] == 0) | (records["status"] >= 500))) if len(records) else 1.0
    return {
        "public_hit_ratio": Measurement(
            float(hits.mean()), f"{len(answered)} public reads of the load mix through the gateway, by Cache-Status"
        ),
        "failed_share": Measurement(failed, "requests of the load mix without a response or with a 5xx"),
        "client_p95_seconds": Measurement(
            float(np.quantile(records["seconds"], 0.95)), "seen by the load generator, which shares the machine's cores"
        ),
    }


def of_visits(records: Records, steps: float, seen: ResponseCounts) -> dict[str, Measurement]:
    """What visitors ask for, pictures aside: `steps` requests of the API in a visit, and its browser's pages and files.

    Pictures are left out because a shield has to collect thousands of them first; they would raise it later.
    """
    browsers = sum(seen.answers[kind] for kind in _COUNTED)
    if not browsers or not len(records):
        return {}
    api, pages = float(np.isin(records["layer"], _HIT_LAYERS).mean()), seen.ratio(*_COUNTED)
    loaded = browsers / seen.visits
    return {
        "overall_hit_ratio": Measurement(
            (steps * api + loaded * pages) / (steps + loaded),
            f"a visit's {steps:g} requests to the API, writes and private ones among them ({api:.1%} of {len(records)} "
            f"were hits), and its browser's {loaded:.0f} for pages and files ({pages:.1%} of {browsers}, in "
            f"{seen.visits} visits); pictures left out",
        )
    }


def of_readings(grown: Reading, after: Reading, seconds: float) -> dict[str, Measurement]:
    figures: dict[str, Measurement] = {}
    hits = grown.total("api_cache_hits_total")
    misses = grown.total("api_cache_misses_total")
    if hits + misses:
        figures["api_hit_ratio"] = Measurement(hits / (hits + misses), "the API's own counters, behind the gateway")
    quantile = _quantile(grown, 0.95)
    if quantile is not None:
        figures["api_p95_seconds"] = Measurement(
            quantile, "histogram api_request_duration_seconds over the load, all endpoints, interpolated"
        )
    calls, spent = grown.total(STATEMENTS), grown.total("simone_statements_seconds_total")
    if calls:
        figures["mean_query_seconds"] = Measurement(spent / calls, f"pg_stat_statements: {calls:.0f} executions")
        figures["queries_per_second"] = Measurement(calls / seconds, "pg_stat_statements over the load")
        figures["slow_query_share"] = Measurement(
            _slow_share(grown), "executions of statements with a mean over 100 ms"
        )
    used = [
        value / after.total("redis_memory_max_bytes", job="redis", pod=labels["pod"])
        for labels, value in after.values("redis_memory_used_bytes", job="redis")
        if after.total("redis_memory_max_bytes", job="redis", pod=labels["pod"])
    ]
    if used:
        figures["redis_memory_share"] = Measurement(max(used), "the fullest node after the load")
    roles = after.values("redis_instance_info", job="redis", role="master")
    up = after.values("redis_up", job="redis")
    pairs = {labels["pod"].rpartition("-")[0] for labels, _ in up}
    masters = {pair: sum(1 for labels, _ in roles if labels["pod"].startswith(f"{pair}-")) for pair in pairs}
    healthy = [value for _, value in up] + [float(count == 1) for count in masters.values()]
    if healthy:
        figures["redis_healthy"] = Measurement(
            min(healthy), f"{len(up)} nodes and {len(pairs)} pairs, at the end of the load"
        )
    evicted, expired = grown.total("redis_evicted_keys_total"), grown.total("redis_expired_keys_total")
    figures["eviction_share"] = Measurement(
        evicted / (evicted + expired) if evicted else 0.0, f"{evicted:.0f} evicted, {expired:.0f} expired in the load"
    )
    indexes = len(after.values("simone_index_size_bytes"))
    figures["indexes_tracked"] = Measurement(float(indexes), "indexes whose size Prometheus stores")
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


def of_query_cache(grown: Reading) -> dict[str, Measurement]:
    """The cache manager's work for reads that no stored response could serve."""

    def lookups(event: str, entity: str = QUERY_RESULTS) -> float:
        return grown.total("api_entity_cache_events_total", entity=entity, event=event)

    found, missed = lookups("hit|negative|stale"), lookups("miss")
    if not found + missed:
        return {}
    everything = "hit|negative|stale|miss"
    needed = lookups(everything) + (STATEMENTS_OF_A_PRODUCT - 1) * lookups(everything, "product")
    made = grown.total(STATEMENTS) - grown.total("pg_stat_statements_calls_total", query=LOOKING_OUT)
    how = "the load mix's reads, of visitors that were not in the load, as members: past all stored responses"
    return {
        "query_cache_hit_ratio": Measurement(
            found / (found + missed), f"{found:.0f} of {found + missed:.0f} results found by the cache manager; {how}"
        ),
        "query_cache_saved": Measurement(
            1 - made / needed,
            f"{made:.0f} statements, of everybody but the workers looking out for purges, where the same reads need "
            f"{needed:.0f}; {how}",
        ),
    }


def _slow_share(grown: Reading) -> float:
    spent = {labels["queryid"]: value for labels, value in grown.values("pg_stat_statements_seconds_total")}
    calls = {labels["queryid"]: value for labels, value in grown.values("pg_stat_statements_calls_total")}
    total = sum(calls.values())
    slow = sum(count for query, count in calls.items() if count and spent.get(query, 0.0) / count > SLOW_SECONDS)
    return slow / total if total else 0.0


def repeating(warm_up: Records, load: Records) -> Measurement:
    """Hit ratio of repeated requests: the same address and country as before, in the warm-up or in the load."""
    asked = np.concatenate([warm_up, load])
    again = np.ones(len(asked), dtype=bool)
    again[np.unique(asked["key"], return_index=True)[1]] = False
    chosen = load[again[len(warm_up) :] & np.isin(load["step"], _PUBLIC) & (load["status"] != 0)]
    hits = float(np.isin(chosen["layer"], _HIT_LAYERS).mean()) if len(chosen) else 0.0
    return Measurement(hits, f"{len(chosen)} public reads that somebody had asked for before in this run")


def against_uncached(load: Records, uncached: Records, made: float, uncached_made: float) -> dict[str, Measurement]:
    """The same mix with and without caches: response times, and the database's statements."""
    reads, plain = _public_answers(load), _public_answers(uncached)
    if not len(reads) or not len(plain):
        return {}
    quick, slow = float(reads["seconds"].mean()), float(plain["seconds"].mean())
    each = uncached_made / len(plain)
    without = each * len(reads)
    return {
        "faster_with_caches": Measurement(
            1 - quick / slow,
            f"means of {len(reads)} public reads ({quick * 1e3:.1f} ms) and of {len(plain)} past all caches, Redis "
            f"stopped ({slow * 1e3:.1f} ms), both through the gateway at the same rate",
        ),
        "queries_saved": Measurement(
            1 - made / without if without else 0.0,
            f"{made:.0f} statements for the load, writes and all; without any cache {each:.1f} for each of "
            f"{len(plain)} public reads would make {without:.0f}",
        ),
        "queries_without_caches": Measurement(without, "statements that the load's public reads would have cost"),
        "queries_with_caches": Measurement(made, "statements of the load"),
    }


def of_shield(load: Records) -> dict[str, Measurement]:
    """The share of requests that the gateway alone serves."""
    reads = _public_answers(load)
    if not len(reads):
        return {}
    share = float((reads["layer"] == LAYERS.index("gateway")).mean())
    return {
        "shield_saved": Measurement(share, f"{len(reads)} public reads through the gateway, answered by its own store")
    }


def of_edge(
    records: Records, steps: float, seen: Sequence[ResponseCounts], fetched: float, fresh: Freshness | None
) -> dict[str, Measurement]:
    """What visitors get at the stand-in for the edge; `fetched`: bytes that the gateway sent it meanwhile."""
    answers = {kind: sum(each.answers[kind] for each in seen) for kind in _COUNTED}
    hits = {kind: sum(each.at_the_edge[kind] for each in seen) for kind in _COUNTED}
    visits = sum(each.visits for each in seen)
    if not len(records) or not visits or not sum(answers.values()):
        return {}
    api = float((records["layer"] == LAYERS.index("edge")).mean())
    loaded = sum(answers.values()) / visits
    pages = sum(hits.values()) / sum(answers.values())
    sent = float(records["bytes"].sum()) + sum(each.bytes for each in seen)
    seconds = np.concatenate([records["seconds"], *(each.seconds for each in seen)])
    how = "at the stand-in edge: two places and an upper tier, made from the rendered rules (docs/edge.md)"
    figures = {
        "edge_hit_ratio": Measurement(
            (steps * api + loaded * pages) / (steps + loaded),
            f"{how}; a visit's {steps:g} requests to the API, writes and private ones among them ({api:.1%} of "
            f"{len(records)}), and its browser's {loaded:.0f} for pages and files ({pages:.1%}); pictures left out",
        ),
        "edge_static_hit_ratio": Measurement(
            hits["static"] / max(1, answers["static"]), f"{how}; {answers['static']} scripts, styles and fonts"
        ),
        "edge_origin_bytes": Measurement(
            fetched / sent, f"{how}; {fetched / 1e6:.1f} MB from the gateway, {sent / 1e6:.1f} MB to visitors"
        ),
        "edge_saved_bytes": Measurement(1 - fetched / sent, f"{how}; of the bytes that visitors got"),
        "edge_p95_seconds": Measurement(
            float(np.quantile(seconds, 0.95)),
            f"{how}; {len(seconds)} responses, produced ones included, no distance between",
        ),
    }
    if fresh is not None:
        slowest = max(max(times) for place, times in fresh.seconds.items() if place != "api")
        figures["edge_fresh_seconds"] = Measurement(
            slowest, f"{how}; the slowest of {len(fresh.seconds['api'])} writes, at both places"
        )
    return figures


def of_failover(after_loss: Records, promoted: float | None) -> dict[str, Measurement]:
    """Failed requests while a master was lost, and the time until another was promoted."""
    reads = after_loss[np.isin(after_loss["step"], _PUBLIC)]
    figures: dict[str, Measurement] = {}
    if len(reads):
        served = float(((reads["status"] != 0) & (reads["status"] < 500)).mean())
        figures["failover_answered"] = Measurement(
            served, f"{len(reads)} public reads after the data pair's master was lost"
        )
    if promoted is not None:
        figures["failover_seconds"] = Measurement(promoted, "from the loss until a Sentinel names the other node")
    return figures


def of_machine(used: Moment, generator_seconds: float, seconds: float, load: Records) -> dict[str, Measurement]:
    """How busy the machine was, and how much of that the measuring took."""
    late = float(np.quantile(load["late"], 0.99)) if len(load) else 0.0
    return {
        "machine_busy": Measurement(used.busy / used.whole if used.whole else 0.0, f"{cores()} cores during the load"),
        "machine_stolen": Measurement(used.stolen / used.whole if used.whole else 0.0, "time that the hypervisor took"),
        "generator_cpu": Measurement(generator_seconds / seconds, "cores that the load generator itself used"),
        "generator_late_p99": Measurement(late, "P99 of requests sent later than they were due"),
        "database_cpu": Measurement(
            used.database / (cores() * seconds),
            f"CPU time of all of Postgres's processes in the load, of {cores()} cores that it shares with everything",
        ),
    }


def _public_answers(records: Records) -> Records:
    return records[np.isin(records["step"], _PUBLIC) & (records["status"] != 0) & (records["status"] < 500)]
