"""What browsers send (app/storefront/src/shop/measure.ts) is counted under the names that rules and panels read."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.api.metrics import Metrics
from app.api.quotas import ALL_VALUES, CLIENTS, PAGES, VALUES, VALUES_SECONDS, Measured, Quota
from app.api.routes.measurements import record_measurements
from app.api.views import Measurements
from components.monitoring.thresholds import MOST_OF_ONE_CLIENT

ALL_NAMES = ("load", "tti", "lcp", "fcp", "inp", "ttfb", "cls", "worker", "visit", "visit_continued")


def a_shop() -> Any:
    metrics = Metrics()
    return SimpleNamespace(metrics=metrics, measured=Measured(metrics.browser.left_out))


def of(address: str) -> Any:
    return SimpleNamespace(headers={"x-real-ip": address}, client=None)


async def counted(**events: float) -> Metrics:
    """The metrics after one batch."""
    shop = a_shop()
    batch = [{"name": name, "value": float(value), "page": "home"} for name, value in events.items()]
    await record_measurements(Measurements.model_validate({"events": batch}), of("192.0.2.1"), shop)
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
    assert value("browser_sync_total", {"result": "failed"}) == VALUES


async def flood(shop: Any, *requests: Any) -> None:
    """Each sends whatever counts most, in as many batches as it likes."""
    batches = [
        Measurements.model_validate({"events": [{"name": name, "value": 1e7}] * 100})
        for name in (*ALL_NAMES, "sync_failed", "sync_delivered")
    ]
    for request in requests:
        for batch in batches:
            await record_measurements(batch, request, shop)


def most_counted(shop: Any) -> dict[str, float]:
    """The largest of the counters and histograms, and their sum, but for what was left out."""
    browser = [metric for metric in shop.metrics.registry.collect() if metric.name.startswith("browser_")]
    counts = [
        sample.value
        for metric in browser
        for sample in metric.samples
        if sample.name.endswith(("_count", "_total")) and "left_out" not in sample.name and "visits" not in sample.name
    ]
    return {"largest": max(counts), "sum": sum(counts)}


async def test_a_client_adds_a_few_values_to_each_measurement() -> None:
    """However much it sends; and of IPv6 it has as many addresses as it likes."""
    shop = a_shop()
    await flood(shop, *[of(f"2001:db8:0:{number:x}::1") for number in range(50)])
    assert most_counted(shop)["largest"] == VALUES
    visits = shop.metrics.registry.get_sample_value("browser_visits_total", {"page": "first"})
    assert visits == PAGES
    # Every report of synced writes says more than may count.
    sent, heard = 50 * 12 * 100, 8 * VALUES + 2 * PAGES
    assert shop.metrics.registry.get_sample_value("browser_events_left_out_total") == sent - heard
    await flood(shop, of("198.51.100.7"))
    assert most_counted(shop)["largest"] == 2 * VALUES


async def test_all_clients_together_add_no_more_than_a_shop_of_this_size_has() -> None:
    shop = a_shop()
    await flood(shop, *[of(f"198.51.{number // 250}.{number % 250}") for number in range(500)])
    assert most_counted(shop)["sum"] <= ALL_VALUES * 1.5


def test_alerts_reckon_with_what_one_client_can_add_within_an_hour() -> None:
    """What it may at once, and what comes again by the hour's end."""
    assert MOST_OF_ONE_CLIENT == VALUES + VALUES * 3600 / VALUES_SECONDS


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e400", "-1", "1e308", '"1"', "true", "null", "[1]", "{}", "9" * 400]
)
def test_what_no_browser_measures_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"value|JSON"):
        Measurements.model_validate_json(f'{{"events": [{{"name": "lcp", "value": {value}}}]}}')


def test_what_is_remembered_of_clients_is_bounded() -> None:
    quota = Quota(1, 1e9)
    for number in range(CLIENTS + 10):
        assert quota.take(f"client {number}", 1) == 1
    assert quota.take(f"client {CLIENTS + 9}", 1) == 0
    assert quota.take("client 0", 1) == 1, "forgotten"
