"""The comparison with other caches judges what it measured, and not in our favour."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kpi.compare import payload
from kpi.compare.__main__ import (
    AS_USUAL,
    BROWSER,
    NGINX,
    SCALED,
    SIZES,
    Candidate,
    Server,
    Speed,
    command,
    median,
    times,
    turns_of,
)
from kpi.compare.__main__ import CANDIDATES as SERVERS
from kpi.compare.__main__ import report_of as report_of_servers
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


@pytest.mark.parametrize("kilobytes", [1, 20, 200])
def test_a_payload_has_the_size_that_it_is_called_by(kilobytes: int) -> None:
    assert 0.8 < len(payload(kilobytes)) / (1000 * kilobytes) < 1.2


def test_what_could_not_run_is_named_as_not_measured() -> None:
    samples = {
        (candidate.name, AS_USUAL): [Speed(1000, 20, 50)] for candidate in SERVERS if candidate.server != "nginx"
    }
    report = report_of_servers(samples, [NGINX], {})
    assert NGINX in report.about["NOT MEASURED"]
    assert [each.criterion.figure for each in report.judged if each.verdict == "not measured"] == ["gateway_hit"]


def test_every_candidate_is_measured_in_every_round() -> None:
    turns = turns_of(SERVERS, 3)
    assert {turns.count((candidate, AS_USUAL)) for candidate in SERVERS} == {3}
    assert {size for _, size in turns} == {*SIZES}


def test_a_round_on_a_slow_machine_is_compared_with_the_same_round() -> None:
    at_once = [Speed(1000, cost, 50) for cost in (10, 40, 10)]
    twice_as_much = [Speed(1000, 2 * one.cpu_microseconds, 50) for one in at_once]
    assert times(twice_as_much, at_once) == 2
    assert times([*twice_as_much[:2], Speed(1000, 500, 50)], at_once) == 2


def test_the_floor_has_the_same_server_as_ours() -> None:
    usual = {(candidate.name, AS_USUAL): [Speed(1000, 20, 50)] for candidate in SERVERS}
    on_another = {candidate.name for candidate in SERVERS if candidate.app == "raw" and candidate.server != "granian"}
    much_slower = usual | {(name, AS_USUAL): [Speed(1000, 900, 50)] for name in on_another}
    assert report_of_servers(much_slower, [], {}).judged == report_of_servers(usual, [], {}).judged


def test_the_median_is_of_each_figure_by_itself() -> None:
    assert median([Speed(1, 30, 5), Speed(2, 10, 7), Speed(3, 20, 6)]) == Speed(2, 20, 6)


def test_each_size_changes_one_thing_and_is_measured_for_the_same_candidates() -> None:
    for size in SIZES:
        changed = [
            name
            for name in ("kilobytes", "workers", "connections", "keys")
            if getattr(size, name) != getattr(AS_USUAL, name)
        ]
        assert len(changed) == (size != AS_USUAL)
    assert set(SCALED) <= {candidate.name for candidate in SERVERS}
    assert len(BROWSER) == 10


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("server", ["nginx", "gateway"])
def test_nginx_takes_the_configurations_that_are_compared(tmp_path: Path, server: Server, workers: int) -> None:
    size = replace(AS_USUAL, workers=workers)
    started = command(Candidate(server, server=server), ("127.0.0.1", 8081), tmp_path, 8082, size)
    checked = subprocess.run([*started, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
