"""The API's cache: what it answers, how fast, and what it saves."""

from components.monitoring.dashboards.board import Board, Limits, Panel, Variable
from components.monitoring.thresholds import (
    API_LATENCY,
    AVAILABILITY_OBJECTIVE,
    HIT_RATIO_FLOOR,
    HIT_RATIO_GOAL,
    LATE_ROWS,
    LATENCY_OBJECTIVE,
    MAIL_AGE,
    OUTBOX_AGE,
    PURGE_LAG,
    VISITS,
)

_ENDPOINT = 'endpoint=~"$endpoint"'
_AVAILABILITY_BUDGET = round(1 - AVAILABILITY_OBJECTIVE, 6)
_LATENCY_BUDGET = round(1 - LATENCY_OBJECTIVE, 6)
_WINDOWS = ("5m", "1h", "6h", "3d")
_MEAN = (
    'sum by (endpoint) (rate(api_request_duration_seconds_sum{{cache="{cache}", {endpoint}}}[5m]))\n'
    '/ (sum by (endpoint) (rate(api_request_duration_seconds_count{{cache="{cache}", {endpoint}}}[5m])) > 0)'
)

API = Board(
    name="api",
    title="SIMONE: API cache",
    description="Hit ratios by layer and endpoint, response times cached and uncached, purges.",
    variables=(Variable(name="endpoint", label="Endpoint", query="label_values(api_cache_hits_total, endpoint)"),),
    sections={
        "Hits": (
            Panel(
                title="Answers without the database",
                description="Gateway, memory and Redis together. Goal 80 %, floor 70 %.",
                unit="percentunit",
                queries={
                    "all layers": "shop:cache_hits:ratio_rate5m",
                    "API alone": "api:cache_hits:ratio_rate5m",
                    "{{layer}}": "layer:cache_hits:ratio_rate5m",
                },
                limits=Limits(alert=HIT_RATIO_FLOOR, warn=HIT_RATIO_GOAL, below=True),
                alerts=("CacheHitRatioLow", "CacheMissSpike"),
                maximum=1,
            ),
            Panel(
                title="Hit ratio by endpoint",
                description="Hit ratio of the API's own cache, behind the gateway.",
                unit="percentunit",
                queries={"{{endpoint}}": f"endpoint:api_cache_hits:ratio_rate5m{{{_ENDPOINT}}}"},
                maximum=1,
            ),
            Panel(
                title="Top endpoints by cache benefit",
                description="Seconds of work saved a second: hits, times what a miss costs more than a hit.",
                unit="s",
                queries={
                    "{{endpoint}}": f"topk(10, sum by (endpoint) (rate(api_cache_hits_total{{{_ENDPOINT}}}[5m]))\n"
                    "* on (endpoint) (\n"
                    + _MEAN.format(cache="uncached", endpoint=_ENDPOINT)
                    + "\n- on (endpoint)\n"
                    + _MEAN.format(cache="cached", endpoint=_ENDPOINT)
                    + "))"
                },
                kind="table",
            ),
            Panel(
                title="Kinds of responses",
                description="Responses besides hits and misses: stale, waited for another's miss, 304.",
                unit="reqps",
                queries={
                    "hit": f"sum(rate(api_cache_hits_total{{{_ENDPOINT}}}[5m]))",
                    "miss": f"sum(rate(api_cache_misses_total{{{_ENDPOINT}}}[5m]))",
                    "stale": f"sum(rate(api_cache_stale_total{{{_ENDPOINT}}}[5m]))",
                    "coalesced": f"sum(rate(api_cache_coalesced_total{{{_ENDPOINT}}}[5m]))",
                    "304": f"sum(rate(api_not_modified_total{{{_ENDPOINT}}}[5m]))",
                },
            ),
        ),
        "Time": (
            Panel(
                title="P95, cached and uncached",
                description="Response times with and without the cache.",
                unit="s",
                queries={"{{cache}}": "cache:api_request_latency:p95_rate5m"},
                limits=Limits(alert=API_LATENCY),
                alerts=("ApiLatencyP95", "ApiDown"),
                width=8,
            ),
            Panel(
                title="Burn rate of availability",
                description="How many times faster than allowed the month's error budget (0.1 %) is used.",
                unit="none",
                queries={window: f"api:errors:ratio_rate{window} / {_AVAILABILITY_BUDGET:g}" for window in _WINDOWS},
                limits=Limits(alert=14.4, warn=6),
                alerts=("ApiAvailabilityBurnFast", "ApiAvailabilityBurnMedium", "ApiAvailabilityBurnSlow"),
                width=8,
            ),
            Panel(
                title="Burn rate of latency",
                description="How many times faster than allowed (5 % over 50 ms) the budget is used.",
                unit="none",
                queries={window: f"api:slow:ratio_rate{window} / {_LATENCY_BUDGET:g}" for window in _WINDOWS},
                limits=Limits(alert=14.4, warn=6),
                alerts=("ApiLatencyBurnFast", "ApiLatencyBurnMedium", "ApiLatencyBurnSlow"),
                width=8,
            ),
        ),
        "Purges": (
            Panel(
                title="Time until a layer has purged",
                description="P95 of the time from a write's commit to the purge.",
                unit="s",
                queries={
                    "{{layer}}": "histogram_quantile(0.95,\n"
                    "  sum by (le, layer) (rate(api_purge_duration_seconds_bucket[5m])))"
                },
                limits=Limits(alert=PURGE_LAG),
                alerts=("PurgeLag",),
                width=8,
            ),
            Panel(
                title="Purges",
                description="Purges by layer and result.",
                unit="ops",
                queries={"{{layer}} {{result}}": "sum by (layer, result) (rate(api_purges_total[5m]))"},
                width=8,
            ),
            Panel(
                title="Oldest purge waiting",
                description="Age of the oldest outbox row that a layer hasn't confirmed.",
                unit="s",
                queries={"age": "max(api_outbox_oldest_seconds)"},
                limits=Limits(alert=OUTBOX_AGE),
                alerts=("OutboxStuck",),
                width=8,
            ),
            Panel(
                title="Oldest mail waiting",
                description="Age of the oldest mail about an account that the mail server hasn't taken.",
                unit="s",
                queries={"age": "max(api_mail_oldest_seconds)"},
                limits=Limits(alert=MAIL_AGE),
                alerts=("MailsStuck",),
                width=8,
            ),
        ),
        "What visitors leave behind": (
            Panel(
                title="Visits",
                description="Sessions of visitors who haven't signed in, and Idempotency-Keys.",
                unit="short",
                queries={"visits": "max(api_visits)", "keys": "max(api_idempotency_keys)"},
                limits=Limits(alert=VISITS),
                alerts=("VisitsFlood",),
                width=8,
            ),
            Panel(
                title="Visits refused",
                description="Refusals: too many of one address, or of all together.",
                unit="ops",
                queries={"{{limit}}": "sum by (limit) (rate(api_visits_refused_total[5m]))"},
                width=8,
            ),
            Panel(
                title="Expired rows",
                description="Sessions and keys that expired an hour ago and that the worker hasn't deleted.",
                unit="short",
                queries={"rows": "max(api_late_rows)"},
                limits=Limits(alert=LATE_ROWS),
                alerts=("ExpiredRowsStay",),
                width=8,
            ),
        ),
    },
)
