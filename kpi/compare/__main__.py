"""`make compare`: one worker each, the same payload, wrk; requests a second, and the server's own CPU for each."""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from kpi.compare import RIVALS_PYTHON, ROOT, environment
from kpi.compare.versions import versions
from kpi.criterion import Criterion, Figure, judge
from kpi.plots import bars
from kpi.report import Picture, Report, Table, publish
from local import packages
from local.problem import Problem
from testing.servers import cpu_seconds, process, redis_with_sentinel, wait_for_answer
from testing.waits import free_port

RIVALS: Final = ("cashews", "aiocache", "fastapi-cache2", "fastapi-redis-sdk", "fastapi", "uvicorn", "redis")
OWN: Final = ("granian", "redis", "uvloop")
CONNECTIONS: Final = 32
WARM_UP_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to measure. `headers` go with every request."""

    name: str
    app: str
    mode: str = "redis"
    server: str = "uvicorn"
    path: str = "/item/1"
    headers: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Runs in the repository's own environment."""
        return self.server == "granian"


MEMORY, REDIS, NOT_MODIFIED = "ours, memory", "ours, Redis", "ours, memory, 304"
RAW_MEMORY, RAW_REDIS = "raw ASGI, uvicorn, memory", "raw ASGI, uvicorn, one redis-py GET"
CASHEWS, CACHE2 = "cashews, FastAPI", "fastapi-cache2, FastAPI"

CANDIDATES: Final = (
    Candidate(RAW_MEMORY, "raw", mode="memory"),
    Candidate("raw ASGI, granian, memory", "raw", mode="memory", server="granian"),
    Candidate(MEMORY, "ours", mode="memory", server="granian", path="/api/item/1"),
    Candidate(NOT_MODIFIED, "ours", mode="memory", server="granian", path="/api/item/1", headers=("If-None-Match: *",)),
    Candidate(RAW_REDIS, "raw"),
    Candidate(REDIS, "ours", server="granian", path="/api/item/1"),
    Candidate(CASHEWS, "fastapi_cashews"),
    Candidate("aiocache, FastAPI", "fastapi_aiocache"),
    Candidate(CACHE2, "fastapi_cache2"),
    Candidate("fastapi-redis-sdk, FastAPI", "fastapi_redis_sdk"),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Of a candidate: requests a second, and microseconds of the server's CPU for each; medians over the rounds."""

    requests_per_second: float
    cpu_microseconds: float


CRITERIA: Final = (
    Criterion("a hit in memory costs at most 1.5 times raw ASGI", "memory_hit", "<=", 1.5, "times"),
    Criterion("a hit in Redis costs at most 1.4 times raw ASGI", "redis_hit", "<=", 1.4, "times"),
    Criterion("a 304 costs no more than a hit (5 % for noise)", "not_modified", "<=", 1.05, "times"),
    Criterion("a hit in Redis is 3 times as cheap as fastapi-cache2's", "against_cache2", ">=", 3.0, "times"),
    Criterion("a hit in Redis is 1.5 times as cheap as cashews'", "against_cashews", ">=", 1.5, "times"),
)
"""The promises of docs/api-caching.md. CPU for each request is compared: it depends least on what else runs."""


def main(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="of load in each round")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="each candidate's turns; the median counts")] = 3,
    output: Annotated[Path, typer.Option(help="where compare.md, .html, .json and .svg go")] = ROOT / "reports",
) -> None:
    """Measure all candidates in turns, print the table, judge the goals; exits 1 if one is missed."""
    errors = Console(stderr=True)
    if shutil.which("wrk") is None:
        errors.print("installing the load generator wrk")
        try:
            packages.install(["wrk"])
        except Problem as problem:
            raise typer.BadParameter(str(problem)) from problem
    with tempfile.TemporaryDirectory() as name, redis_with_sentinel(Path(name)) as (redis, sentinel):
        told = environment(Path(name), redis, sentinel, ROOT / "kpi/compare/apps")
        samples: dict[str, list[Speed]] = {candidate.name: [] for candidate in CANDIDATES}
        with errors.status("measuring") as status:
            for turn in range(rounds):
                for candidate in CANDIDATES:
                    status.update(f"round {turn + 1} of {rounds}: {candidate.name}")
                    samples[candidate.name].append(measure(candidate, told, Path(name), seconds))
    publish(report_of({name: median(found) for name, found in samples.items()}), output, "compare")


def median(found: list[Speed]) -> Speed:
    """Of each figure by itself."""
    return Speed(
        statistics.median(one.requests_per_second for one in found),
        statistics.median(one.cpu_microseconds for one in found),
    )


def report_of(speeds: Mapping[str, Speed]) -> Report:
    """Speeds by candidate, with the promises judged."""
    used = {"ours": versions(Path(sys.executable), OWN), "others": versions(RIVALS_PYTHON, RIVALS)}
    figures = {
        criterion.figure: Figure(
            speeds[one].cpu_microseconds / speeds[other].cpu_microseconds, f"CPU of “{one}”, times that of “{other}”"
        )
        for criterion, (one, other) in zip(
            CRITERIA,
            ((MEMORY, RAW_MEMORY), (REDIS, RAW_REDIS), (NOT_MODIFIED, MEMORY), (CACHE2, REDIS), (CASHEWS, REDIS)),
            strict=True,
        )
    }
    table = Table(
        ("candidate", "requests/s", "server CPU µs/request"),
        [(name, f"{one.requests_per_second:,.0f}", f"{one.cpu_microseconds:.0f}") for name, one in speeds.items()],
    )
    costs = [(name, one.cpu_microseconds) for name, one in speeds.items()]
    title = "A cached answer, one worker each"
    svg = bars(costs, title, "server CPU, µs for each request (less is better)")
    return Report(
        title="Our response cache beside other libraries'",
        judged=judge(CRITERIA, figures),
        figures=figures,
        about={who: ", ".join(f"{name} {version}" for name, version in found.items()) for who, found in used.items()},
        parts=[table, Picture("compare", svg, title)],
        brief=[table],
        data={"speeds": {name: asdict(one) for name, one in speeds.items()}},
    )


def measure(candidate: Candidate, told: Mapping[str, str], directory: Path, seconds: int) -> Speed:
    """One turn."""
    port = free_port()
    log = directory / "candidate.log"
    with process(command(candidate, port), {**told, "MODE": candidate.mode}, log) as server:
        url = f"http://127.0.0.1:{port}{candidate.path}"
        wait_for_answer(url, log)
        load(url, WARM_UP_SECONDS, candidate.headers)
        before = cpu_seconds(server)
        requests, rate = load(url, seconds, candidate.headers)
        return Speed(rate, (cpu_seconds(server) - before) / requests * 1e6)


def command(candidate: Candidate, port: int) -> list[str]:
    """How a candidate is started: one process that serves, on uvloop."""
    python = sys.executable if candidate.ours else str(RIVALS_PYTHON)
    if candidate.ours:
        return [
            *(python, "-m", "granian", "--interface", "asgi", "--workers", "1", "--loop", "uvloop", "--no-ws"),
            *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", f"{candidate.app}:app"),
        ]
    return [
        *(python, "-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", f"{candidate.app}:app"),
    ]


def load(url: str, seconds: int, headers: tuple[str, ...]) -> tuple[int, float]:
    """Run wrk; gives how many requests were answered, and how many a second. Raises RuntimeError for failed ones."""
    extra = [part for header in headers for part in ("-H", header)]
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *extra, url], capture_output=True, text=True, check=True
    )
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if requests is None or rate is None or "Non-2xx or 3xx" in done.stdout:
        raise RuntimeError(f"{url} didn't answer well under load:\n{done.stdout}")
    return int(requests[1]), float(rate[1])


if __name__ == "__main__":
    typer.run(main)
