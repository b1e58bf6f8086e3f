"""The load mix at the stand-in for the edge: each of its places has its share of the visitors."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from kpi.browsers import ResponseCounts, browsing
from kpi.criterion import Measurement
from kpi.edge import freshness
from kpi.figures import of_edge
from kpi.load import STARTING_SECONDS, Records, Run, play
from kpi.observe import Observer


@dataclass(frozen=True)
class EdgeRun:
    """Seconds of warm-up (played at `pace`) and of load, and how many writes are looked for afterwards."""

    warm_up: float
    pace: float
    load: float
    writes: int

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return self.warm_up + self.load + 2 * STARTING_SECONDS


def at_the_edge(
    run: Callable[..., Run], edge: EdgeRun, api: str, places: Sequence[str], *, observer: Observer, admin_token: str
) -> dict[str, Measurement]:
    """Measure what visitors get at the places. `run` makes a run from a stream's name and its visitors' seconds."""
    _play("edge warm-up", run, places, edge.warm_up, edge.pace)
    before = asyncio.run(observer.read())
    records, seen = _play("edge", run, places, edge.load, 1.0)
    fetched = asyncio.run(observer.read()).since(before).total("gateway_response_bytes_total")
    whole, fresh = run("edge", edge.load), None
    if admin_token:
        written = list(whole.catalogue.products[: edge.writes])
        readers = {f"edge {place}": place for place in places}
        fresh = asyncio.run(freshness.measure(api, readers, written, admin_token, pages=0))
    return of_edge(np.concatenate(records), whole.workload.steps.mean, seen, fetched, fresh)


def _play(
    stream: str, run: Callable[..., Run], places: Sequence[str], seconds: float, pace: float
) -> tuple[list[Records], list[ResponseCounts]]:
    part = run(stream, seconds * pace, pace=pace)
    part = replace(part, sessions_per_second=part.sessions_per_second / len(places))
    with ExitStack() as stack:
        shares = [replace(part, base_url=place, stream=f"{stream} {place}") for place in places]
        seen = [stack.enter_context(browsing(replace(share, seconds=seconds), pictures=False)) for share in shares]
        threads = stack.enter_context(ThreadPoolExecutor(len(shares)))
        records = [played.records for played in threads.map(play, shares)]
        return records, [browsers.result() for browsers in seen]
