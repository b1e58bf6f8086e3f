"""Runs a workload against a server from one or more processes, and records every request.

Visits arrive by the clock, not after the last response, so that a slow server gets the same load as a fast one (no
coordinated omission).
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from kpi.http_client import Client, RequestFailed, Response
from kpi.routes import Catalogue, request_of
from kpi.workload import PUBLIC_READS, STEPS, Action, Visit, Visits, Workload
from local.edge.vcl import COUNTRY_HEADER

LAYERS = ("origin", "api", "gateway", "edge", "none")
"""Who served a response: the database behind the API, the API's own cache (memory or Redis), the gateway's shield, the
stand-in for the edge; `none` for responses that no cache may store."""
EDGE_HITS = frozenset({"HIT", "STALE", "UPDATING", "REVALIDATED"})
"""The values of `CF-Cache-Status` for the edge's own responses; app/operations/cdn_exporter.py counts the same."""

Records = npt.NDArray[np.void]
RECORD = np.dtype(
    [
        ("at", np.float64),  # seconds since the run's start when the request was due
        ("late", np.float32),  # seconds from when it was due until it was sent: the load generator's own delay
        ("seconds", np.float32),  # from sending to the last byte
        ("key", np.uint64),  # hash of target and country: equal for the same response
        ("step", np.uint8),  # index into STEPS
        ("layer", np.uint8),  # index into LAYERS
        ("status", np.uint16),  # 0: no response
        ("bytes", np.uint32),  # body
    ]
)

_COMMON_HEADERS = {"User-Agent": "simone-kpi", "Accept": "application/json", "Accept-Encoding": "gzip"}


@lru_cache(maxsize=4096)
def layer_of(cache_status: str, edge: str = "") -> str:
    """The layer that answered, by `Cache-Status` (RFC 9211): the member nearest to the client that hit; `edge` is what
    `CF-Cache-Status` says.
    """
    if edge in EDGE_HITS:
        return "edge"
    if not cache_status:
        return "none"
    for member in reversed(cache_status.split(",")):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        if "hit" not in parameters:
            continue
        return "gateway" if name == "gateway" else "api"
    return "none" if "fwd=bypass" in cache_status else "origin"


def answered_by(answer: Response) -> str:
    """The layer that served a response."""
    return layer_of(answer.headers.get("cache-status", ""), answer.headers.get("cf-cache-status", ""))


def place_of(country: str) -> dict[str, str]:
    """The headers that say where a visitor is: to the gateway, as the edge does, and to the edge's stand-in."""
    return {"X-Country": country, COUNTRY_HEADER: country}


STARTING_SECONDS = 2.0
"""How long the load generators take to start; then they begin together."""


@lru_cache(maxsize=1 << 16)
def key_of(target: str, country: str) -> int:
    """A hash that is equal for requests which caches may serve with one response."""
    return int.from_bytes(blake2b(f"{country} {target}".encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run: the mix, its length, the server. Each `stream` has visits of its own.

    `seconds` are the visitors' own; with a `pace` of 10 they pass in a tenth of that time.
    """

    workload: Workload
    base_url: str
    seconds: float
    catalogue: Catalogue
    sessions_per_second: float
    stream: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    only_reads: bool = False
    pace: float = 1.0


class _Visitor:
    """Plays visits on one event loop and records their requests."""

    def __init__(self, run: Run, client: Client, started: float) -> None:
        self._run, self._client, self._started = run, client, started
        self._rows: list[tuple[float, float, float, int, int, int, int, int]] = []
        self._random = random.Random(run.workload.seed)  # noqa: S311 - a load, not a secret
        self._number = 0

    def records(self) -> Records:
        return np.array(self._rows, dtype=RECORD)

    async def play(self, visit: Visit) -> None:
        headers = {**_COMMON_HEADERS, **self._run.headers, **place_of(visit.country)}
        # Each visitor has an address of their own, as behind the edge; the gateway limits requests by address.
        number = self._random.getrandbits(24)
        headers["CF-Connecting-IP"] = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        cookies = self._run.catalogue.cookies
        cookie = cookies[visit.user % len(cookies)] if visit.user is not None and cookies else ""
        tags: dict[str, str] = {}
        due = visit.start
        for action in visit.actions:
            if self._run.only_reads and action.step not in PUBLIC_READS:
                continue
            if due > self._run.seconds:
                return
            await asyncio.sleep(max(0.0, self._started + due / self._run.pace - time.monotonic()))
            due = await self._step(action, due, headers, cookie, tags) + action.think

    async def _step(
        self, action: Action, due: float, headers: dict[str, str], cookie: str, tags: dict[str, str]
    ) -> float:
        """Sends the step's request; returns when its response came, in the visitors' own seconds."""
        self._number += 1
        request = request_of(action, self._run.catalogue, self._number)
        sent = {**headers, **dict(request.headers)}
        if request.needs_session and cookie:
            sent["Cookie"] = cookie
        if request.target in tags and self._random.random() < self._run.workload.conditional:
            sent["If-None-Match"] = tags[request.target]
        late = time.monotonic() - self._started - due / self._run.pace
        began = time.perf_counter()
        try:
            answer = await self._client.request(request.method, request.target, sent, request.body)
        except RequestFailed:
            answer = Response(0, {}, b"")
        took = time.perf_counter() - began
        if tag := answer.headers.get("etag"):
            tags[request.target] = tag
        layer = answered_by(answer)
        key = key_of(request.target, headers["X-Country"])
        step = STEPS.index(action.step)
        self._rows.append((due, late, took, key, step, LAYERS.index(layer), answer.status, answer.size))
        return due + (max(0.0, late) + took) * self._run.pace


async def _play_part(run: Run, part: int, parts: int, started: float) -> Records:
    async with Client(run.base_url) as client:
        visitor = _Visitor(run, client, started)
        visits = Visits(run.workload, part=part, parts=parts, rate=run.sessions_per_second, stream=run.stream)
        async with asyncio.TaskGroup() as tasks:
            for visit in visits.until(run.seconds):
                await asyncio.sleep(max(0.0, started + visit.start / run.pace - time.monotonic()))
                tasks.create_task(visitor.play(visit))
        return visitor.records()


def _process(run: Run, part: int, parts: int, started: float) -> tuple[Records, float]:
    begun = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_play_part(run, part, parts, started)), time.process_time() - begun


@dataclass(frozen=True)
class Played:
    """A record for each request, ordered by when it was due. `cpu_seconds` is what all generators used themselves."""

    records: Records
    cpu_seconds: float


def play(run: Run, *, processes: int = 1, started: float | None = None) -> Played:
    """Plays the run, each part in its own process, so that nothing else in this program delays it.

    One process makes about 3,000 requests a second; more of them only help where cores are free of the shop itself.
    `started`: when to begin, on the monotonic clock; soon, without it.
    """
    begin = time.monotonic() + STARTING_SECONDS if started is None else started
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_process, run, part, processes, begin) for part in range(processes)]
        parts = [future.result() for future in futures]
    joined: Any = np.concatenate([records for records, _ in parts])
    return Played(np.sort(joined, order="at"), sum(seconds for _, seconds in parts))
