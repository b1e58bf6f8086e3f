"""The numbers that alerts fire at and that dashboards draw as lines: one place, so that both agree.

Shares are fractions, times seconds. "Asked" is the specification's figure.
"""

SCRAPE_JOBS_DOWN_FOR = "2m"

# Redis. `sessions` must never evict, so it warns early; `data` and `computed` are caches and full by design.
SESSIONS_MEMORY_TICKET = 0.75
REDIS_MEMORY = 0.80  # asked: alert above 80 %
EVICTION_SHARE = 0.10  # asked: below 5 %, alert above 10 %
EVICTION_SHARE_GOAL = 0.05
REPLICA_LAG = 10.0
AOF_TO_MAXMEMORY = 3.0
FAILOVERS_PER_HOUR = 2
SENTINEL_CPU = 0.25  # cores; half of its limit, and fifty times what an idle one takes
SNAPSHOT_AGE = 2 * 3600  # hourly snapshots: one may be missed
BACKUP_AGE = 13 * 3600  # every 6 h: one may be missed, and the next has an hour

# Cluster
VOLUME_FREE_TICKET, VOLUME_FREE_PAGE = 0.25, 0.10
QUOTA_SHARE = 0.9
POD_PENDING = "15m"

# Database
SLOW_STATEMENT = 0.1  # asked: "slow" is over 100 ms
SLOW_STATEMENT_SHARE = 0.05  # asked: below 5 %
STATEMENT_MEAN = 0.05  # asked: average below 50 ms
STATEMENTS_PER_SECOND = 1000  # asked: below 1000 queries/s
CONNECTIONS_SHARE = 0.8
POOL_SHARE_LOW, POOL_SHARE_HIGH = 0.4, 0.7  # asked: healthy between 40 and 70 %
POOL_SHARE_ALERT = 0.9
POOL_WAIT = 1.0
INDEX_GROWTH_PER_DAY = 1.3
DEAD_ROW_SHARE = 0.2
OLDEST_TRANSACTION = 300
DATABASE_CPU = 0.5  # asked: below 50 % at peak
FREE_STORAGE = 0.05  # RDS enlarges the volume by itself below 10 %, up to max_storage
RDS_FIGURES_AGE = 900

# API
API_LATENCY = 0.05  # asked: P95 below 50 ms
AVAILABILITY_OBJECTIVE = 0.999
LATENCY_OBJECTIVE = 0.95  # the specification's P95 as an objective: 95 % below API_LATENCY
HIT_RATIO_GOAL = 0.80  # asked: above 80 %
HIT_RATIO_FLOOR = 0.70  # asked: above 70 % overall
MISS_SPIKE = 0.20  # asked: alert on spikes above 20 %
PURGE_LAG = 60.0
OUTBOX_AGE = 300.0
VISITS = 100_000  # two thirds of what the API lets live
LATE_ROWS = 1_000
MAIL_AGE = 900.0
GATEWAY_ERRORS = 0.05

# Edge
CDN_HIT_RATIO_GOAL = 0.70  # asked: above 70 %
CDN_HIT_RATIO = 0.60  # asked: alert below 60 %
ORIGIN_BANDWIDTH = 0.50  # asked: below 50 % of the total
EDGE_LATENCY = 0.2  # asked: P95 below 200 ms
CERTIFICATE_DAYS_TICKET, CERTIFICATE_DAYS_PAGE = 21, 5

# Browsers
PAGE_LOAD = 2.0  # asked: P95 below 2 s
TIME_TO_INTERACTIVE = 1.5
LARGEST_CONTENTFUL_PAINT = 2.5
FIRST_CONTENTFUL_PAINT = 1.5
SERVICE_WORKER_GOAL = 0.95  # asked: above 95 %
SERVICE_WORKER_INSTALLS = 0.90  # asked: alert below 90 %
SYNC_SUCCESS = 0.99  # asked: above 99 %
# What one client can add to a measurement within an hour, by each pod of the API: what it may at once (app.api.quotas'
# VALUES), and that again. An alert needs so many values that this is no more than the share that it is about.
MOST_OF_ONE_CLIENT = 10
