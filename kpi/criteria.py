"""Every success criterion and KPI of the specification, once each, with what it asks for.

A criterion is measured here (`figure` names the figure of a run), or proved by a test, or it can only be measured
in production: then `production` says with which metric and alert. Only a measured figure can pass or fail.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """`asks` in the specification's words; met when the figure is `relation` `target` (in `unit`)."""

    where: str
    asks: str
    figure: str = ""
    relation: Literal["<", ">", "<=", ">=", "=="] = "<"
    target: float = 0.0
    unit: str = ""
    proof: str = ""
    production: str = ""

    def met(self, value: float) -> bool:
        """Whether a measured value does what is asked for."""
        match self.relation:
            case "<":
                return value < self.target
            case ">":
                return value > self.target
            case "<=":
                return value <= self.target
            case ">=":
                return value >= self.target
            case "==":
                return value == self.target


_WEEK_1, _WEEK_2, _WEEK_3 = "Week 1: Redis", "Week 2: Next.js", "Week 3: CDN"
_WEEK_4, _WEEK_5, _WEEK_6 = "Week 4: database", "Week 5: API", "Week 6: offline"
_LIGHTHOUSE = "make lighthouse, which each pull request runs, fails above it (median of five)"
_OVERALL, _KPI = "Success criteria", "KPIs"

CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        where=_OVERALL,
        asks="Page load time < 2 s (P95)",
        production="browser:page_load:p95_rate1h, alert PageLoadSlow",
    ),
    Criterion(
        where=_OVERALL,
        asks="Time to Interactive < 1.5 s",
        proof=_LIGHTHOUSE,
        production="browser:tti:p75_rate1h",
    ),
    Criterion(
        where=_OVERALL,
        asks="Cache hit rate > 80 % for repeating requests",
        figure="repeating_hit_ratio",
        relation=">",
        target=0.80,
        unit="ratio",
    ),
    Criterion(
        where=_OVERALL,
        asks="50 % fewer slow queries (> 100 ms)",
        proof="make db-report compares every query before and after; alert DatabaseSlowQueries",
        production="database:slow_statements:share_rate5m, alert DatabaseSlowQueries",
    ),
    Criterion(
        where=_OVERALL,
        asks="> 70 % of static assets served from the edge",
        production='content:cdn_hits:ratio_rate15m{content="static"}, alert CdnHitRatioLow',
    ),
    Criterion(
        where=_OVERALL,
        asks="Seamless offline experience with sync on reconnect",
        proof="tests/browser (browser tests)",
        production="browser:sync:ratio_rate1h, alert OfflineSyncFailures",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Redis healthy: every pair has one master, every node up",
        figure="redis_healthy",
        relation="==",
        target=1.0,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Redis: 100 % uptime for visitors while a master is lost",
        figure="failover_answered",
        relation="==",
        target=1.0,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Session store operational: create, retrieve, expire",
        figure="session_store",
        relation="==",
        target=1.0,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Data cache operational: miss, fetch, store, hit",
        figure="data_cache",
        relation="==",
        target=1.0,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Cache hit ratio > 60 % for repeating requests",
        figure="repeating_hit_ratio",
        relation=">",
        target=0.60,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_1,
        asks="Responses 30 % faster with caches than without",
        figure="faster_with_caches",
        relation=">=",
        target=0.30,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_2,
        asks="Bundle < 200 KB gzipped",
        proof="the storefront's build fails above 165 KB (make bundle-report)",
    ),
    Criterion(
        where=_WEEK_2,
        asks="Images < 50 KB each",
        proof="make image-report fails above it; tests/browser (browser tests)",
    ),
    Criterion(where=_WEEK_2, asks="FCP < 1.5 s", proof=_LIGHTHOUSE, production="browser:fcp:p75_rate1h"),
    Criterion(
        where=_WEEK_2,
        asks="LCP < 2.5 s",
        proof=_LIGHTHOUSE,
        production="browser:lcp:p75_rate1h, alert LargestContentfulPaintSlow",
    ),
    Criterion(where=_WEEK_2, asks="Build time < 60 s", proof="make build-report fails above it"),
    Criterion(
        where=_WEEK_2,
        asks="Cache hit rate > 80 % for static assets",
        production='content:cdn_hits:ratio_rate15m{content="static"}',
    ),
    Criterion(where=_WEEK_3, asks="CDN hit ratio > 70 %", production="cdn:hits:ratio_rate15m, alert CdnHitRatioLow"),
    Criterion(
        where=_WEEK_3,
        asks="CDN hit ratio > 90 % for static assets",
        production='content:cdn_hits:ratio_rate15m{content="static"}',
    ),
    Criterion(
        where=_WEEK_3,
        asks="Origin bandwidth < 50 % of the CDN's",
        production="cdn:origin_bytes:ratio_rate15m, alert CdnOriginBandwidth",
    ),
    Criterion(
        where=_WEEK_3,
        asks="P95 latency from the edge < 200 ms",
        production='cdn_edge_latency_seconds{quantile="0.95"}, alert CdnLatency',
    ),
    Criterion(
        where=_WEEK_3,
        asks="Origin shield: 30 % less load on the origin",
        figure="shield_saved",
        relation=">=",
        target=0.30,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_3, asks="Bandwidth cost -40 %", production="cdn:origin_bytes:ratio_rate15m and the CDN's bill"
    ),
    Criterion(
        where=_WEEK_4,
        asks="Slow queries (> 100 ms) < 5 % of all",
        figure="slow_query_share",
        relation="<",
        target=0.05,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_4, asks="Average query time < 50 ms", figure="mean_query_seconds", target=0.05, unit="seconds"
    ),
    Criterion(
        where=_WEEK_4,
        asks="Database CPU < 50 % at peak",
        figure="database_cpu",
        target=0.50,
        unit="ratio",
        production="rds_cpu_ratio, alert DatabaseCpuHigh",
    ),
    Criterion(
        where=_WEEK_4,
        asks="Connection pool utilisation 40-70 %",
        proof="make pool-report finds the load at which it is so, by pgBouncer's own metrics",
        production="pod:pgbouncer_pool_used:ratio, alert PgbouncerPoolSaturated",
    ),
    Criterion(
        where=_WEEK_4,
        asks="Query cache hit ratio > 60 %",
        figure="query_cache_hit_ratio",
        relation=">",
        target=0.60,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_4,
        asks="Database load -50 % by the query cache",
        figure="query_cache_saved",
        relation=">=",
        target=0.50,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_5,
        asks="Cache hit ratio > 70 % for public endpoints",
        figure="public_hit_ratio",
        relation=">",
        target=0.70,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_5,
        asks="Cached responses 40 % faster",
        figure="faster_with_cache",
        relation=">=",
        target=0.40,
        unit="ratio",
    ),
    Criterion(
        where=_WEEK_5,
        asks="50 % fewer database queries",
        figure="queries_saved",
        relation=">=",
        target=0.50,
        unit="ratio",
    ),
    Criterion(where=_WEEK_5, asks="API P95 < 50 ms", figure="api_p95_seconds", target=0.05, unit="seconds"),
    Criterion(
        where=_WEEK_6,
        asks="Service worker installed: 100 %",
        production="browser:worker_installs:ratio_rate1h, alert ServiceWorkerInstallations",
    ),
    Criterion(where=_WEEK_6, asks="Offline: browse products, manage the cart", proof="tests/browser (browser tests)"),
    Criterion(
        where=_WEEK_6,
        asks="Sync success > 99 %",
        proof="tests/browser (browser tests)",
        production="browser:sync:ratio_rate1h, alert OfflineSyncFailures",
    ),
    Criterion(where=_WEEK_6, asks="Sync latency < 2 s after reconnect", proof="tests/browser (browser tests)"),
    Criterion(where=_WEEK_6, asks="IndexedDB < 50 MB with 1000 products", proof="tests/browser (browser tests)"),
    Criterion(
        where=_KPI,
        asks="Cache hit ratio > 80 %",
        figure="overall_hit_ratio",
        relation=">",
        target=0.80,
        unit="ratio",
    ),
    Criterion(
        where=_KPI, asks="Database queries < 1000/s", figure="queries_per_second", target=1000.0, unit="per second"
    ),
    Criterion(where=_KPI, asks="API response time P95 < 50 ms", figure="api_p95_seconds", target=0.05, unit="seconds"),
    Criterion(
        where=_KPI,
        asks="Redis memory < 80 %",
        figure="redis_memory_share",
        target=0.80,
        unit="ratio",
    ),
    Criterion(where=_KPI, asks="Cache eviction rate < 5 %", figure="eviction_share", target=0.05, unit="ratio"),
    Criterion(
        where=_KPI,
        asks="Database index size tracked",
        figure="indexes_tracked",
        relation=">",
        target=0.0,
        unit="indexes",
    ),
    Criterion(
        where=_KPI,
        asks="User bounce rate -10 %",
        production="browser:bounces:ratio_rate1h against a week before (dashboard storefront)",
    ),
    Criterion(
        where=_KPI,
        asks="Conversion rate +5 %",
        production="browser:conversions:ratio_rate1h against a week before (dashboard storefront)",
    ),
    Criterion(where=_KPI, asks="Mobile LCP < 3 s", proof=_LIGHTHOUSE, production="browser:lcp:p75_rate1h"),
    Criterion(
        where=_KPI,
        asks="Service worker installation > 95 %",
        production="browser:worker_installs:ratio_rate1h, alert ServiceWorkerInstallations",
    ),
)
