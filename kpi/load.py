"""Runs a workload against a server from one or more processes, and records every request.

Visits arrive by the clock, not when the last answer came, so that a slow server meets the same load as a fast one
(no coordinated omission).
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from kpi.http_client import Answer, Client, RequestFailed
from kpi.routes import Catalogue, request_of
from kpi.workload import PUBLIC_READS, STEPS, Action, Visit, Visits, Workload

LAYERS = ("origin", "api", "gateway", "none")
"""Who answered: the database behind the API, the API's own cache (memory or Redis), the gateway's shield; `none` for
answers that no cache may hold."""

Records = npt.NDArray[np.void]
RECORD = np.dtype(
    [
        ("at", np.float64),  # seconds since the run's start when the request was due
        ("seconds", np.float32),  # from sending to the last byte
        ("step", np.uint8),  # index into STEPS
        ("layer", np.uint8),  # index into LAYERS
        ("status", np.uint16),  # 0: no answer
        ("bytes", np.uint32),  # body
    ]
)

_COMMON_HEADERS = {"User-Agent": "simone-kpi", "Accept": "application/json", "Accept-Encoding": "gzip"}


@lru_cache(maxsize=4096)
def layer_of(cache_status: str) -> str:
    """The layer that answered, by `Cache-Status` (RFC 9211): the member nearest to the client that hit."""
    if not cache_status:
        return "none"
    for member in reversed(cache_status.split(",")):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        if "hit" not in parameters:
            continue
        return "gateway" if name == "gateway" else "api"
    return "none" if "fwd=bypass" in cache_status else "origin"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to do: the mix, for how long, against which server.

    `seconds` are the visitors' own; with a `pace` of 10 they pass in a tenth of that time: what caches hold after five
    minutes, in half a minute.
    """

    workload: Workload
    base_url: str
    seconds: float
    catalogue: Catalogue
    sessions_per_second: float
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    only_reads: bool = False
    pace: float = 1.0


class _Visitor:
    """Plays visits on one event loop and writes down what happened."""

    def __init__(self, run: Run, client: Client, started: float) -> None:
        self._run, self._client, self._started = run, client, started
        self._rows: list[tuple[float, float, int, int, int, int]] = []
        self._random = random.Random(run.workload.seed)  # noqa: S311 - a load, not a secret
        self._number = 0

    def records(self) -> Records:
        return np.array(self._rows, dtype=RECORD)

    async def play(self, visit: Visit) -> None:
        headers = {**_COMMON_HEADERS, **self._run.headers, "X-Country": visit.country}
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
            due += await self._step(action, due, headers, cookie, tags) * self._run.pace + action.think

    async def _step(
        self, action: Action, due: float, headers: dict[str, str], cookie: str, tags: dict[str, str]
    ) -> float:
        self._number += 1
        request = request_of(action, self._run.catalogue, self._number)
        sent = {**headers, **dict(request.headers)}
        if request.needs_session and cookie:
            sent["Cookie"] = cookie
        if request.target in tags and self._random.random() < self._run.workload.conditional:
            sent["If-None-Match"] = tags[request.target]
        began = time.perf_counter()
        try:
            answer = await self._client.request(request.method, request.target, sent, request.body)
        except RequestFailed:
            answer = Answer(0, {}, b"")
        took = time.perf_counter() - began
        if tag := answer.headers.get("etag"):
            tags[request.target] = tag
        layer = layer_of(answer.headers.get("cache-status", ""))
        self._rows.append((due, took, STEPS.index(action.step), LAYERS.index(layer), answer.status, answer.size))
        return took


async def _play_part(run: Run, part: int, parts: int, progress: Callable[[int], None]) -> Records:
    async with Client(run.base_url) as client:
        started = time.monotonic()
        visitor = _Visitor(run, client, started)
        visits = Visits(run.workload, part=part, parts=parts, rate=run.sessions_per_second)
        async with asyncio.TaskGroup() as tasks:
            for visit in visits.until(run.seconds):
                await asyncio.sleep(max(0.0, started + visit.start / run.pace - time.monotonic()))
                tasks.create_task(visitor.play(visit))
                progress(1)
        return visitor.records()


def _process(run: Run, part: int, parts: int) -> Records:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_play_part(run, part, parts, lambda _: None))


def play(run: Run, *, processes: int = 1) -> Records:
    """Plays the run and returns a record for each request, ordered by when it was due.

    One process makes about 3,000 requests a second; more of them only help where cores are free of the shop itself.
    """
    if processes == 1:
        records = [_process(run, 0, 1)]
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            futures = [pool.submit(_process, run, part, processes) for part in range(processes)]
            records = [future.result() for future in futures]
    joined: Any = np.concatenate(records)
    return np.sort(joined, order="at")
