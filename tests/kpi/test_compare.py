"""The comparison with other caches judges what it measured, and not in our favour."""

from dataclasses import replace

import pytest

from kpi.compare.cache_manager import CANDIDATES, OURS, Result, report_of
from kpi.criterion import failures

BETTER = Result(20_000, 20, loads=1, failures=0, last_answer_seconds=0.2)
OTHERS = Result(10_000, 80, loads=250, failures=0, last_answer_seconds=0.4)


def missed(ours: Result, others: Result = OTHERS) -> int:
    """How many goals aren't met."""
    return len(failures(report_of({one.name: ours if one == OURS else others for one in CANDIDATES}).judged))


def test_whoever_is_better_in_everything_meets_every_goal() -> None:
    assert missed(BETTER) == 0


@pytest.mark.parametrize(
    "worse",
    [
        replace(BETTER, calls_per_second=9_999),
        replace(BETTER, cpu_microseconds=81),
        replace(BETTER, loads=2),
        replace(BETTER, failures=1),
    ],
    ids=["calls", "cpu", "loads", "failures"],
)
def test_whoever_is_worse_in_one_thing_misses_a_goal(worse: Result) -> None:
    assert missed(worse) > 0


def test_as_many_loads_as_the_others_are_not_fewer() -> None:
    assert missed(BETTER, replace(OTHERS, loads=1)) == 2
