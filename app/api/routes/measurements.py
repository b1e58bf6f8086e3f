"""What visitors' browsers measured, counted. Nothing of it is kept by visitor."""

from typing import Final

from fastapi import APIRouter

from app.api.routes.parameters import ShopHere
from app.api.views import Measurements

router = APIRouter(tags=["measurements"])

TIMINGS: Final = {"load": "page_load", "tti": "tti", "lcp": "lcp", "fcp": "fcp", "inp": "inp", "ttfb": "ttfb"}
"""Names in the browser to names of metrics."""
VISITS: Final = {"visit": "first", "visit_continued": "second"}


@router.post("/api/rum", status_code=204)
async def record_measurements(measurements: Measurements, shop: ShopHere) -> None:
    """Count what browsers measured; names that aren't known are left out."""
    browser = shop.metrics.browser
    for event in measurements.events:
        if event.name in TIMINGS:
            browser.timings[TIMINGS[event.name]].observe(event.value / 1000)
        elif event.name == "cls":
            browser.layout_shift.observe(event.value)
        elif event.name == "worker":
            browser.worker_installs.labels("installed" if event.value else "missing").inc()
        elif event.name in VISITS:
            browser.visits.labels(VISITS[event.name]).inc()
        elif event.name in ("sync_delivered", "sync_failed"):
            browser.sync.labels(event.name.removeprefix("sync_")).inc(event.value)
