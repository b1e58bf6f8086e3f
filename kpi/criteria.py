"""Every success criterion and KPI of the specification, once each, with its target."""

from kpi.criterion import Criterion

_WEEK_1, _WEEK_2, _WEEK_3 = "Week 1: Redis", "Week 2: Next.js", "Week 3: CDN"
_WEEK_4, _WEEK_5, _WEEK_6 = "Week 4: database", "Week 5: API", "Week 6: offline"
_OVERALL, _KPI = "Success criteria", "KPIs"
_LIGHTHOUSE = "make lighthouse, which each pull request runs, fails above it (median of five)"
_BROWSERS = "tests/browser (browser tests)"

CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        "Page load time < 2 s (P95)", where=_OVERALL, production="browser:page_load:p95_rate1h, alert PageLoadSlow"
    ),
    Criterion("Time to Interactive < 1.5 s", where=_OVERALL, proof=_LIGHTHOUSE, production="browser:tti:p75_rate1h"),
    Criterion("Cache hit rate > 80 % for repeating requests", "repeating_hit_ratio", ">", 0.8, "ratio", where=_OVERALL),
    Criterion(
        "50 % fewer slow queries (> 100 ms)",
        where=_OVERALL,
        proof="make db-report compares every query before and after; alert DatabaseSlowQueries",
        production="database:slow_statements:share_rate5m, alert DatabaseSlowQueries",
    ),
    Criterion(
        "> 70 % of static assets served from the edge",
        "edge_static_hit_ratio",
        ">",
        0.7,
        "ratio",
        where=_OVERALL,
        production='content:cdn_hits:ratio_rate15m{content="static"}, alert CdnHitRatioLow',
    ),
    Criterion(
        "Seamless offline experience with sync on reconnect",
        where=_OVERALL,
        proof=_BROWSERS,
        production="browser:sync:ratio_rate1h, alert OfflineSyncFailures",
    ),
    Criterion(
        "Redis healthy: every pair has one master, every node up", "redis_healthy", "==", 1, "ratio", where=_WEEK_1
    ),
    Criterion(
        "Redis: 100 % uptime for visitors while a master is lost", "failover_answered", "==", 1, "ratio", where=_WEEK_1
    ),
    Criterion("Session store operational: create, retrieve, expire", "session_store", "==", 1, "ratio", where=_WEEK_1),
    Criterion("Data cache operational: miss, fetch, store, hit", "data_cache", "==", 1, "ratio", where=_WEEK_1),
    Criterion("Cache hit ratio > 60 % for repeating requests", "repeating_hit_ratio", ">", 0.6, "ratio", where=_WEEK_1),
    Criterion(
        "Responses 30 % faster with caches than without", "faster_with_caches", ">=", 0.3, "ratio", where=_WEEK_1
    ),
    Criterion(
        "Bundle < 200 KB gzipped", where=_WEEK_2, proof="the storefront's build fails above 155 KB (make bundle-report)"
    ),
    Criterion(
        "Images < 50 KB each", where=_WEEK_2, proof="make image-report fails above it; tests/browser (browser tests)"
    ),
    Criterion("FCP < 1.5 s", where=_WEEK_2, proof=_LIGHTHOUSE, production="browser:fcp:p75_rate1h"),
    Criterion(
        "LCP < 2.5 s",
        where=_WEEK_2,
        proof=_LIGHTHOUSE,
        production="browser:lcp:p75_rate1h, alert LargestContentfulPaintSlow",
    ),
    Criterion("Build time < 60 s", where=_WEEK_2, proof="make build-report fails above it"),
    Criterion(
        "Cache hit rate > 80 % for static assets",
        "edge_static_hit_ratio",
        ">",
        0.8,
        "ratio",
        where=_WEEK_2,
        production='content:cdn_hits:ratio_rate15m{content="static"}',
    ),
    Criterion(
        "CDN hit ratio > 70 %",
        "edge_hit_ratio",
        ">",
        0.7,
        "ratio",
        where=_WEEK_3,
        production="cdn:hits:ratio_rate15m, alert CdnHitRatioLow",
    ),
    Criterion(
        "CDN hit ratio > 90 % for static assets",
        "edge_static_hit_ratio",
        ">",
        0.9,
        "ratio",
        where=_WEEK_3,
        production='content:cdn_hits:ratio_rate15m{content="static"}',
    ),
    Criterion(
        "Origin bandwidth < 50 % of the CDN's",
        "edge_origin_bytes",
        "<",
        0.5,
        "ratio",
        where=_WEEK_3,
        production="cdn:origin_bytes:ratio_rate15m, alert CdnOriginBandwidth",
    ),
    Criterion(
        "P95 latency from the edge < 200 ms",
        "edge_p95_seconds",
        "<",
        0.2,
        "seconds",
        where=_WEEK_3,
        production='cdn_edge_latency_seconds{quantile="0.95"}, alert CdnLatency',
    ),
    Criterion("Origin shield: 30 % less load on the origin", "shield_saved", ">=", 0.3, "ratio", where=_WEEK_3),
    Criterion(
        "Bandwidth cost -40 %",
        "edge_saved_bytes",
        ">=",
        0.4,
        "ratio",
        where=_WEEK_3,
        production="cdn:origin_bytes:ratio_rate15m and the CDN's bill",
    ),
    Criterion(
        "A write is fresh at the edge in < 1 s",
        "edge_fresh_seconds",
        "<",
        1,
        "seconds",
        where=_WEEK_3,
        production="api_outbox_oldest_seconds",
    ),
    Criterion("Slow queries (> 100 ms) < 5 % of all", "slow_query_share", "<", 0.05, "ratio", where=_WEEK_4),
    Criterion("Average query time < 50 ms", "mean_query_seconds", "<", 0.05, "seconds", where=_WEEK_4),
    Criterion(
        "Database CPU < 50 % at peak",
        "database_cpu",
        "<",
        0.5,
        "ratio",
        where=_WEEK_4,
        production="rds_cpu_ratio, alert DatabaseCpuHigh",
    ),
    Criterion(
        "Connection pool utilisation 40-70 %",
        where=_WEEK_4,
        proof="make pool-report finds the load at which it is so, by pgBouncer's own metrics",
        production="pod:pgbouncer_pool_used:ratio, alert PgbouncerPoolSaturated",
    ),
    Criterion("Query cache hit ratio > 60 %", "query_cache_hit_ratio", ">", 0.6, "ratio", where=_WEEK_4),
    Criterion("Database load -50 % by the query cache", "query_cache_saved", ">=", 0.5, "ratio", where=_WEEK_4),
    Criterion("Cache hit ratio > 70 % for public endpoints", "public_hit_ratio", ">", 0.7, "ratio", where=_WEEK_5),
    Criterion("Cached responses 40 % faster", "faster_with_cache", ">=", 0.4, "ratio", where=_WEEK_5),
    Criterion("50 % fewer database queries", "queries_saved", ">=", 0.5, "ratio", where=_WEEK_5),
    Criterion("API P95 < 50 ms", "api_p95_seconds", "<", 0.05, "seconds", where=_WEEK_5),
    Criterion(
        "Service worker installed: 100 %",
        where=_WEEK_6,
        production="browser:worker_installs:ratio_rate1h, alert ServiceWorkerInstallations",
    ),
    Criterion("Offline: browse products, manage the cart", where=_WEEK_6, proof=_BROWSERS),
    Criterion(
        "Sync success > 99 %",
        where=_WEEK_6,
        proof=_BROWSERS,
        production="browser:sync:ratio_rate1h, alert OfflineSyncFailures",
    ),
    Criterion("Sync latency < 2 s after reconnect", where=_WEEK_6, proof=_BROWSERS),
    Criterion("IndexedDB < 50 MB with 1000 products", where=_WEEK_6, proof=_BROWSERS),
    Criterion("Cache hit ratio > 80 %", "overall_hit_ratio", ">", 0.8, "ratio", where=_KPI),
    Criterion("Database queries < 1000/s", "queries_per_second", "<", 1000, "per second", where=_KPI),
    Criterion("API response time P95 < 50 ms", "api_p95_seconds", "<", 0.05, "seconds", where=_KPI),
    Criterion("Redis memory < 80 %", "redis_memory_share", "<", 0.8, "ratio", where=_KPI),
    Criterion("Cache eviction rate < 5 %", "eviction_share", "<", 0.05, "ratio", where=_KPI),
    Criterion("Database index size tracked", "indexes_tracked", ">", 0, "indexes", where=_KPI),
    Criterion(
        "User bounce rate -10 %",
        where=_KPI,
        production="browser:bounces:ratio_rate1h against a week before (dashboard storefront)",
    ),
    Criterion(
        "Conversion rate +5 %",
        where=_KPI,
        production="browser:conversions:ratio_rate1h against a week before (dashboard storefront)",
    ),
    Criterion("Mobile LCP < 3 s", where=_KPI, proof=_LIGHTHOUSE, production="browser:lcp:p75_rate1h"),
    Criterion(
        "Service worker installation > 95 %",
        where=_KPI,
        production="browser:worker_installs:ratio_rate1h, alert ServiceWorkerInstallations",
    ),
)
