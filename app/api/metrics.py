"""Metrics of the API. The hot path counts in plain attributes; they become Prometheus series when scraped."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds; 50 ms is the target for the 95th percentile."""

BROWSER_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
BROWSER_TIMINGS: Final = {
    "page_load": "Navigation until the load event",
    "tti": "Navigation until the page is interactive",
    "lcp": "Largest contentful paint",
    "fcp": "First contentful paint",
    "inp": "Interaction to next paint",
    "ttfb": "Time to first byte",
}

UNLISTED: Final = "unlisted"
"""The endpoint label of everything that the policy doesn't list: labels stay few whatever clients ask for."""


class Timing:
    """A histogram that costs one bisection and two additions to observe."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one answer."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        running, result = 0, list[tuple[str, float]]()
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            running += count
            result.append((bound, running))
        return result


class EndpointStats:
    """The counts of one endpoint (a route of the policy, or `UNLISTED`)."""

    __slots__ = (
        "cached",
        "coalesced",
        "endpoint",
        "hits",
        "memory_hits",
        "misses",
        "not_modified",
        "stale",
        "uncached",
    )

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.hits = 0
        self.memory_hits = 0
        self.misses = 0
        self.stale = 0
        self.coalesced = 0
        self.not_modified = 0
        self.cached = Timing()
        self.uncached = Timing()


class EndpointCollector(Collector):
    """The endpoints' counts, read when scraped."""

    def __init__(self) -> None:
        self._endpoints: dict[str, EndpointStats] = {}

    def of(self, endpoint: str) -> EndpointStats:
        """The counts of `endpoint`, made at its first use; only the policy's own names are ever given."""
        return self._endpoints.setdefault(endpoint, EndpointStats(endpoint))

    def collect(self) -> Iterator[Metric]:
        """Part of prometheus_client's Collector."""
        counters: tuple[tuple[str, str, Callable[[EndpointStats], int]], ...] = (
            ("api_cache_hits", "Answers from memory or Redis that were fresh", lambda stats: stats.hits),
            ("api_cache_memory_hits", "Those of the hits that came from the process's memory", lambda s: s.memory_hits),
            ("api_cache_misses", "Answers that had to be produced", lambda stats: stats.misses),
            ("api_cache_stale", "Answers served stale", lambda stats: stats.stale),
            ("api_cache_coalesced", "Answers that waited for another request's", lambda stats: stats.coalesced),
            ("api_not_modified", "304s", lambda stats: stats.not_modified),
        )
        for name, text, read in counters:
            family = CounterMetricFamily(name, text, labels=["endpoint"])
            for stats in self._endpoints.values():
                family.add_metric([stats.endpoint], read(stats))
            yield family
        timings = HistogramMetricFamily(
            "api_request_duration_seconds", "Time to answer, by where it came from", labels=["endpoint", "cache"]
        )
        for stats in self._endpoints.values():
            for label, timing in (("cached", stats.cached), ("uncached", stats.uncached)):
                timings.add_metric([stats.endpoint, label], timing.buckets(), timing.total)
        yield timings


class ValueCollector(Collector):
    """Gauges and counters whose value is read when scraped."""

    def __init__(self) -> None:
        self._read: list[
            tuple[type[GaugeMetricFamily] | type[CounterMetricFamily], str, str, dict[str, str], Callable[[], float]]
        ] = []

    def gauge(self, name: str, text: str, read: Callable[[], float], **labels: str) -> None:
        """A value that goes up and down."""
        self._read.append((GaugeMetricFamily, name, text, labels, read))

    def counter(self, name: str, text: str, read: Callable[[], float], **labels: str) -> None:
        """A value that only grows."""
        self._read.append((CounterMetricFamily, name, text, labels, read))

    def collect(self) -> Iterator[Metric]:
        """Part of prometheus_client's Collector."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for kind, name, text, labels, read in self._read:
            family = families.setdefault(name, kind(name, text, labels=list(labels)))
            family.add_metric(list(labels.values()), read())
        yield from families.values()


class Browser:
    """The counts of what visitors' browsers measured (routes.measurements)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.timings = {
            name: Histogram(f"browser_{name}_seconds", text, registry=registry, buckets=BROWSER_BUCKETS)
            for name, text in BROWSER_TIMINGS.items()
        }
        self.layout_shift = Histogram(
            "browser_layout_shift",
            "Cumulative layout shift",
            registry=registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1),
        )
        self.worker_installs = Counter(
            "browser_worker_installs_total", "Page loads by service worker", ["result"], registry=registry
        )
        self.visits = Counter(
            "browser_visits_total",
            "Visits by the page that they have got to",
            ["page"],
            registry=registry,
        )
        self.left_out = Counter(
            "browser_events_left_out_total", "Measurements beyond a client's quota", registry=registry
        )
        self.sync = Counter("browser_sync_total", "Queued writes by outcome", ["result"], registry=registry)


class Metrics:
    """All metrics of one process, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.endpoints = EndpointCollector()
        self.values = ValueCollector()
        self.registry.register(self.endpoints)
        self.registry.register(self.values)
        self.browser = Browser(self.registry)
        self.requests = Counter(
            "api_requests_total",
            "Answers by endpoint, method and class of status, but for cache hits from memory",
            ["endpoint", "method", "status"],
            registry=self.registry,
        )
        self.entity_events = Counter(
            "api_entity_cache_events_total",
            "The entity cache: hit, miss, negative, stale, refresh, lock_wait, undecodable, unavailable; and evicted, "
            "which the worker counts for all processes",
            ["entity", "event"],
            registry=self.registry,
        )
        self.sessions = Counter(
            "api_session_reads_total",
            "Session reads: hit; healed, fallback (found in Postgres, written back to Redis or not); miss; revoked (in "
            "Redis, but ended in Postgres); unavailable",
            ["result"],
            registry=self.registry,
        )
        self.visits_refused = Counter(
            "api_visits_refused_total",
            "Sessions that were not begun: too many of one client, or of all",
            ["limit"],
            registry=self.registry,
        )
        self.visits = Gauge("api_visits", "Sessions of visitors who haven't signed in", registry=self.registry)
        self.idempotency_keys = Gauge("api_idempotency_keys", "Keys that are kept", registry=self.registry)
        self.late_rows = Gauge(
            "api_late_rows", "Sessions and keys that expired an hour ago and are still there", registry=self.registry
        )
        self.purges = Counter(
            "api_purges_total", "Purges by layer and result", ["layer", "result"], registry=self.registry
        )
        self.purge_seconds = Histogram(
            "api_purge_duration_seconds",
            "Time from a write's commit until a layer has purged",
            ["layer"],
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
        )
        self.outbox_events = Gauge("api_outbox_events", "Purges that still wait for a layer", registry=self.registry)
        self.outbox_lag = Gauge(
            "api_outbox_oldest_seconds", "Age of the oldest purge that still waits", registry=self.registry
        )
        self.mails = Counter(
            "api_mails_total",
            "Mails by what became of an attempt: sent; failed, to be tried again; refused for ever",
            ["result"],
            registry=self.registry,
        )
        self.mails_waiting = Gauge("api_mails_waiting", "Mails that the server hasn't taken", registry=self.registry)
        self.mail_lag = Gauge(
            "api_mail_oldest_seconds", "Age of the oldest mail that still waits", registry=self.registry
        )
