"""`make edge-report`: what gateway and API achieve together on the running shop, under the load mix with its writes."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from app.caching_policy import load as load_policy
from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.__main__ import admin_token
from kpi.browsers import Seen, browsing, picture_hits
from kpi.edge import replay
from kpi.edge.freshness import Freshness, measure
from kpi.figures import of_visits
from kpi.load import LAYERS, Records, Run, play
from kpi.measure import WARM_UP_PACE, Addresses, find_catalogue
from kpi.observe import Observer, Reading, ShopNotRunning
from kpi.workload import PUBLIC_READS, STEPS, Workload, WorkloadError

POLICY: Final = Path(__file__).parents[2] / "app/caching.yaml"
REPORT: Final = Path("reports/edge.json")
REPLAYED_SECONDS: Final = 1800
COLD_SECONDS: Final = 40.0
FRESH_PAGES: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A figure beside what is asked for; `worked_out` ones come from the replay, all others are measured."""

    asks: str
    value: float
    bound: float
    at_least: bool
    unit: str
    how: str
    worked_out: bool = False

    @property
    def met(self) -> bool:
        """Whether it is what is asked for."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def main(
    seconds: Annotated[int, typer.Option(help="of load, after a warm-up of 300 s of it in 30", min=10, max=3600)] = 60,
    writes: Annotated[int, typer.Option(help="products renamed and looked for", min=5, max=1000)] = 100,
    worked_out: Annotated[bool, typer.Option(help="only what needs no running shop")] = False,
    output: Annotated[Path, typer.Option(help="where the figures go as JSON")] = REPORT,
) -> None:
    """Measure and judge; exits 1 if something isn't as asked for, 2 if nothing could be measured."""
    console, errors = Console(), Console(stderr=True)
    addresses = Addresses()
    try:
        mix = Workload.load()
        with console.status("measuring"):
            lines = list(_spared(mix) if worked_out else _lines(mix, addresses, seconds, writes))
    except (ShopNotRunning, WorkloadError, RuntimeError) as error:
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    table = Table("", "asked for", "found", "how")
    for line in lines:
        sign = ">=" if line.at_least else "<="
        table.add_row(
            "pass" if line.met else "FAIL",
            f"{line.asks} ({sign} {_text(line.bound, line.unit)})",
            _text(line.value, line.unit),
            ("worked out: " if line.worked_out else "") + line.how,
        )
    console.print(table)
    console.print("load average of the machine: " + " ".join(f"{value:.1f}" for value in os.getloadavg()))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps([{**asdict(line), "met": line.met} for line in lines], indent=1) + "\n")
    raise typer.Exit(0 if all(line.met for line in lines) else 1)


def _text(value: float, unit: str) -> str:
    match unit:
        case "ratio":
            return f"{value:.1%}"
        case "ms":
            return f"{value * 1e3:.1f} ms"
        case _:
            return f"{value:.0f}"


def _lines(mix: Workload, addresses: Addresses, seconds: int, writes: int) -> Iterator[Line]:
    token = admin_token()
    catalogue = asyncio.run(find_catalogue(addresses, mix, token, WAREHOUSES[0]))
    observer = Observer(addresses.prometheus)

    warm_up = Run(
        workload=mix,
        base_url=addresses.gateway,
        seconds=300,
        catalogue=catalogue,
        sessions_per_second=mix.sessions_per_second,
        stream="warm-up",
        pace=WARM_UP_PACE,
    )
    with browsing(replace(warm_up, seconds=warm_up.seconds / WARM_UP_PACE), pictures=True):
        play(warm_up)
    load = replace(warm_up, seconds=seconds, stream="load", pace=1.0)
    before = asyncio.run(observer.read())
    with browsing(load, pictures=True) as browsers:
        records = play(load).records
    grown = asyncio.run(observer.read()).since(before)
    yield from _ratios(records, mix.steps.mean, browsers.result(), grown)
    renamed = catalogue.products[:writes]
    fresh = asyncio.run(measure(addresses.api, addresses.gateway, list(renamed), token, pages=FRESH_PAGES))
    yield from _fresh(fresh)
    yield from _spared(mix)


def _ratios(records: Records, steps: float, seen: Seen, grown: Reading) -> Iterator[Line]:
    public = np.isin(records["step"], [STEPS.index(step) for step in sorted(PUBLIC_READS)])
    hits = np.isin(records["layer"], (LAYERS.index("api"), LAYERS.index("gateway")))
    for overall in of_visits(records, steps, seen).values():
        yield Line("overall hit ratio", overall.value, 0.70, True, "ratio", overall.method)
    yield Line(
        "hit ratio of public API reads", float(hits[public].mean()), 0.70, True, "ratio", f"{int(public.sum())} reads"
    )
    yield Line(
        "hit ratio of scripts, styles and fonts", seen.ratio("static"), 0.90, True, "ratio",
        f"{seen.answers['static']} files; of {seen.answers['image']} pictures, which a shield has to collect first, it "
        f"had {seen.ratio('image'):.1%} so soon",
    )  # fmt: skip
    sent, fetched = grown.total("gateway_response_bytes_total"), grown.total("gateway_origin_bytes_total")
    yield Line(
        "origin bytes of what clients get", fetched / max(1.0, sent), 0.50, False, "ratio",
        f"{fetched / 1e6:.1f} MB from the origins, {sent / 1e6:.1f} MB to clients, by the gateway's counters",
    )  # fmt: skip
    failed = float(np.sum((records["status"] == 0) | (records["status"] >= 500))) + seen.failed
    yield Line("requests without a good answer", failed, 0, False, "", "no answer, or a 5xx")


def _fresh(fresh: Freshness) -> Iterator[Line]:
    for place in ("api", "gateway"):
        times = fresh.seconds[place]
        yield Line(
            f"write to fresh at the {place}, p99", float(np.quantile(times, 0.99)), 0.1, False, "ms",
            f"{len(times)} writes, p50 {np.quantile(times, 0.5) * 1e3:.1f} ms, the read's own time included",
        )  # fmt: skip
        yield Line(f"first reads at the {place} with the old value", fresh.stale[place], 0, False, "", "of those")
    times = fresh.seconds["page"]
    yield Line(
        "write to fresh on a page, slowest", max(times), 10.0, False, "ms",
        f"{len(times)} product pages, made anew by the storefront after the worker's purge",
    )  # fmt: skip


def _spared(mix: Workload) -> Iterator[Line]:
    asked = list(replay.reads(mix, load_policy(POLICY), REPLAYED_SECONDS))
    half = REPLAYED_SECONDS / 2
    bare = replay.play(asked, shield=False, after=half)
    whole = replay.play(asked, after=half)
    strict = replay.play(asked, stale=False, after=half)
    how = f"{whole.reads} reads in {half / 60:.0f} min, {replay.PLACES_IN_A_COUNTRY} places of the edge in each country"
    yield Line(
        "origin requests spared by the shield", 1 - whole.origin / bare.origin, 0.30, True, "ratio",
        f"{how}: {bare.origin} without, {whole.origin} with it", worked_out=True,
    )  # fmt: skip
    yield Line(
        "origin requests that no visitor waits for, by SWR", 1 - whole.waited / strict.waited, 0.40, True, "ratio",
        f"{how}: {strict.waited} waited for without, {whole.waited} with it", worked_out=True,
    )  # fmt: skip
    yield Line(
        "hit ratio of pictures, caches filled", picture_hits(mix, REPLAYED_SECONDS), 0.90, True, "ratio",
        f"the second half of {REPLAYED_SECONDS / 60:.0f} min at a shield that began empty", worked_out=True,
    )  # fmt: skip
    cold = replay.play(asked, edge=False, after=0, until=COLD_SECONDS)
    warm = replay.play(asked, edge=False, after=half)
    yield Line(
        "public reads from the gateway alone, caches filled", warm.served, 0.70, True, "ratio",
        f"an empty gateway's first {COLD_SECONDS:.0f} s: {cold.served:.1%}, whatever the machine", worked_out=True,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
