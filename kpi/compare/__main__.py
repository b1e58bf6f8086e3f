"""`make compare`: one worker each, the same payload, wrk; requests a second, and the server's own CPU for each."""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from kpi.compare import plot
from kpi.compare.versions import versions
from local import packages
from local.problem import Problem
from testing.servers import cpu_seconds, free_port, process, redis_with_sentinel, wait_for_answer

ROOT: Final = Path(__file__).parents[2]
RIVALS_PYTHON: Final = ROOT / ".tools/compare/bin/python"
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
class Figure:
    """What was measured: medians over the rounds."""

    name: str
    requests_per_second: float
    cpu_microseconds: float


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise: `value` must be at most, or at least, `bound`."""

    text: str
    value: float
    bound: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def main(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="of load in each round")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="each candidate's turns; the median counts")] = 3,
    output: Annotated[Path, typer.Option(help="where the figures go as JSON")] = ROOT / "reports/compare.json",
) -> None:
    """Measure all candidates in turns, print the table, judge the goals; exits 1 if one is missed."""
    if not RIVALS_PYTHON.exists():
        raise typer.BadParameter(f"{RIVALS_PYTHON} is missing: run `make compare`, which installs the other libraries")
    console = Console()
    if shutil.which("wrk") is None:
        console.print("installing the load generator wrk")
        try:
            packages.install(["wrk"])
        except Problem as problem:
            raise typer.BadParameter(str(problem)) from problem
    with tempfile.TemporaryDirectory() as name, redis_with_sentinel(Path(name)) as (redis, sentinel):
        directory = Path(name)
        (directory / "payload.json").write_bytes(payload())
        (directory / "secrets").mkdir()
        environment = {
            "PAYLOAD": str(directory / "payload.json"),
            "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            "REDIS_SENTINELS": f"127.0.0.1:{sentinel}",
            "SECRETS_DIR": str(directory / "secrets"),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'kpi/compare/apps'}",
        }
        samples: dict[str, list[tuple[float, float]]] = {candidate.name: [] for candidate in CANDIDATES}
        with console.status("measuring") as status:
            for turn in range(rounds):
                for candidate in CANDIDATES:
                    status.update(f"round {turn + 1} of {rounds}: {candidate.name}")
                    samples[candidate.name].append(measure(candidate, environment, directory, seconds))
    figures = [
        Figure(name, statistics.median(rate for rate, _ in found), statistics.median(cpu for _, cpu in found))
        for name, found in samples.items()
    ]
    verdicts = list(judge({figure.name: figure for figure in figures}))
    show(console, figures)
    show_goals(console, verdicts)
    output.parent.mkdir(parents=True, exist_ok=True)
    used = {"ours": versions(Path(sys.executable), OWN), "others": versions(RIVALS_PYTHON, RIVALS)}
    for whose, found in used.items():
        console.print(f"{whose}: " + ", ".join(f"{name} {version}" for name, version in found.items()), highlight=False)
    picture = output.with_suffix(".svg")
    plot.save(picture, [(one.name, one.cpu_microseconds) for one in figures], "A cached answer, one worker each")
    console.print(f"written: {output}, {picture}", highlight=False)
    report = {
        "versions": used,
        "figures": [asdict(figure) for figure in figures],
        "goals": [{**asdict(goal), "met": goal.met} for goal in verdicts],
    }
    output.write_text(json.dumps(report, indent=1) + "\n")
    raise typer.Exit(0 if all(goal.met for goal in verdicts) else 1)


def payload() -> bytes:
    """A listing of the size that the API answers most often with, a little under a kilobyte."""
    items = [{"id": number, "name": f"Compact Lamp {number}", "price": 1999 + number} for number in range(18)]
    return json.dumps({"items": items}, separators=(",", ":")).encode()


def measure(candidate: Candidate, environment: Mapping[str, str], directory: Path, seconds: int) -> tuple[float, float]:
    """One turn: requests a second, and microseconds of the server's CPU for each."""
    port = free_port()
    log = directory / "candidate.log"
    with process(command(candidate, port), {**environment, "MODE": candidate.mode}, log) as server:
        url = f"http://127.0.0.1:{port}{candidate.path}"
        wait_for_answer(url, log)
        load(url, WARM_UP_SECONDS, candidate.headers)
        before = cpu_seconds(server)
        requests, rate = load(url, seconds, candidate.headers)
        return rate, (cpu_seconds(server) - before) / requests * 1e6


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


def judge(figures: Mapping[str, Figure]) -> Iterator[Goal]:
    """The promises of docs/api-caching.md. CPU for each request is compared: it depends least on what else runs."""

    def cpu(name: str) -> float:
        return figures[name].cpu_microseconds

    yield Goal("a hit in memory costs at most 1.5 times raw ASGI", cpu(MEMORY) / cpu(RAW_MEMORY), 1.5)
    yield Goal("a hit in Redis costs at most 1.4 times raw ASGI", cpu(REDIS) / cpu(RAW_REDIS), 1.4)
    yield Goal("a 304 costs no more than a hit (5 % for noise)", cpu(NOT_MODIFIED) / cpu(MEMORY), 1.05)
    yield Goal("a hit in Redis is 3 times as cheap as fastapi-cache2's", cpu(CACHE2) / cpu(REDIS), 3.0, at_most=False)
    yield Goal("a hit in Redis is 1.5 times as cheap as cashews'", cpu(CASHEWS) / cpu(REDIS), 1.5, at_most=False)


def show(console: Console, figures: list[Figure]) -> None:
    """Print the table."""
    table = Table("candidate", "requests/s", "server CPU µs/request")
    for figure in figures:
        table.add_row(figure.name, f"{figure.requests_per_second:,.0f}", f"{figure.cpu_microseconds:.0f}")
    console.print(table)


def show_goals(console: Console, verdicts: list[Goal]) -> None:
    """Print which promises are kept."""
    for goal in verdicts:
        sign = "≤" if goal.at_most else "≥"
        console.print(f"{'pass' if goal.met else 'FAIL'}  {goal.text}: {goal.value:.2f} ({sign} {goal.bound:g})")


if __name__ == "__main__":
    typer.run(main)
