"""A whole measuring run, short: every criterion that is to be measured is, and the shop is well afterwards."""

from pathlib import Path

import pytest

from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.measure import Addresses, Durations, measure
from kpi.report import write
from kpi.run_report import report_of
from kpi.workload import Workload
from local import secrets_file
from local.environment import Environment

pytestmark = [pytest.mark.shop, pytest.mark.full, pytest.mark.timeout(600)]

SHORT = Durations(warm_up=2, pace=10, load=5, members=3, uncached=3, misses=20, members_warm_up=1)


def test_a_run_measures_all_that_is_to_be_measured(shop: Environment, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    measured = measure(
        Workload.load(),
        Addresses(),
        SHORT,
        environment=shop,
        admin_token=secrets_file.load(shop.state)[secrets_file.ADMIN_TOKEN],
        warehouse=WAREHOUSES[0],
        processes=1,
        outages=True,
        report=lambda what, done: told.append((what, done)),
    )
    report = report_of(measured, {"measured": "now"})
    assert [each.criterion.asks for each in report.judged if each.verdict == "not measured"] == []
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1] == ("done", 1)
    assert measured.failover is not None
    assert measured.failover.promoted is not None
    shop.wait_healthy()
    assert [entry.name for entry in shop.status() if not entry.healthy] == []
    write(report, tmp_path, "report")
    assert (tmp_path / "report.html").read_text().count("<svg") == 4
