"""`make edge-report`: what gateway and API achieve together on the running shop, under the load mix with its writes."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console

from app.caching_policy import load as load_policy
from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.__main__ import admin_token
from kpi.browsers import ResponseCounts, browsing, picture_hits
from kpi.criterion import Criterion, Measurement, judge
from kpi.edge import replay
from kpi.edge.freshness import Freshness, measure
from kpi.figures import of_visits
from kpi.load import LAYERS, Records, Run, play
from kpi.measure import WARM_UP_PACE, Addresses, find_catalogue
from kpi.observe import Observer, Reading, ShopNotRunning
from kpi.report import Report, publish
from kpi.workload import PUBLIC_READS, STEPS, Workload, WorkloadError

REPLAYED_SECONDS: Final = 1800
COLD_SECONDS: Final = 40.0
FRESH_PAGES: Final = 5

MEASURED: Final = (
    Criterion("overall hit ratio >= 70 %", "overall_hit_ratio", ">=", 0.70, "ratio"),
    Criterion("hit ratio of public API reads >= 70 %", "public_hit_ratio", ">=", 0.70, "ratio"),
    Criterion("hit ratio of scripts, styles and fonts >= 90 %", "static_hit_ratio", ">=", 0.90, "ratio"),
    Criterion("origin bytes of what clients get <= 50 %", "origin_bytes", "<=", 0.50, "ratio"),
    Criterion("no request without a good response", "failed", "<=", 0),
    Criterion("write to fresh at the api, p99 <= 100 ms", "api_fresh_p99", "<=", 0.1, "seconds"),
    Criterion("no first read at the api with the old value", "api_stale", "<=", 0),
    Criterion("write to fresh at the gateway, p99 <= 100 ms", "gateway_fresh_p99", "<=", 0.1, "seconds"),
    Criterion("no first read at the gateway with the old value", "gateway_stale", "<=", 0),
    Criterion("write to fresh on a page, slowest <= 10 s", "page_fresh", "<=", 10, "seconds"),
)
WORKED_OUT: Final = (
    Criterion("origin requests spared by the shield >= 30 %", "shield_spared", ">=", 0.30, "ratio"),
    Criterion("origin requests that no visitor waits for, by SWR >= 40 %", "swr_spared", ">=", 0.40, "ratio"),
    Criterion("hit ratio of pictures, caches filled >= 90 %", "picture_hits", ">=", 0.90, "ratio"),
    Criterion("public reads from the gateway alone, caches filled >= 70 %", "gateway_alone", ">=", 0.70, "ratio"),
)
"""From the replay in virtual time: nothing is measured for them."""


def main(
    seconds: Annotated[int, typer.Option(help="of load, after a warm-up of 300 s of it in 30", min=10, max=3600)] = 60,
    writes: Annotated[int, typer.Option(help="products renamed and looked for", min=5, max=1000)] = 100,
    worked_out: Annotated[bool, typer.Option(help="only what needs no running shop")] = False,
    output: Annotated[Path, typer.Option(help="where edge.md, .html and .json go")] = Path("reports"),
) -> None:
    """Measure and judge; exits 1 if something isn't as asked for, 2 if nothing could be measured."""
    errors = Console(stderr=True)
    try:
        mix = Workload.load()
        with errors.status("measuring"):
            figures = {} if worked_out else _measured(mix, Addresses(), seconds, writes)
            figures |= _spared(mix)
    except (ShopNotRunning, WorkloadError, RuntimeError) as error:
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    report = Report(
        title="What the caches before the origin achieve",
        judged=judge(WORKED_OUT if worked_out else MEASURED + WORKED_OUT, figures),
        figures=figures,
        about={"load average of the machine": load},
    )
    publish(report, output, "edge")


def _measured(mix: Workload, addresses: Addresses, seconds: int, writes: int) -> dict[str, Measurement]:
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
    figures = _ratios(records, mix.steps.mean, browsers.result(), grown)
    renamed = catalogue.products[:writes]
    fresh = asyncio.run(measure(addresses.api, {"gateway": addresses.gateway}, list(renamed), token, pages=FRESH_PAGES))
    return figures | _fresh(fresh)


def _ratios(records: Records, steps: float, seen: ResponseCounts, grown: Reading) -> dict[str, Measurement]:
    public = np.isin(records["step"], [STEPS.index(step) for step in sorted(PUBLIC_READS)])
    hits = np.isin(records["layer"], (LAYERS.index("api"), LAYERS.index("gateway")))
    sent, fetched = grown.total("gateway_response_bytes_total"), grown.total("gateway_origin_bytes_total")
    failed = float(np.sum((records["status"] == 0) | (records["status"] >= 500))) + seen.failed
    return of_visits(records, steps, seen) | {
        "public_hit_ratio": Measurement(float(hits[public].mean()), f"{int(public.sum())} reads"),
        "static_hit_ratio": Measurement(
            seen.ratio("static"),
            f"{seen.answers['static']} files; of {seen.answers['image']} pictures, which a shield has to collect "
            f"first, it had {seen.ratio('image'):.1%} so soon",
        ),
        "origin_bytes": Measurement(
            fetched / max(1.0, sent),
            f"{fetched / 1e6:.1f} MB from the origins, {sent / 1e6:.1f} MB to clients, by the gateway's counters",
        ),
        "failed": Measurement(failed, "no response, or a 5xx"),
    }


def _fresh(fresh: Freshness) -> dict[str, Measurement]:
    figures: dict[str, Measurement] = {}
    for place in ("api", "gateway"):
        times = fresh.seconds[place]
        figures[f"{place}_fresh_p99"] = Measurement(
            float(np.quantile(times, 0.99)),
            f"{len(times)} writes, p50 {np.quantile(times, 0.5) * 1e3:.1f} ms, the read's own time included",
        )
        figures[f"{place}_stale"] = Measurement(fresh.stale[place], "of those")
    times = fresh.seconds["page"]
    how = f"{len(times)} product pages, made anew by the storefront after the worker's purge"
    return figures | {"page_fresh": Measurement(max(times), how)}


def _spared(mix: Workload) -> dict[str, Measurement]:
    asked = list(replay.reads(mix, load_policy(), REPLAYED_SECONDS))
    half = REPLAYED_SECONDS / 2
    bare = replay.play(asked, shield=False, after=half)
    whole = replay.play(asked, after=half)
    strict = replay.play(asked, stale=False, after=half)
    cold = replay.play(asked, edge=False, after=0, until=COLD_SECONDS)
    how = f"{whole.reads} reads in {half / 60:.0f} min, {replay.PLACES_IN_A_COUNTRY} places of the edge in each country"
    found = {
        "shield_spared": (1 - whole.origin / bare.origin, f"{how}: {bare.origin} without, {whole.origin} with it"),
        "swr_spared": (
            1 - whole.waited / strict.waited,
            f"{how}: {strict.waited} waited for without, {whole.waited} with it",
        ),
        "picture_hits": (
            picture_hits(mix, REPLAYED_SECONDS),
            f"the second half of {REPLAYED_SECONDS / 60:.0f} min at a shield that began empty",
        ),
        "gateway_alone": (
            replay.play(asked, edge=False, after=half).served,
            f"an empty gateway's first {COLD_SECONDS:.0f} s: {cold.served:.1%}, whatever the machine",
        ),
    }
    return {name: Measurement(value, f"worked out: {method}") for name, (value, method) in found.items()}


if __name__ == "__main__":
    typer.run(main)
