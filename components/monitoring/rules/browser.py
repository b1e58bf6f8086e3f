"""Rules of what visitors' browsers report (real-user measurements, posted to the API)."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import (
    LARGEST_CONTENTFUL_PAINT,
    MOST_OF_ONE_CLIENT,
    PAGE_LOAD,
    SERVICE_WORKER_INSTALLS,
    SYNC_SUCCESS,
)

TIMINGS = {"page_load": 95, "tti": 75, "lcp": 75, "fcp": 75, "inp": 75, "ttfb": 75}
"""Measurement and the percentile that counts: the specification's P95 for page loads, Core Web Vitals' P75 else."""


_RECORDINGS = {
    **{
        f"browser:{name}:p{quantile}_rate1h": (
            f"histogram_quantile({quantile / 100:g}, sum by (le) (rate(browser_{name}_seconds_bucket[1h])))"
        )
        for name, quantile in TIMINGS.items()
    },
    "browser:worker_installs:ratio_rate1h": (
        '(sum(rate(browser_worker_installs_total{result="installed"}[1h])) or vector(0))\n'
        "/ (sum(rate(browser_worker_installs_total[1h])) > 0)"
    ),
    # Visits that ended with their first page. Second pages are reported later than first ones, so it may dip below 0.
    "browser:bounces:ratio_rate1h": (
        'clamp_min(1 - (sum(rate(browser_visits_total{page="second"}[1h])) or vector(0))\n'
        '/ (sum(rate(browser_visits_total{page="first"}[1h])) > 0), 0)'
    ),
    "browser:conversions:ratio_rate1h": (
        '(sum(rate(api_requests_total{endpoint="/api/checkout", method="POST", status="2xx"}[1h])) or vector(0))\n'
        '/ (sum(rate(browser_visits_total{page="first"}[1h])) > 0)'
    ),
    "browser:sync:ratio_rate1h": (
        '(sum(rate(browser_sync_total{result="delivered"}[1h])) or vector(0))\n'
        "/ (sum(rate(browser_sync_total[1h])) > 0)"
    ),
}


def _of_enough(values: str, share: float) -> str:
    """Only where one client alone can't be a `share` of the values that were counted within the hour."""
    least = f'{MOST_OF_ONE_CLIENT / share:g} * count(up{{job="api"}})'
    return f"\nand on () sum(increase({values}[1h])) > {least}"


_ALERTS = (
    Alert(
        name="StorefrontDown",
        expr='absent(up{job="storefront"} == 1)',
        hold="2m",
        hold_reason="Next.js starts within seconds",
        severity="page",
        summary="No storefront pod answers ({{ $labels.job }})",
        description="The gateway's shield serves its pages, stale ones for up to an hour.",
        runbook="storefront",
    ),
    Alert(
        name="PageLoadSlow",
        expr=f"browser:page_load:p95_rate1h > {PAGE_LOAD:g}" + _of_enough("browser_page_load_seconds_count", 0.05),
        hold="30m",
        hold_reason="enough page loads for a percentile",
        severity="ticket",
        summary="P95 of page loads is {{ $value | humanizeDuration }}",
        description="Target: below 2 s.",
        runbook="storefront",
    ),
    Alert(
        name="LargestContentfulPaintSlow",
        expr=f"browser:lcp:p75_rate1h > {LARGEST_CONTENTFUL_PAINT:g}" + _of_enough("browser_lcp_seconds_count", 0.25),
        hold="30m",
        hold_reason="enough page loads for a percentile",
        severity="ticket",
        summary="P75 of the largest contentful paint is {{ $value | humanizeDuration }}",
        description="Target: below 2.5 s. Images, fonts or a slow first byte.",
        runbook="storefront",
    ),
    Alert(
        name="ServiceWorkerInstallations",
        expr=f"browser:worker_installs:ratio_rate1h < {SERVICE_WORKER_INSTALLS:g}"
        + _of_enough("browser_worker_installs_total", 1 - SERVICE_WORKER_INSTALLS),
        hold="1h",
        hold_reason="a roll-out reaches visitors gradually",
        severity="ticket",
        summary="A service worker is active in only {{ $value | humanizePercentage }} of the page loads",
        description="Target: above 95 %. A precached file is missing (404), or sw.js fails.",
        runbook="storefront",
    ),
    Alert(
        name="OfflineSyncFailures",
        expr=f"browser:sync:ratio_rate1h < {SYNC_SUCCESS:g}" + _of_enough("browser_sync_total", 1 - SYNC_SUCCESS),
        hold="15m",
        hold_reason="an API restart fails some deliveries, which retry",
        severity="ticket",
        summary="Only {{ $value | humanizePercentage }} of the changes made offline are delivered",
        description="Target: above 99 %. The others stay in visitors' browsers.",
        runbook="storefront",
    ),
)

BROWSER = Group(name="browser", owner="frontend", recordings=_RECORDINGS, alerts=_ALERTS)
