"""Rules of Cloudflare's edge (by the CDN exporter) and of certificates."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import (
    CDN_HIT_RATIO,
    CERTIFICATE_DAYS_PAGE,
    CERTIFICATE_DAYS_TICKET,
    EDGE_LATENCY,
    MISS_SPIKE,
    ORIGIN_BANDWIDTH,
)

_DAY = 86400
_HITS = 'cdn_requests_total{served="edge"}'
# Redirects and blocked requests aren't counted: neither cache nor origin had to do with them.
_ALL = 'cdn_requests_total{served=~"edge|origin"}'

_RECORDINGS = {
    "cdn:hits:ratio_rate15m": f"(sum(rate({_HITS}[15m])) or vector(0)) / (sum(rate({_ALL}[15m])) > 0)",
    "region:cdn_hits:ratio_rate15m": (
        f"sum by (region) (rate({_HITS}[15m])) / (sum by (region) (rate({_ALL}[15m])) > 0)"
    ),
    "content:cdn_hits:ratio_rate15m": (
        f"sum by (content) (rate({_HITS}[15m])) / (sum by (content) (rate({_ALL}[15m])) > 0)"
    ),
    "region:cdn_misses:ratio_rate15m": (
        'sum by (region) (rate(cdn_requests_total{served="origin"}[15m]))\n'
        f"/ (sum by (region) (rate({_ALL}[15m])) > 0)"
    ),
    "cdn:origin_bytes:ratio_rate15m": (
        'sum(rate(cdn_bytes_total{served="origin"}[15m]))\n'
        '/ (sum(rate(cdn_bytes_total{served=~"edge|origin"}[15m])) > 0)'
    ),
    "region:cdn_errors:ratio_rate15m": (
        '(sum by (region) (rate(cdn_requests_total{status="5xx"}[15m]))\n'
        "   or 0 * sum by (region) (cdn_requests_total))\n"
        "/ (sum by (region) (rate(cdn_requests_total[15m])) > 0)"
    ),
}

_ALERTS = (
    Alert(
        name="CdnHitRatioLow",
        expr=f"cdn:hits:ratio_rate15m < {CDN_HIT_RATIO:g}",
        hold="30m",
        hold_reason="a full purge refills within half an hour",
        severity="ticket",
        summary="The edge answers only {{ $value | humanizePercentage }} of the requests itself",
        description="Target: 70 %. A rule changed, a cookie or query parameter splits keys, or purges are too wide.",
        runbook="edge",
    ),
    Alert(
        name="CdnMissSpike",
        expr=f"region:cdn_misses:ratio_rate15m - (region:cdn_misses:ratio_rate15m offset 1h) > {MISS_SPIKE:g}",
        hold="10m",
        hold_reason="longer than the refill after an ordinary purge",
        severity="ticket",
        summary="Misses in {{ $labels.region }} rose by {{ $value | humanizePercentage }} within an hour",
        description="The origin carries what the edge did an hour ago.",
        runbook="edge",
    ),
    Alert(
        name="CdnOriginBandwidth",
        expr=f"cdn:origin_bytes:ratio_rate15m > {ORIGIN_BANDWIDTH:g}",
        hold="1h",
        hold_reason="a matter of cost",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the bytes come from the origin",
        description="Target: below half.",
        runbook="edge",
    ),
    Alert(
        name="CdnLatency",
        expr=f'cdn_edge_latency_seconds{{quantile="0.95"}} > {EDGE_LATENCY:g}',
        hold="15m",
        hold_reason="one slow group of minutes is noise",
        severity="ticket",
        summary="P95 from the edge in {{ $labels.region }} is {{ $value | humanizeDuration }}",
        description="Target: below 200 ms.",
        runbook="edge",
    ),
    Alert(
        name="CdnMetricsStale",
        expr="time() - cdn_last_success_timestamp_seconds > 900",
        hold="5m",
        hold_reason="Cloudflare's analytics lag a few minutes",
        severity="ticket",
        summary="No analytics from Cloudflare for {{ $value | humanizeDuration }}",
        description="The edge's alerts are blind: token, quota or Cloudflare's API.",
        runbook="edge",
    ),
    Alert(
        name="CertificateExpiry",
        expr=f"certificate_not_after_timestamp_seconds - time() < {CERTIFICATE_DAYS_TICKET * _DAY}\n"
        f"and certificate_not_after_timestamp_seconds - time() >= {CERTIFICATE_DAYS_PAGE * _DAY}",
        hold="1h",
        hold_reason="weeks are left",
        severity="ticket",
        summary="Certificate {{ $labels.name }} expires in {{ $value | humanizeDuration }}",
        description="Renew it (docs/runbooks/edge.md).",
        runbook="edge",
    ),
    Alert(
        name="CertificateExpiresSoon",
        expr=f"certificate_not_after_timestamp_seconds - time() < {CERTIFICATE_DAYS_PAGE * _DAY}",
        hold="5m",
        hold_reason="days are left; the ticket was missed",
        severity="page",
        summary="Certificate {{ $labels.name }} expires in {{ $value | humanizeDuration }}",
        description="Then Cloudflare refuses the origin and the shop is down.",
        runbook="edge",
    ),
)

EDGE = Group(name="edge", owner="devops", recordings=_RECORDINGS, alerts=_ALERTS)
