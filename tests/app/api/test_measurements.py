"""What browsers send (app/storefront/src/shop/measure.ts) is counted under the names that rules and panels read."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.api.metrics import Metrics
from app.api.quotas import CLIENTS, EVENTS, EVENTS_SECONDS, SYNCED, Quota
from app.api.routes.measurements import record_measurements
from app.api.views import Measurements

REQUEST: Any = SimpleNamespace(headers={}, client=SimpleNamespace(host="192.0.2.1"))


async def counted(**events: float) -> Metrics:
    """The metrics after one batch."""
    shop: Any = SimpleNamespace(metrics=Metrics(), measured=Quota(EVENTS, EVENTS_SECONDS), synced=Quota(SYNCED, 1e9))
    batch = [{"name": name, "value": float(value), "page": "home"} for name, value in events.items()]
    await record_measurements(Measurements.model_validate({"events": batch}), REQUEST, shop)
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


async def test_a_made_up_value_moves_no_figure_beyond_what_a_browser_can_measure() -> None:
    value = (await counted(lcp=1e7, cls=1e6, sync_failed=1e7)).registry.get_sample_value
    assert value("browser_lcp_seconds_sum") == 60
    assert value("browser_layout_shift_sum") == 10
    assert value("browser_sync_total", {"result": "failed"}) == SYNCED


async def test_a_client_s_reports_of_synced_writes_add_up_to_its_quota() -> None:
    shop: Any = SimpleNamespace(metrics=Metrics(), measured=Quota(EVENTS, 1e9), synced=Quota(SYNCED, 1e9))
    batch = Measurements.model_validate({"events": [{"name": "sync_failed", "value": 1e7}] * 100})
    await record_measurements(batch, REQUEST, shop)
    value = shop.metrics.registry.get_sample_value
    assert value("browser_sync_total", {"result": "failed"}) == SYNCED


async def test_a_client_counts_for_its_quota_and_others_for_theirs() -> None:
    shop: Any = SimpleNamespace(metrics=Metrics(), measured=Quota(EVENTS, 1e9), synced=Quota(SYNCED, 1e9))
    batch = Measurements.model_validate({"events": [{"name": "visit", "value": 1.0}] * 100})
    other: Any = SimpleNamespace(headers={"x-real-ip": "198.51.100.7"}, client=None)
    for request in (REQUEST, REQUEST, REQUEST, other):
        await record_measurements(batch, request, shop)
    value = shop.metrics.registry.get_sample_value
    assert value("browser_visits_total", {"page": "first"}) == EVENTS + 100
    assert value("browser_events_left_out_total") == 300 - EVENTS


def test_what_is_remembered_of_clients_is_bounded() -> None:
    quota = Quota(1, 1e9)
    for number in range(CLIENTS + 10):
        assert quota.take(f"client {number}", 1) == 1
    assert quota.take(f"client {CLIENTS + 9}", 1) == 0
    assert quota.take("client 0", 1) == 1, "forgotten"
