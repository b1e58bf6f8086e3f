"""Cloudflare's traffic by region, and when certificates expire, as Prometheus metrics.

Cloudflare counts by the minute and some minutes late: each turn adds the minutes completed since the last one to our
own counters. After a turn that fails the next one catches up.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from app.operations.certificates import expiry_of_files, not_after
from app.operations.cloudflare_analytics import LIMIT, AnalyticsError, ZoneAnalytics
from app.operations.polling import poll
from app.operations.report import report
from app.operations.settings import CdnExporterSettings, OperationError, secret

MOST_MADE_UP = timedelta(hours=1)
"""After a longer failure the oldest part is dropped: added at once it would look like a burst."""

# https://developers.cloudflare.com/cache/concepts/cache-responses/
EDGE: Final = frozenset({"hit", "stale", "updating", "revalidated", "ignored"})
ORIGIN: Final = frozenset({"miss", "expired", "dynamic", "bypass", "deferred"})
STATIC: Final = frozenset(
    {"css", "js", "png", "jpeg", "jpg", "gif", "webp", "avif", "svg", "ico", "woff", "woff2", "ttf", "otf", "mp4"}
)


def served_by(cache_status: str) -> str:
    """Who served a request: `edge`, `origin`, or `none` for redirects and blocked requests."""
    if cache_status in EDGE:
        return "edge"
    return "origin" if cache_status in ORIGIN else "none"


def content_of(kind: str) -> str:
    """Maps Cloudflare's short name of a content type to `static`, `html`, `api` (JSON) or `other`."""
    if kind in STATIC:
        return "static"
    return {"html": "html", "json": "api"}.get(kind, "other")


class CdnMetrics:
    """Counters of the analytics' traffic, and gauges of the latest percentiles and certificates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["region", "served", "content", "status"]
        self._requests = Counter("cdn_requests_total", "Requests that the edge answered", labels, registry=registry)
        self._bytes = Counter("cdn_bytes_total", "Bytes that the edge sent to visitors", labels, registry=registry)
        self._latency = Gauge(
            "cdn_edge_latency_seconds", "Time to first byte at the edge", ["region", "quantile"], registry=registry
        )
        self._success = Gauge(
            "cdn_last_success_timestamp_seconds", "When Cloudflare last gave figures", registry=registry
        )
        self._certificates = Gauge(
            "certificate_not_after_timestamp_seconds", "When a certificate ends", ["name"], registry=registry
        )

    def read_traffic(self, analytics: ZoneAnalytics, since: datetime, until: datetime) -> None:
        """Add the requests of `[since, until)`. Raises `AnalyticsError`; then nothing is added."""
        groups = analytics.traffic(since, until)
        if len(groups) == LIMIT:
            report("more kinds of requests than a query returns; the rarest aren't counted", limit=LIMIT)
        for group in groups:
            served, content = served_by(group.cache_status), content_of(group.content)
            labels = (group.region, served, content, f"{group.status // 100}xx")
            self._requests.labels(*labels).inc(group.requests)
            self._bytes.labels(*labels).inc(group.bytes)
        self._success.set_to_current_time()

    def read_latency(self, analytics: ZoneAnalytics, since: datetime, until: datetime) -> None:
        """Replace the percentiles by those of `[since, until)`. Raises `AnalyticsError`."""
        found = analytics.latency(since, until)
        self._latency.clear()
        for region, quantiles in found.items():
            for quantile, seconds in quantiles.items():
                self._latency.labels(region, quantile).set(seconds)

    def read_certificate(self, name: str, host: str, port: int, hostname: str) -> None:
        """Read when the certificate `name` expires. Raises `OperationError`; then the last value stays."""
        self._certificates.labels(name).set(not_after(host, port, hostname))

    def read_files(self, directory: Path) -> None:
        """Read when the certificates in files expire. Raises `OperationError`; then the last values stay."""
        for name, end in expiry_of_files(directory).items():
            self._certificates.labels(name).set(end)


class Turns:
    """Reads everything at each turn; knows until when traffic has been counted."""

    def __init__(
        self, settings: CdnExporterSettings, metrics: CdnMetrics, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._settings, self._metrics = settings, metrics
        self._clock = clock or (lambda: datetime.now(UTC))
        self._counted: datetime | None = None
        self._has_percentiles = True

    def turn(self) -> None:
        """Read traffic, percentiles and certificates, each independently. Raises one `OperationError` for all that
        failed.
        """
        failed: list[str] = []
        for read in (self.read_analytics, self._origin_certificate, self._edge_certificate, self._files):
            try:
                read()
            except OperationError as error:
                failed.append(str(error))
        if failed:
            raise OperationError("; ".join(failed))

    def read_analytics(self) -> None:
        """Read the traffic since the last turn, and the latest percentiles. Raises `AnalyticsError`."""
        settings = self._settings
        token = secret(settings.analytics_token_file)
        analytics = ZoneAnalytics(
            settings.cloudflare_zone_id, settings.cloudflare_hostname, token, settings.cloudflare_api_url
        )
        complete = self._clock() - timedelta(seconds=settings.analytics_delay_seconds)
        until = complete.replace(second=0, microsecond=0)
        since = max(self._counted or until - timedelta(minutes=1), until - MOST_MADE_UP)
        if since >= until:
            return
        self._metrics.read_traffic(analytics, since, until)
        self._counted = until
        self._percentiles(analytics, until)

    def _percentiles(self, analytics: ZoneAnalytics, until: datetime) -> None:
        if not self._has_percentiles:
            return
        try:
            # A minute of a small region has too few requests for a percentile.
            self._metrics.read_latency(analytics, until - timedelta(minutes=15), until)
        except AnalyticsError as error:
            if error.code != "authz":
                raise
            self._has_percentiles = False
            report("the zone's plan has no percentiles: cdn_edge_latency_seconds stays away", reason=str(error))

    def _origin_certificate(self) -> None:
        settings = self._settings
        if settings.origin_host:
            self._metrics.read_certificate(
                "origin", settings.origin_host, settings.origin_port, settings.cloudflare_hostname
            )

    def _files(self) -> None:
        if self._settings.certificates_directory is not None:
            self._metrics.read_files(self._settings.certificates_directory)

    def _edge_certificate(self) -> None:
        hostname = self._settings.cloudflare_hostname
        if self._settings.edge_has_tls:
            self._metrics.read_certificate("edge", hostname, 443, hostname)


def serve(settings: CdnExporterSettings) -> None:
    """Serves the metrics until the process is stopped."""
    registry = CollectorRegistry()
    turns = Turns(settings, CdnMetrics(registry))
    start_http_server(settings.metrics_port, addr=settings.pod_ip, registry=registry)
    poll("the edge", turns.turn, settings.interval_seconds)
