"""What browsers send (app/storefront/src/shop/measure.ts) is counted under the names that rules and panels read."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.api.metrics import Metrics
from app.api.routes.measurements import record_measurements
from app.api.views import Measurements


async def counted(**events: float) -> Metrics:
    """The metrics after one batch."""
    shop: Any = SimpleNamespace(metrics=Metrics())
    batch = [{"name": name, "value": float(value), "page": "home"} for name, value in events.items()]
    await record_measurements(Measurements.model_validate({"events": batch}), shop)
    return shop.metrics


@pytest.mark.parametrize("name", ["tti", "lcp", "fcp", "inp", "ttfb"])
async def test_timings_are_seconds(name: str) -> None:
    metrics = await counted(**{name: 1500.0})
    assert metrics.registry.get_sample_value(f"browser_{name}_seconds_sum") == 1.5


async def test_page_loads_visits_workers_and_synced_changes_are_counted() -> None:
    metrics = await counted(load=900, cls=0.02, visit=1, visit_continued=1, worker=0, sync_delivered=3, sync_failed=1)
    value = metrics.registry.get_sample_value
    assert value("browser_page_load_seconds_count") == 1
    assert value("browser_layout_shift_sum") == 0.02
    assert value("browser_visits_total", {"page": "first"}) == value("browser_visits_total", {"page": "second"}) == 1
    assert value("browser_worker_installs_total", {"result": "missing"}) == 1
    assert value("browser_sync_total", {"result": "delivered"}) == 3
    assert value("browser_sync_total", {"result": "failed"}) == 1


async def test_unknown_names_are_left_out() -> None:
    await counted(something_new=1)
