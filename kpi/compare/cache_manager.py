"""`make compare-cache`: get_or_else of the entity cache beside cashews and aiocache: hits, and a stampede.

Hits: one process, 32 concurrent readers, 1,000 keys, values of a kilobyte in Redis. Stampede: 4 processes request the
same missing key 250 times each, at the same moment; loading it takes 100 ms.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from kpi.compare import RIVALS_PYTHON, environment
from kpi.criterion import Criterion, Measurement, judge
from kpi.report import Report, Table, publish
from stack.environments import ROOT
from testing.servers import redis_with_sentinel

STORES: Final = ROOT / "kpi/compare/stores"
PROCESSES: Final = 4
HEAD_START_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to measure: a program of `stores/`, and the mode of the library that it uses."""

    name: str
    program: str
    mode: str = ""

    @property
    def python(self) -> str:
        """The interpreter of the environment that it is installed in."""
        return sys.executable if self.program == "ours_cache" else str(RIVALS_PYTHON)


OURS: Final = Candidate("ours", "ours_cache")
CASHEWS: Final = Candidate("cashews, get_or_set", "cashews_cache", "get_or_set")
CASHEWS_LOCK: Final = Candidate("cashews, lock=True", "cashews_cache", "lock")
AIOCACHE: Final = Candidate("aiocache, cached", "aiocache_cache", "cached")
AIOCACHE_LOCK: Final = Candidate("aiocache, cached_stampede", "aiocache_cache", "stampede")
CANDIDATES: Final = (OURS, CASHEWS, CASHEWS_LOCK, AIOCACHE, AIOCACHE_LOCK)


@dataclass(frozen=True, slots=True)
class Hits:
    """One turn of hits."""

    calls_per_second: float
    cpu_microseconds: float


@dataclass(frozen=True, slots=True)
class Stampede:
    """One stampede: loads of the one value, calls that raised, seconds until the last one was answered."""

    loads: int
    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """A candidate's hits, median over the rounds, and its worst stampede."""

    calls_per_second: float
    cpu_microseconds: float
    loads: int
    failures: int
    last_answer_seconds: float


_LOADS: Final = {CASHEWS: 0.5, AIOCACHE: 0.5, CASHEWS_LOCK: 1.0, AIOCACHE_LOCK: 1.0}
"""At most so many times the loads of each other library: fewer than by default, no more than with a lock."""
CRITERIA: Final = (
    *(
        criterion
        for rival in _LOADS
        for criterion in (
            Criterion(f"at least the hits a second of {rival.name}", f"hits: {rival.name}", ">=", 1, "times"),
            Criterion(f"at most the CPU of a hit of {rival.name}", f"cpu: {rival.name}", "<=", 1, "times"),
        )
    ),
    Criterion("one load in a stampede of 1,000", "loads", "<=", 1),
    Criterion("no call that a stampede made fail", "failures", "<=", 0),
    *(
        Criterion(f"at most {most:g} times the loads of {rival.name}", f"loads: {rival.name}", "<=", most, "times")
        for rival, most in _LOADS.items()
    ),
)


def main(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="of hits in each round")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="each candidate's turns")] = 3,
    output: Annotated[Path, typer.Option(help="where compare-cache.md, .html and .json go")] = ROOT / "reports",
) -> None:
    """Measure all candidates in turns, print the table, judge the goals; exits 1 if one is missed."""
    hits: dict[str, list[Hits]] = {candidate.name: [] for candidate in CANDIDATES}
    stampedes: dict[str, list[Stampede]] = {candidate.name: [] for candidate in CANDIDATES}
    with tempfile.TemporaryDirectory() as name, redis_with_sentinel(Path(name)) as (redis, sentinel):
        # Four processes start at once on few cores: with a short timeout the fastest to give up would win.
        told = environment(Path(name), redis, sentinel, STORES) | {"REDIS_TIMEOUT_SECONDS": "2"}
        with Console(stderr=True).status("measuring") as status:
            for turn in range(rounds):
                for candidate in CANDIDATES:
                    status.update(f"round {turn + 1} of {rounds}: {candidate.name}")
                    _empty(redis)
                    hits[candidate.name].append(measure_hits(candidate, told, seconds))
                    stampedes[candidate.name].append(measure_stampede(candidate, told, 10_000 * (turn + 1)))
    publish(report_of({name: _result_of(hits[name], stampedes[name]) for name in hits}), output, "compare-cache")


def measure_hits(candidate: Candidate, told: Mapping[str, str], seconds: int) -> Hits:
    """Raises RuntimeError when the candidate doesn't end well."""
    with _started(candidate, {**told, "TASK": "hits", "SECONDS": str(seconds)}) as process:
        return Hits(**_result(process, candidate))


def measure_stampede(candidate: Candidate, told: Mapping[str, str], identifier: int) -> Stampede:
    """Raises RuntimeError when a process doesn't end well."""
    settings = {**told, "TASK": "stampede", "IDENTIFIER": str(identifier)}
    processes = [_started(candidate, settings) for _ in range(PROCESSES)]
    pipes = [(process.stdin, process.stdout) for process in processes if process.stdin and process.stdout]
    for process, (_, output) in zip(processes, pipes, strict=True):
        if output.readline() != "ready\n":
            raise RuntimeError(f"{candidate.name} didn't start: {process.communicate()[1]}")
    moment = time.time() + HEAD_START_SECONDS
    for start, _ in pipes:
        start.write(f"{moment}\n")
        start.flush()
    results = [_result(process, candidate) for process in processes]
    return Stampede(
        sum(int(result["loads"]) for result in results),
        sum(int(result["failures"]) for result in results),
        max(result["seconds"] for result in results),
    )


def _started(candidate: Candidate, told: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [candidate.python, str(STORES / f"{candidate.program}.py")],
        env={**told, "MODE": candidate.mode},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(process: "subprocess.Popen[str]", candidate: Candidate) -> dict[str, float]:
    output, errors = process.communicate(timeout=120)
    if process.returncode != 0:
        raise RuntimeError(f"{candidate.name} ended with {process.returncode}:\n{errors[-3000:]}")
    return json.loads(output)


def _empty(redis: int) -> None:
    subprocess.run(["redis-cli", "-p", str(redis), "FLUSHALL"], check=True, capture_output=True)


def _result_of(hits: list[Hits], stampedes: list[Stampede]) -> Result:
    return Result(
        statistics.median(one.calls_per_second for one in hits),
        statistics.median(one.cpu_microseconds for one in hits),
        max(one.loads for one in stampedes),
        max(one.failures for one in stampedes),
        statistics.median(one.seconds for one in stampedes),
    )


def report_of(results: Mapping[str, Result]) -> Report:
    """Results by candidate, with ours judged against the others'."""
    ours = results[OURS.name]
    stampede = f"in {PROCESSES} processes, the worst round"
    figures = {"loads": Measurement(ours.loads, stampede), "failures": Measurement(ours.failures, stampede)}
    for rival in _LOADS:
        theirs, how = results[rival.name], f"times those of {rival.name}"
        figures[f"hits: {rival.name}"] = Measurement(ours.calls_per_second / theirs.calls_per_second, how)
        figures[f"cpu: {rival.name}"] = Measurement(ours.cpu_microseconds / theirs.cpu_microseconds, how)
        figures[f"loads: {rival.name}"] = Measurement(ours.loads / theirs.loads, how)
    table = Table(
        ("candidate", "hits/s", "CPU µs/hit", "loads", "failed", "last answer, s"),
        [
            (name, f"{one.calls_per_second:,.0f}", f"{one.cpu_microseconds:.0f}", f"{one.loads}", f"{one.failures}",
             f"{one.last_answer_seconds:.2f}")
            for name, one in results.items()
        ],
    )  # fmt: skip
    return Report(
        title="Our entity cache beside other libraries'",
        judged=judge(CRITERIA, figures),
        figures=figures,
        parts=[table],
        brief=[table],
        data={"results": {name: asdict(one) for name, one in results.items()}},
    )


if __name__ == "__main__":
    typer.run(main)
