"""Rules of the API, its cache, the purges that follow writes, and the gateway in front.

Objectives: 99.9 % of the answers aren't server errors; 95 % come within 50 ms (the specification's P95). Burn rates
as in the SRE workbook: 14.4 and 6 times the sustainable rate page, 1 time is a ticket.
"""

from collections.abc import Iterator

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import (
    API_LATENCY,
    AVAILABILITY_OBJECTIVE,
    GATEWAY_ERRORS,
    HIT_RATIO_FLOOR,
    LATE_ROWS,
    LATENCY_OBJECTIVE,
    MAIL_AGE,
    MISS_SPIKE,
    OUTBOX_AGE,
    PURGE_LAG,
    VISITS,
)

GATEWAY_HITS = 'gateway_requests_total{route=~"api-.*", cache=~"hit|stale|updating|revalidated"}'
WINDOWS = ("5m", "30m", "1h", "6h", "3d")


_HITS_BY_LAYER = {
    "gateway": f"sum(rate({GATEWAY_HITS}[5m]))",
    "memory": "sum(rate(api_cache_memory_hits_total[5m]))",
    "redis": "(sum(rate(api_cache_hits_total[5m])) - sum(rate(api_cache_memory_hits_total[5m])))",
}
"""By the layer nearest to the visitor that answered."""


def _objectives(window: str) -> dict[str, str]:
    total = f"(sum(rate(api_request_duration_seconds_count[{window}])) > 0)"
    errors = f'(sum(rate(api_requests_total{{status=~"5.*"}}[{window}])) or vector(0))'
    quick = f'sum(rate(api_request_duration_seconds_bucket{{le="{API_LATENCY:g}"}}[{window}]))'
    return {
        f"api:errors:ratio_rate{window}": f"{errors} / {total}",
        f"api:slow:ratio_rate{window}": f"1 - {quick} / {total}",
    }


_RECORDINGS = {
    "endpoint:api_cache_hits:ratio_rate5m": (
        "sum by (endpoint) (rate(api_cache_hits_total[5m]))\n"
        "/ (sum by (endpoint) (rate(api_cache_hits_total[5m]) + rate(api_cache_misses_total[5m])) > 0)"
    ),
    "api:cache_hits:ratio_rate5m": (
        "sum(rate(api_cache_hits_total[5m]))\n"
        "/ (sum(rate(api_cache_hits_total[5m])) + sum(rate(api_cache_misses_total[5m])) > 0)"
    ),
    # Of everything asked of the API, through the gateway or directly, the share that no query was made for.
    "shop:cache_hits:ratio_rate5m": (
        f"((sum(rate({GATEWAY_HITS}[5m])) or vector(0)) + sum(rate(api_cache_hits_total[5m])))\n"
        f"/ ((sum(rate({GATEWAY_HITS}[5m])) or vector(0)) + sum(rate(api_cache_hits_total[5m]))\n"
        "   + sum(rate(api_cache_misses_total[5m])) > 0)"
    ),
    "shop:cache_misses:ratio_rate5m": "1 - shop:cache_hits:ratio_rate5m",
    "layer:cache_hits:rate5m": "\nor ".join(
        f'label_replace({rate}, "layer", "{layer}", "", "")' for layer, rate in _HITS_BY_LAYER.items()
    ),
    # Of all answers to public reads, that layer's share; together they are shop:cache_hits:ratio_rate5m.
    "layer:cache_hits:ratio_rate5m": (
        "layer:cache_hits:rate5m\n"
        "/ on () group_left () (sum(layer:cache_hits:rate5m) + sum(rate(api_cache_misses_total[5m])) > 0)"
    ),
    "api:requests:rate5m": "sum(rate(api_request_duration_seconds_count[5m]))",
    **{
        f"api:request_latency:p{quantile}_rate5m": (
            f"histogram_quantile({quantile / 100:g}, sum by (le) (rate(api_request_duration_seconds_bucket[5m])))"
        )
        for quantile in (50, 95, 99)
    },
    "cache:api_request_latency:p95_rate5m": (
        "histogram_quantile(0.95, sum by (le, cache) (rate(api_request_duration_seconds_bucket[5m])))"
    ),
    **{name: expr for window in WINDOWS for name, expr in _objectives(window).items()},
}


def _burn_alerts(name: str, series: str, objective: float, what: str) -> Iterator[Alert]:
    budget = round(1 - objective, 6)
    for suffix, factor, long, short, hold, severity in (
        ("Fast", 14.4, "1h", "5m", "2m", "page"),
        ("Medium", 6.0, "6h", "30m", "5m", "page"),
        ("Slow", 1.0, "3d", "6h", "1h", "ticket"),
    ):
        limit = round(factor * budget, 6)
        yield Alert(
            name=f"{name}{suffix}",
            expr=f"{series}{long} > {limit:g}\nand {series}{short} > {limit:g}",
            hold=hold,
            hold_reason="excludes one evaluation; the two windows exclude peaks",
            severity="page" if severity == "page" else "ticket",
            summary=f"{{{{ $value | humanizePercentage }}}} of the API's responses over {long} {what}",
            description=f"{factor:g} times the month's error budget ({budget:.1%}), over {long} and still {short}.",
            runbook="api",
        )


_ALERTS = (
    Alert(
        name="ApiDown",
        expr='absent(up{job="api", system="api"} == 1)',
        hold="1m",
        hold_reason="a roll-out keeps one pod",
        severity="page",
        summary="No API pod answers",
        description="Only gateway and edge serve, from their caches.",
        runbook="api",
    ),
    *_burn_alerts("ApiAvailabilityBurn", "api:errors:ratio_rate", AVAILABILITY_OBJECTIVE, "are server errors"),
    *_burn_alerts("ApiLatencyBurn", "api:slow:ratio_rate", LATENCY_OBJECTIVE, "took over 50 ms"),
    Alert(
        name="ApiLatencyP95",
        expr=f"api:request_latency:p95_rate5m > {API_LATENCY:g}",
        hold="15m",
        hold_reason="a cold cache after a deploy is warm by then",
        severity="ticket",
        summary="The API's P95 is {{ $value | humanizeDuration }}",
        description="Target: below 50 ms.",
        runbook="api",
    ),
    Alert(
        name="CacheHitRatioLow",
        expr=f"shop:cache_hits:ratio_rate5m < {HIT_RATIO_FLOOR:g}",
        hold="15m",
        hold_reason="a full purge refills within minutes",
        severity="ticket",
        summary="Caches answer only {{ $value | humanizePercentage }} of the requests",
        description="Target: 80 %, minimum 70 %. The database carries the rest.",
        runbook="api",
    ),
    Alert(
        name="CacheMissSpike",
        expr=f"shop:cache_misses:ratio_rate5m - (shop:cache_misses:ratio_rate5m offset 1h) > {MISS_SPIKE:g}",
        hold="5m",
        hold_reason="longer than the refill after an ordinary purge",
        severity="ticket",
        summary="Cache misses rose by {{ $value | humanizePercentage }} within an hour",
        description="A deploy changed keys, a purge is too wide, Redis was lost, or somebody crawls the catalogue.",
        runbook="api",
    ),
    Alert(
        name="PurgeLag",
        expr="histogram_quantile(0.95, sum by (le, layer) (rate(api_purge_duration_seconds_bucket[5m])))\n"
        f"> {PURGE_LAG:g}",
        hold="5m",
        hold_reason="one retry with back-off is normal",
        severity="ticket",
        summary="Purges reach {{ $labels.layer }} after {{ $value | humanizeDuration }}",
        description="Visitors see old prices or stock for that long.",
        runbook="api",
    ),
    Alert(
        name="OutboxStuck",
        expr=f"max(api_outbox_oldest_seconds) > {OUTBOX_AGE:g}",
        hold="2m",
        hold_reason="the expression allows five minutes",
        severity="page",
        summary="A purge has waited for {{ $value | humanizeDuration }}",
        description="The worker is down or a layer refuses purges: visitors see outdated data.",
        runbook="api",
    ),
    Alert(
        name="VisitsFlood",
        expr=f"max(api_visits) > {VISITS:g}",
        hold="5m",
        hold_reason="a campaign's first rush passes",
        severity="ticket",
        summary="{{ $value | humanize }} visitors who haven't signed in have a session",
        description="Somebody creates carts to fill the stores, or the shop has outgrown the limit.",
        runbook="api",
    ),
    Alert(
        name="ExpiredRowsStay",
        expr=f"max(api_late_rows) > {LATE_ROWS:g}",
        hold="30m",
        hold_reason="the worker deletes them every ten minutes and catches up after an outage",
        severity="ticket",
        summary="{{ $value | humanize }} expired sessions and keys are not deleted",
        description="The worker is too slow or can't delete them: the tables and their backups grow.",
        runbook="api",
    ),
    Alert(
        name="MailsStuck",
        expr=f"max(api_mail_oldest_seconds) > {MAIL_AGE:g}",
        hold="2m",
        hold_reason="the expression allows 15 minutes",
        severity="ticket",
        summary="A mail has waited for {{ $value | humanizeDuration }}",
        description="The mail server accepts none: nobody can finish signing up or reset a password.",
        runbook="api",
    ),
    Alert(
        name="GatewayDown",
        expr='absent(up{job="gateway"} == 1)',
        hold="1m",
        hold_reason="a roll-out keeps one pod",
        severity="page",
        summary="No gateway pod answers",
        description="Only what the edge holds is served.",
        runbook="api",
    ),
    Alert(
        name="GatewayErrors",
        expr='sum(rate(gateway_requests_total{status=~"5.."}[5m]))\n'
        f"/ (sum(rate(gateway_requests_total[5m])) > 0) > {GATEWAY_ERRORS:g}",
        hold="5m",
        hold_reason="longer than a database failover",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the gateway's responses are server errors",
        description="Visitors see errors, whatever the API's metrics say.",
        runbook="api",
    ),
)

API = Group(name="api", owner="backend", recordings=_RECORDINGS, alerts=_ALERTS)
