"""What visitors' browsers report."""

from components.monitoring.dashboards.board import Board, Limits, Panel
from components.monitoring.thresholds import (
    FIRST_CONTENTFUL_PAINT,
    LARGEST_CONTENTFUL_PAINT,
    PAGE_LOAD,
    SERVICE_WORKER_GOAL,
    SERVICE_WORKER_INSTALLS,
    SYNC_SUCCESS,
    TIME_TO_INTERACTIVE,
)


def _timing(title: str, name: str, quantile: int, limit: float, alerts: tuple[str, ...] = ()) -> Panel:
    return Panel(
        title=title,
        description=f"P{quantile} of the last hour, all pages.",
        unit="s",
        queries={"all": f"browser:{name}:p{quantile}_rate1h"},
        limits=Limits(alert=limit),
        alerts=alerts,
    )


STOREFRONT = Board(
    name="storefront",
    title="SIMONE: storefront",
    description="Real-user measurements: page loads, Core Web Vitals, service worker, offline changes.",
    sections={
        "Speed": (
            _timing("Page load", "page_load", 95, PAGE_LOAD, ("PageLoadSlow", "StorefrontDown")),
            _timing("Largest contentful paint", "lcp", 75, LARGEST_CONTENTFUL_PAINT, ("LargestContentfulPaintSlow",)),
            _timing("First contentful paint", "fcp", 75, FIRST_CONTENTFUL_PAINT),
            _timing("Time to interactive", "tti", 75, TIME_TO_INTERACTIVE),
        ),
        "Visits": (
            Panel(
                title="Bounce rate",
                description="Share of the last hour's visits that ended with one page. Asked for: a tenth fewer.",
                unit="percentunit",
                queries={"bounced": "browser:bounces:ratio_rate1h"},
                maximum=1,
            ),
            Panel(
                title="Conversion rate",
                description="Orders for each visit of the last hour. Asked for: a twentieth more.",
                unit="percentunit",
                queries={"ordered": "browser:conversions:ratio_rate1h"},
            ),
        ),
        "Offline": (
            Panel(
                title="Service worker installations",
                description="Share of the page loads with an active service worker before the visitor left.",
                unit="percentunit",
                queries={"installed": "browser:worker_installs:ratio_rate1h"},
                limits=Limits(alert=SERVICE_WORKER_INSTALLS, warn=SERVICE_WORKER_GOAL, below=True),
                alerts=("ServiceWorkerInstallations",),
                maximum=1,
                width=8,
            ),
            Panel(
                title="Offline changes delivered",
                description="Share of the changes made offline that reached the API.",
                unit="percentunit",
                queries={"delivered": "browser:sync:ratio_rate1h"},
                limits=Limits(alert=SYNC_SUCCESS, below=True),
                alerts=("OfflineSyncFailures",),
                maximum=1,
                width=8,
            ),
            Panel(
                title="Page loads reported",
                description="The number of page loads behind the percentiles above.",
                unit="reqps",
                queries={"page loads": "sum(rate(browser_page_load_seconds_count[5m]))"},
                width=8,
            ),
        ),
    },
)
