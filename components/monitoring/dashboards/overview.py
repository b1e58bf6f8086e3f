"""Is the shop fast and safe now? One screen."""

from components.monitoring.dashboards.board import Board, Limits, Panel
from components.monitoring.thresholds import (
    API_LATENCY,
    AVAILABILITY_OBJECTIVE,
    GATEWAY_ERRORS,
    HIT_RATIO_FLOOR,
    HIT_RATIO_GOAL,
    OUTBOX_AGE,
    PURGE_LAG,
    STATEMENTS_PER_SECOND,
)

_ERROR_BUDGET = round(1 - AVAILABILITY_OBJECTIVE, 6)


def _stat(title: str, description: str, unit: str, expr: str, **more: object) -> Panel:
    values: dict[str, object] = {
        "title": title,
        "description": description,
        "unit": unit,
        "queries": {title: expr},
        "kind": "stat",
        "width": 4,
        "height": 4,
    }
    return Panel(**{**values, **more})  # pyright: ignore[reportArgumentType] - keywords of Panel


OVERVIEW = Board(
    name="overview",
    title="SIMONE: is the shop fast and safe now?",
    description="First look: what visitors get, what protects it, and what is wrong.",
    sections={
        "Fast": (
            _stat(
                "API P95",
                "95 % of the API's answers came within this time over the last five minutes.",
                "s",
                "api:request_latency:p95_rate5m",
                limits=Limits(alert=API_LATENCY),
            ),
            _stat(
                "Answers without the database",
                "Share of requests that gateway, memory or Redis answered.",
                "percentunit",
                "shop:cache_hits:ratio_rate5m",
                limits=Limits(alert=HIT_RATIO_FLOOR, warn=HIT_RATIO_GOAL, below=True),
            ),
            _stat("Requests", "Answers of the gateway a second.", "reqps", "sum(rate(gateway_requests_total[5m]))"),
            _stat(
                "Statements",
                "Statements that Postgres executes a second.",
                "ops",
                "database:statements:rate5m",
                limits=Limits(alert=STATEMENTS_PER_SECOND),
            ),
            _stat(
                "Server errors",
                "Share of the gateway's answers that are 5xx.",
                "percentunit",
                '(sum(rate(gateway_requests_total{status=~"5.."}[5m])) or vector(0))\n'
                "/ sum(rate(gateway_requests_total[5m]))",
                limits=Limits(alert=GATEWAY_ERRORS, warn=_ERROR_BUDGET),
                alerts=("GatewayErrors", "GatewayDown"),
            ),
            _stat(
                "Error budget used in 3 days",
                f"100 % is what the objective ({AVAILABILITY_OBJECTIVE:.1%}) allows for these days.",
                "percentunit",
                f"api:errors:ratio_rate3d / {_ERROR_BUDGET:g}",
                limits=Limits(alert=1),
            ),
        ),
        "Safe": (
            _stat(
                "Alerts firing",
                "All but the dead man's switch.",
                "none",
                'count(ALERTS{alertstate="firing", alertname!="DeadMansSwitch"}) or vector(0)',
                limits=Limits(alert=1),
            ),
            _stat(
                "Pairs with one master",
                "Of three Redis pairs.",
                "none",
                "count(pair:redis_masters:count == 1) or vector(0)",
                limits=Limits(alert=3, below=True),
            ),
            _stat(
                "Targets up",
                "Share of the pods with metrics that can be scraped.",
                "percentunit",
                "avg(up)",
                limits=Limits(alert=1, below=True),
                alerts=("TargetDown",),
            ),
            _stat("Postgres", "1: it answers.", "none", "min(pg_up)", limits=Limits(alert=1, below=True)),
            _stat(
                "Oldest purge waiting",
                "Age of the oldest change that some layer hasn't heard of.",
                "s",
                "max(api_outbox_oldest_seconds)",
                limits=Limits(alert=OUTBOX_AGE, warn=PURGE_LAG),
            ),
            _stat(
                "Alertmanagers",
                "Found by Prometheus.",
                "none",
                "prometheus_notifications_alertmanagers_discovered",
                limits=Limits(alert=1, below=True),
                alerts=("AlertmanagerUnreachable", "AlertmanagerNotificationsFailing"),
            ),
        ),
        "Over time": (
            Panel(
                title="Latency of the API",
                description="Percentiles of all responses, hits and misses together.",
                unit="s",
                queries={
                    "P50": "api:request_latency:p50_rate5m",
                    "P95": "api:request_latency:p95_rate5m",
                    "P99": "api:request_latency:p99_rate5m",
                },
                limits=Limits(alert=API_LATENCY),
                width=8,
            ),
            Panel(
                title="Hits by layer",
                description="Responses a second, by the layer that answered.",
                unit="reqps",
                queries={"{{layer}}": "layer:cache_hits:rate5m", "database": "sum(rate(api_cache_misses_total[5m]))"},
                width=8,
            ),
            Panel(
                title="Monitoring itself",
                description="Series in memory and the time that evaluating all rules takes.",
                unit="short",
                queries={
                    "series": "prometheus_tsdb_head_series",
                    "rules, ms a round": "sum(prometheus_rule_group_last_duration_seconds) * 1000",
                },
                alerts=("DeadMansSwitch", "PrometheusRuleFailures", "PrometheusStorageFull"),
                width=8,
            ),
        ),
    },
)
