"""`make compare`: one worker each, the same payload, wrk; requests a second, and the server's own CPU for each."""

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import typer
from rich.console import Console

from app.caching_policy import load as load_policy
from components.gateway import config
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes.flows import GATEWAY_PORT
from kpi.compare import RIVALS_PYTHON, answers, environment
from kpi.compare.versions import program_version, versions
from kpi.criterion import Criterion, Measurement, judge
from kpi.plots import bars
from kpi.report import Picture, Report, Table, publish
from local import packages
from local.problem import Problem
from stack.environments import ROOT
from testing.gateway_server import write_files
from testing.servers import cpu_seconds, process, redis_with_sentinel, wait_for_answer
from testing.waits import free_port, own_address

RIVALS: Final = (
    "cashews", "aiocache", "fastapi-cache2", "fastapi-redis-sdk", "fastapi", "litestar", "uvicorn", "redis"
)  # fmt: skip
OWN: Final = ("granian", "redis", "uvloop")
CONNECTIONS: Final = 32
WARM_UP_SECONDS: Final = 1
BROWSER: Final = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: */*",
    "Accept-Language: de,en-US;q=0.7,en;q=0.3",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: https://shop.example/products/1",
    "X-Country: DE",
    "Sec-Fetch-Dest: empty",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Site: same-origin",
    "Priority: u=4",
)
"""A browser's headers, behind the edge, which adds the country."""
MANY_KEYS: Final = 100_000
UNLIMITED: Final = Limits(requests_per_second=1_000_000, burst=1_000_000, connections=65_535)
"""One address is all of the load."""

Server = Literal["uvicorn", "granian", "gateway", "nginx", "varnish", "go"]
PROGRAMS: Final[Mapping[Server, str]] = {"gateway": "nginx", "nginx": "nginx", "varnish": "varnishd", "go": "go"}
"""What a server needs beside Python. Where it is missing, its candidates aren't measured, and the report says so."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to measure. `headers` go with every request, beside a browser's."""

    name: str
    app: str = ""
    mode: str = "redis"
    server: Server = "uvicorn"
    interface: str = "asgi"
    path: str = "/item/1"
    headers: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it runs in the repository's own environment."""
        return self.server == "granian"

    @property
    def can_run(self) -> bool:
        """Whether its server is installed."""
        return shutil.which(PROGRAMS.get(self.server, "python3")) is not None


NGINX, GATEWAY = "nginx, its cache", "ours, gateway"
MEMORY, REDIS, NOT_MODIFIED = "ours, memory", "ours, Redis", "ours, memory, 304"
UNCACHED = "ours, a trivial handler's, not cached"
RAW_MEMORY, RAW_REDIS = "raw ASGI, granian, memory", "raw ASGI, granian, one redis-py GET"
RAW_RSGI, RAW_AT_ONCE = "raw RSGI, granian, memory", "raw ASGI, granian, memory, before the event loop"
CASHEWS, CACHE2 = "cashews, FastAPI", "fastapi-cache2, FastAPI"

CANDIDATES: Final = (
    Candidate(NGINX, server="nginx"),
    Candidate(GATEWAY, server="gateway", path="/api/products/1"),
    Candidate("Varnish", server="varnish"),
    Candidate("Go, net/http, memory", server="go"),
    Candidate("raw ASGI, uvicorn, memory", "raw", mode="memory"),
    Candidate(RAW_MEMORY, "raw", mode="memory", server="granian"),
    Candidate(RAW_RSGI, "raw_rsgi", mode="memory", server="granian", interface="rsgi"),
    Candidate(RAW_AT_ONCE, "raw", mode="at-once", server="granian"),
    Candidate(MEMORY, "ours", mode="memory", server="granian", path="/api/item/1"),
    Candidate(NOT_MODIFIED, "ours", mode="memory", server="granian", path="/api/item/1", headers=("If-None-Match: *",)),
    Candidate(RAW_REDIS, "raw", server="granian"),
    Candidate(REDIS, "ours", server="granian", path="/api/item/1"),
    Candidate(UNCACHED, "ours", server="granian", path="/api/uncached"),
    Candidate(CASHEWS, "fastapi_cashews"),
    Candidate("aiocache, FastAPI", "fastapi_aiocache"),
    Candidate(CACHE2, "fastapi_cache2"),
    Candidate("fastapi-redis-sdk, FastAPI", "fastapi_redis_sdk"),
    Candidate("Litestar, its response cache", "litestar_cache"),
)
SCALED: Final = (NGINX, GATEWAY, RAW_MEMORY, MEMORY)


@dataclass(frozen=True, slots=True)
class Size:
    """How a candidate is measured."""

    name: str
    kilobytes: int = 1
    workers: int = 1
    connections: int = CONNECTIONS
    keys: int = 1


AS_USUAL: Final = Size("1 KB")
SIZES: Final = (
    AS_USUAL,
    Size("20 KB", kilobytes=20),
    Size("200 KB", kilobytes=200),
    Size("2 workers", workers=2),
    Size("1,000 connections", connections=1_000),
    Size("100,000 keys", keys=MANY_KEYS),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """A candidate's requests a second, microseconds of the server's CPU for each, and memory after the load in MiB;
    medians over the rounds.
    """

    requests_per_second: float
    cpu_microseconds: float
    megabytes: float


CRITERIA: Final = (
    Criterion("a hit of the gateway costs at most 1.43 times nginx's", "gateway_hit", "<=", 1.43, "times"),
    Criterion("a hit in memory costs at most 0.92 times raw ASGI, same server", "memory_hit", "<=", 0.92, "times"),
    Criterion("what isn't cached costs at most 1.75 times raw ASGI, same server", "uncached", "<=", 1.75, "times"),
    Criterion("a hit in Redis costs at most 1.4 times raw ASGI on the same server", "redis_hit", "<=", 1.4, "times"),
    Criterion("a 304 costs no more than a hit (5 % for noise)", "not_modified", "<=", 1.05, "times"),
    Criterion("a hit in Redis is 3 times as cheap as fastapi-cache2's", "against_cache2", ">=", 3.0, "times"),
    Criterion("a hit in Redis is 1.5 times as cheap as cashews'", "against_cashews", ">=", 1.5, "times"),
)
"""The promises of docs/api-caching.md. CPU for each request is compared: it depends least on what else runs."""


def main(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="of load in each round")] = 2,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="each candidate's turns; the median counts")] = 5,
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
    runnable = [candidate for candidate in CANDIDATES if candidate.can_run]
    missing = [candidate.name for candidate in CANDIDATES if not candidate.can_run]
    turns = turns_of(runnable, rounds)
    samples: defaultdict[tuple[str, Size], list[Speed]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, redis_with_sentinel(Path(name)) as (redis, sentinel):
        told = environment(Path(name), redis, sentinel, ROOT / "kpi/compare/apps")
        with errors.status("measuring") as status:
            for number, (candidate, size) in enumerate(turns, start=1):
                status.update(f"{number} of {len(turns)}: {candidate.name}, {size.name}")
                samples[candidate.name, size].append(measure(candidate, told, Path(name), seconds, size))
    publish(report_of(samples, missing, versions_used()), output, "compare")


def turns_of(runnable: Sequence[Candidate], rounds: int) -> list[tuple[Candidate, Size]]:
    """What is measured, in its order: each candidate in each round, then some at the other sizes."""
    others = [size for size in SIZES if size != AS_USUAL]
    return [(candidate, AS_USUAL) for _ in range(rounds) for candidate in runnable] + [
        (candidate, size) for size in others for candidate in runnable if candidate.name in SCALED
    ]


def median(found: Sequence[Speed]) -> Speed:
    """The median of each figure separately."""
    return Speed(
        statistics.median(one.requests_per_second for one in found),
        statistics.median(one.cpu_microseconds for one in found),
        statistics.median(one.megabytes for one in found),
    )


def versions_used() -> Mapping[str, Mapping[str, str]]:
    """The installed versions of the candidates and of the tools."""
    return {
        "ours": versions(Path(sys.executable), OWN),
        "others": versions(RIVALS_PYTHON, RIVALS),
        "programs": {name: program_version(name) for name in (*PROGRAMS.values(), "wrk") if shutil.which(name)},
    }


def times(one: Sequence[Speed], other: Sequence[Speed]) -> float:
    """How many times the CPU of `other` `one` takes: the median of the rounds' quotients, since a shared machine is now
    fast and now slow.
    """
    return statistics.median(
        mine.cpu_microseconds / theirs.cpu_microseconds for mine, theirs in zip(one, other, strict=True)
    )


def report_of(
    samples: Mapping[tuple[str, Size], Sequence[Speed]],
    missing: Sequence[str],
    used: Mapping[str, Mapping[str, str]],
) -> Report:
    """Speeds of each round by candidate and size, with the promises judged; `missing` couldn't run, `used` are the
    versions.
    """
    speeds = {which: median(found) for which, found in samples.items()}
    usual = {name: speed for (name, size), speed in speeds.items() if size == AS_USUAL}
    figures = {
        criterion.figure: Measurement(
            times(samples[one, AS_USUAL], samples[other, AS_USUAL]), f"CPU of “{one}”, times that of “{other}”"
        )
        for criterion, (one, other) in zip(
            CRITERIA,
            (
                (GATEWAY, NGINX),
                (MEMORY, RAW_MEMORY),
                (UNCACHED, RAW_MEMORY),
                (REDIS, RAW_REDIS),
                (NOT_MODIFIED, MEMORY),
                (CACHE2, REDIS),
                (CASHEWS, REDIS),
            ),
            strict=True,
        )
        if {(one, AS_USUAL), (other, AS_USUAL)} <= samples.keys()
    }
    table = Table(
        ("candidate", "requests/s", "server CPU µs/request"),
        [(name, f"{one.requests_per_second:,.0f}", f"{one.cpu_microseconds:.0f}") for name, one in usual.items()],
    )
    scaling = Table(
        ("of one kilobyte to one worker, but for", "candidate", "requests/s", "server CPU µs/request", "MiB"),
        [
            (size.name, name, f"{one.requests_per_second:,.0f}", f"{one.cpu_microseconds:.0f}", f"{one.megabytes:.0f}")
            for (name, size), one in speeds.items()
            if name in SCALED
        ],
    )
    costs = [(name, one.cpu_microseconds) for name, one in usual.items()]
    title = "A cached answer, one worker each"
    svg = bars(costs, title, "server CPU, µs for each request (less is better)")
    about = {who: ", ".join(f"{name} {version}" for name, version in found.items()) for who, found in used.items()}
    if missing:
        about["NOT MEASURED"] = f"{', '.join(missing)}: the program isn't installed"
    return Report(
        title="Our response cache beside other libraries' and servers'",
        judged=judge(CRITERIA, figures),
        figures=figures,
        about=about,
        parts=[table, scaling, Picture("compare", svg, title)],
        brief=[table],
        data={"speeds": [{"candidate": name, **asdict(size), **asdict(one)} for (name, size), one in speeds.items()]},
    )


def measure(
    candidate: Candidate, told: Mapping[str, str], directory: Path, seconds: int, size: Size = AS_USUAL
) -> Speed:
    """One turn."""
    log = directory / "candidate.log"
    environment_of = {**told, **answers(directory, size.kilobytes), "MODE": candidate.mode}
    with contextlib.ExitStack() as started:
        origin = free_port()
        if candidate.server in ("gateway", "nginx", "varnish"):
            raw = Candidate("origin", "raw", mode="memory", server="granian")
            behind = command(raw, ("127.0.0.1", origin), directory, 0, AS_USUAL)
            started.enter_context(process(behind, {**environment_of, "MODE": "memory"}, directory / "origin.log"))
            wait_for_answer(f"http://127.0.0.1:{origin}/", directory / "origin.log")
        address = (own_address(), GATEWAY_PORT) if candidate.server == "gateway" else ("127.0.0.1", free_port())
        starting = command(candidate, address, directory, origin, size)
        server = started.enter_context(process(starting, environment_of, log))
        url = f"http://{address[0]}:{address[1]}{candidate.path}"
        wait_for_answer(url, log)
        headers = (*BROWSER, *candidate.headers)
        load(url, WARM_UP_SECONDS, headers, size)
        before = cpu_seconds(server)
        requests, rate = load(url, seconds, headers, size)
        if not requests:
            raise RuntimeError(f"{candidate.name} answered nothing within {seconds} s: try --seconds {2 * seconds}")
        used = cpu_seconds(server) - before
        family = [server, *server.children(recursive=True)]
        return Speed(rate, used / requests * 1e6, sum(member.memory_info().rss for member in family) / 2**20)


_NGINX: Final = """
daemon off; {user} pid {home}/nginx.pid; error_log stderr warn; worker_processes {workers};
events {{ worker_connections 4096; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000; open_file_cache max=2000 inactive=60s;
  proxy_cache_path {home}/cache levels=1:2 keys_zone=answers:64m inactive=1h use_temp_path=off;
  server {{
    listen {host}:{port} backlog=1024;
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache answers; proxy_cache_valid 200 1h; }}
  }}
}}
"""


def command(candidate: Candidate, address: tuple[str, int], directory: Path, origin: int, size: Size) -> list[str]:
    """How a candidate is started: so many processes that serve (threads where the server has those), on uvloop."""
    home = Path(tempfile.mkdtemp(dir=directory))
    host, port = address
    match candidate.server:
        case "gateway":
            files = config.files(
                GatewaySettings(limits=UNLIMITED, workers=size.workers),
                load_policy(),
                edge_cidrs=["127.0.0.0/8"],
            )
            behind = f"127.0.0.1:{origin}"
            return ["nginx", "-c", str(write_files(home, files, address=host, api=behind, storefront=behind))]
        case "nginx":
            user = "user root;" if os.geteuid() == 0 else ""
            text = _NGINX.format(home=home, host=host, port=port, origin=origin, workers=size.workers, user=user)
            (home / "nginx.conf").write_text(text)
            return ["nginx", "-c", str(home / "nginx.conf")]
        case "varnish":
            listen = ["-a", f"{host}:{port}", "-b", f"127.0.0.1:{origin}", "-n", str(home), "-j", "none"]
            return ["varnishd", "-F", "-s", "malloc,256m", *listen]
        case "go":
            subprocess.run(["go", "build", "-o", home / "fastest", ROOT / "kpi/compare/apps/fastest.go"], check=True)
            return ["env", f"GOMAXPROCS={size.workers}", str(home / "fastest"), f"{host}:{port}"]
        case "granian":
            return [
                *(sys.executable, "-m", "granian", "--interface", candidate.interface, "--loop", "uvloop", "--no-ws"),
                *("--workers", str(size.workers), "--host", host, "--port", str(port)),
                *("--log-level", "warning", f"{candidate.app}:app"),
            ]
        case "uvicorn":
            return [
                *(str(RIVALS_PYTHON), "-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
                *("--host", host, "--port", str(port), "--log-level", "warning", f"{candidate.app}:app"),
            ]


_KEYS: Final = """
local base = {base}
request = function() return wrk.format(nil, base .. math.random(1, {keys})) end
"""


def load(url: str, seconds: int, headers: tuple[str, ...], size: Size = AS_USUAL) -> tuple[int, float]:
    """Run wrk. Returns the number of requests, and requests a second. Raises RuntimeError if any failed."""
    extra = [part for header in headers for part in ("-H", header)]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if size.keys > 1:
            script.write(_KEYS.format(base=json.dumps(urlsplit(url).path.removesuffix("1")), keys=size.keys))
            script.flush()
            extra += ["-s", script.name]
        asked = ["wrk", "-t1", f"-c{size.connections}", f"-d{seconds}s", *extra, url]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if requests is None or rate is None or "Non-2xx or 3xx" in done.stdout:
        raise RuntimeError(f"{url} didn't answer well under load:\n{done.stdout}")
    return int(requests[1]), float(rate[1])


if __name__ == "__main__":
    typer.run(main)
