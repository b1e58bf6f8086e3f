"""Counts what visitors' browsers measured. Nothing is kept by visitor."""

from typing import Final

from fastapi import APIRouter, Request

from app.api.routes.parameters import ShopHere, network_of
from app.api.views import Measurements

router = APIRouter(tags=["measurements"])

TIMINGS: Final = {"load": "page_load", "tti": "tti", "lcp": "lcp", "fcp": "fcp", "inp": "inp", "ttfb": "ttfb"}
"""Names in the browser to names of metrics."""
VISITS: Final = {"visit": "first", "visit_continued": "second"}
KNOWN: Final = {*TIMINGS, *VISITS, "cls", "worker"}


LONGEST_SECONDS: Final = 60.0
"""The longest timing that counts: a visitor has left by then."""
LARGEST_SHIFT: Final = 10.0


@router.post("/api/rum", status_code=204)
async def record_measurements(measurements: Measurements, request: Request, shop: ShopHere) -> None:
    """Count what a browser measured. Unknown names are left out.

    Anybody can send anything, so values are clamped and each client's number is limited (`Measured`).
    """
    browser = shop.metrics.browser
    client = network_of(request)
    for event in measurements.events:
        if event.name in ("sync_delivered", "sync_failed"):
            given = shop.measured.take(client, event.name, int(event.value))
            browser.sync.labels(event.name.removeprefix("sync_")).inc(given)
        elif event.name not in KNOWN or not shop.measured.take(client, event.name):
            continue
        elif event.name in TIMINGS:
            browser.timings[TIMINGS[event.name]].observe(min(event.value / 1000, LONGEST_SECONDS))
        elif event.name in VISITS:
            browser.visits.labels(VISITS[event.name]).inc()
        elif event.name == "cls":
            browser.layout_shift.observe(min(event.value, LARGEST_SHIFT))
        else:
            browser.worker_installs.labels("installed" if event.value else "missing").inc()
