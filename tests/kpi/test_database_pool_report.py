"""The pool report finds the load that uses a pool as it should be used, and says so when there is none."""

import asyncio

import pytest

from kpi.criterion import failures
from kpi.database.pool import Level, conclusion, declared_pools, design_visitors, report_of, search, utilisation
from kpi.report import markdown
from kpi.workload import Workload


def level(visitors: int, used: float, failed: int = 0) -> Level:
    return Level(visitors, visitors / 0.8, 5.0, failed, used, 1.0, 0.0)


def levels_where(used: dict[int, float]) -> list[Level]:
    """For a pool that is used so much from these numbers of visitors on."""

    async def measure(visitors: int) -> Level:
        return level(visitors, used[max(step for step in used if step <= visitors)])

    return asyncio.run(search(measure, 100))


def test_it_goes_up_until_the_pool_is_healthily_used() -> None:
    found = levels_where({0: 0.1, 160: 0.3, 256: 0.5, 410: 0.9})
    assert [one.visitors for one in found if one.healthy] == [256]
    assert "at 256 visitors and 320 queries/s, 2.6 times that load: 50% used" in conclusion(found)


def test_it_searches_between_too_little_and_too_much() -> None:
    """A pool whose use jumps: the range lies between two steps."""
    found = levels_where({0: 0.05, 290: 0.6, 320: 1.0})
    assert any(one.healthy for one in found)
    assert [one.visitors for one in found] == sorted(one.visitors for one in found)


@pytest.mark.parametrize("used", [0.02, 1.0])
def test_it_says_when_no_load_is_healthy(used: float) -> None:
    found = levels_where({0: used})
    assert "No load was found" in conclusion(found)
    assert f"{used:.0%}" in markdown(report_of(found))
    assert failures(report_of(found).judged)


def test_a_level_at_which_somebody_failed_is_not_healthy() -> None:
    assert level(100, 0.5).healthy
    assert not level(100, 0.5, failed=1).healthy


def test_it_measures_the_declared_pools_by_the_rule_that_prometheus_uses() -> None:
    assert declared_pools().default_pool_size == 25
    metrics = {"pgbouncer_pools_server_active_connections": 10.0, "pgbouncer_databases_database_pool_size": 25.0}
    assert utilisation(metrics) == 0.4


def test_the_design_load_is_the_workloads() -> None:
    workload = Workload.load()
    think = 0.826  # mean of a log-normal with median 0.6 and sigma 0.8
    assert design_visitors(workload) == pytest.approx(workload.requests_per_second * think, rel=0.02)
