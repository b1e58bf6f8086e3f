"""Cloudflare's edge, and the gateway that shields the origin."""

from components.monitoring.dashboards.board import Board, Limits, Panel
from components.monitoring.thresholds import (
    CDN_HIT_RATIO,
    CDN_HIT_RATIO_GOAL,
    CERTIFICATE_DAYS_PAGE,
    CERTIFICATE_DAYS_TICKET,
    EDGE_LATENCY,
    ORIGIN_BANDWIDTH,
)

EDGE = Board(
    name="edge",
    title="SIMONE: edge and gateway",
    description="What Cloudflare and the gateway answer themselves, and what reaches the origin.",
    sections={
        "Gateway": (
            Panel(
                title="Requests by what the shield did",
                description="Responses that are hit, miss, stale, updating, revalidated, bypass or private.",
                unit="reqps",
                queries={"{{cache}}": "sum by (cache) (rate(gateway_requests_total[5m]))"},
                width=8,
            ),
            Panel(
                title="P95 by what the shield did",
                description="Time to serve a request.",
                unit="s",
                queries={
                    "{{cache}}": "histogram_quantile(0.95,\n"
                    "  sum by (le, cache) (rate(gateway_request_duration_seconds_bucket[5m])))"
                },
                width=8,
            ),
            Panel(
                title="Bytes to visitors and from the origin",
                description="The difference is what the shield saves.",
                unit="Bps",
                queries={
                    "to visitors": "sum(rate(gateway_response_bytes_total[5m]))",
                    "from the origin": "sum(rate(gateway_origin_bytes_total[5m]))",
                },
                width=8,
            ),
        ),
        "Cloudflare": (
            Panel(
                title="Hit ratio by region",
                description="Share of the requests that the edge answered itself.",
                unit="percentunit",
                queries={"{{region}}": "region:cdn_hits:ratio_rate15m", "all": "cdn:hits:ratio_rate15m"},
                limits=Limits(alert=CDN_HIT_RATIO, warn=CDN_HIT_RATIO_GOAL, below=True),
                alerts=("CdnHitRatioLow", "CdnMissSpike", "CdnMetricsStale"),
                maximum=1,
                width=8,
            ),
            Panel(
                title="Hit ratio by content",
                description="Static files should be above 90 %.",
                unit="percentunit",
                queries={"{{content}}": "content:cdn_hits:ratio_rate15m"},
                maximum=1,
                width=8,
            ),
            Panel(
                title="Requests by region",
                description="Requests a second that the edge answered, from its cache or not.",
                unit="reqps",
                queries={
                    "{{region}}": "sum by (region) (rate(cdn_requests_total[15m]))",
                    "{{region}} from the origin": 'sum by (region) (rate(cdn_requests_total{served="origin"}[15m]))',
                },
                width=8,
            ),
            Panel(
                title="Bytes by region",
                description="Bytes a second that the edge sent to visitors.",
                unit="Bps",
                queries={"{{region}}": "sum by (region) (rate(cdn_bytes_total[15m]))"},
                width=8,
            ),
            Panel(
                title="Server errors by region",
                description="Share of the responses that are 5xx, the origin's and the edge's own.",
                unit="percentunit",
                queries={"{{region}}": "region:cdn_errors:ratio_rate15m"},
                width=8,
            ),
            Panel(
                title="Bytes from the origin",
                description="Share of all bytes that the edge sent.",
                unit="percentunit",
                queries={"origin": "cdn:origin_bytes:ratio_rate15m"},
                limits=Limits(alert=ORIGIN_BANDWIDTH),
                alerts=("CdnOriginBandwidth",),
                width=8,
            ),
            Panel(
                title="Time to first byte at the edge",
                description="P95 by region.",
                unit="s",
                queries={"{{region}}": 'cdn_edge_latency_seconds{quantile="0.95"}'},
                limits=Limits(alert=EDGE_LATENCY),
                alerts=("CdnLatency",),
            ),
            Panel(
                title="Days until certificates end",
                description="Days left of the certificates that the exporter can read.",
                unit="d",
                queries={"{{name}}": "(certificate_not_after_timestamp_seconds - time()) / 86400"},
                limits=Limits(alert=CERTIFICATE_DAYS_PAGE, warn=CERTIFICATE_DAYS_TICKET, below=True),
                alerts=("CertificateExpiry", "CertificateExpiresSoon"),
            ),
        ),
    },
)
