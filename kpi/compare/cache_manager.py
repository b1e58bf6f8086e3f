"""`make compare-cache`: get_or_else of the entity cache beside cashews and aiocache: hits, and a stampede.

Hits: one process, 32 askers at once, 1,000 keys, values of a kilobyte in Redis. Stampede: 4 processes ask 250 times
each, at the same moment, for the same key, which nobody has and which takes 100 ms to load.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from kpi.compare.__main__ import RIVALS_PYTHON, ROOT, Goal, payload, show_goals
from testing.servers import redis_with_sentinel

STORES: Final = ROOT / "kpi/compare/stores"
PROCESSES: Final = 4
HEAD_START_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to measure: a program of `stores/`, and which of the library's ways it takes."""

    name: str
    program: str
    mode: str = ""

    @property
    def python(self) -> str:
        """Of the environment that it is installed in."""
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
class Figure:
    """What was measured: of hits the median over the rounds, of stampedes the worst."""

    name: str
    calls_per_second: float
    cpu_microseconds: float
    loads: int
    failures: int
    last_answer_seconds: float


def main(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="of hits in each round")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="each candidate's turns")] = 3,
    output: Annotated[Path, typer.Option(help="where the figures go as JSON")] = ROOT / "reports/compare-cache.json",
) -> None:
    """Measure all candidates in turns, print the table, judge the goals; exits 1 if one is missed."""
    if not RIVALS_PYTHON.exists():
        raise typer.BadParameter(f"{RIVALS_PYTHON} is missing: run `make compare-cache`, which installs the others")
    console = Console()
    hits: dict[str, list[Hits]] = {candidate.name: [] for candidate in CANDIDATES}
    stampedes: dict[str, list[Stampede]] = {candidate.name: [] for candidate in CANDIDATES}
    with tempfile.TemporaryDirectory() as name, redis_with_sentinel(Path(name)) as (redis, sentinel):
        environment = _environment(Path(name), redis, sentinel)
        with console.status("measuring") as status:
            for turn in range(rounds):
                for candidate in CANDIDATES:
                    status.update(f"round {turn + 1} of {rounds}: {candidate.name}")
                    _empty(redis)
                    hits[candidate.name].append(measure_hits(candidate, environment, seconds))
                    stampedes[candidate.name].append(measure_stampede(candidate, environment, 10_000 * (turn + 1)))
    figures = {name: _figure(name, hits[name], stampedes[name]) for name in hits}
    verdicts = list(judge(figures))
    show(console, figures)
    show_goals(console, verdicts)
    output.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "figures": [asdict(figure) for figure in figures.values()],
        "goals": [{**asdict(goal), "met": goal.met} for goal in verdicts],
    }
    output.write_text(json.dumps(report, indent=1) + "\n")
    raise typer.Exit(0 if all(goal.met for goal in verdicts) else 1)


def measure_hits(candidate: Candidate, environment: Mapping[str, str], seconds: int) -> Hits:
    """Raises RuntimeError when the candidate doesn't end well."""
    with _started(candidate, {**environment, "TASK": "hits", "SECONDS": str(seconds)}) as process:
        return Hits(**_result(process, candidate))


def measure_stampede(candidate: Candidate, environment: Mapping[str, str], identifier: int) -> Stampede:
    """Raises RuntimeError when a process doesn't end well."""
    settings = {**environment, "TASK": "stampede", "IDENTIFIER": str(identifier)}
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


def _started(candidate: Candidate, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [candidate.python, str(STORES / f"{candidate.program}.py")],
        env={**environment, "MODE": candidate.mode},
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


def _environment(directory: Path, redis: int, sentinel: int) -> dict[str, str]:
    (directory / "payload.json").write_bytes(payload())
    (directory / "secrets").mkdir()
    return {
        "PAYLOAD": str(directory / "payload.json"),
        "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "REDIS_SENTINELS": f"127.0.0.1:{sentinel}",
        # Four processes begin at once on few cores: what is measured here isn't who gives up first.
        "REDIS_TIMEOUT_SECONDS": "2",
        "SECRETS_DIR": str(directory / "secrets"),
        "PYTHONPATH": f"{ROOT}:{STORES}",
    }


def _empty(redis: int) -> None:
    subprocess.run(["redis-cli", "-p", str(redis), "FLUSHALL"], check=True, capture_output=True)


def _figure(name: str, hits: list[Hits], stampedes: list[Stampede]) -> Figure:
    return Figure(
        name,
        statistics.median(one.calls_per_second for one in hits),
        statistics.median(one.cpu_microseconds for one in hits),
        max(one.loads for one in stampedes),
        max(one.failures for one in stampedes),
        statistics.median(one.seconds for one in stampedes),
    )


def judge(figures: Mapping[str, Figure]) -> Iterator[Goal]:
    """At least as fast as the others on hits, in calls and in CPU, and fewer loads than any of them by default."""
    ours = figures[OURS.name]
    for rival in (CASHEWS, CASHEWS_LOCK, AIOCACHE, AIOCACHE_LOCK):
        theirs = figures[rival.name]
        yield Goal(
            f"hits a second, times those of {rival.name}",
            ours.calls_per_second / theirs.calls_per_second,
            1.0,
            at_most=False,
        )
        yield Goal(f"CPU of a hit, times that of {rival.name}", ours.cpu_microseconds / theirs.cpu_microseconds, 1.0)
    yield Goal("loads of a stampede of 1,000", ours.loads, 1)
    yield Goal("calls that a stampede made fail", ours.failures, 0)
    for rival in (CASHEWS, AIOCACHE):
        yield Goal(f"loads, times those of {rival.name}", ours.loads / figures[rival.name].loads, 0.5)
    for rival in (CASHEWS_LOCK, AIOCACHE_LOCK):
        yield Goal(f"loads, times those of {rival.name}", ours.loads / figures[rival.name].loads, 1.0)


def show(console: Console, figures: Mapping[str, Figure]) -> None:
    """Print the table."""
    table = Table("candidate", "hits/s", "CPU µs/hit", "loads", "failed", "last answer, s")
    for one in figures.values():
        table.add_row(
            one.name,
            f"{one.calls_per_second:,.0f}",
            f"{one.cpu_microseconds:.0f}",
            f"{one.loads}",
            f"{one.failures}",
            f"{one.last_answer_seconds:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
