"""`python -m kpi`: measures the running shop and judges each number of the specification."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.measure import FULL, QUICK, Addresses, measure
from kpi.observe import ShopNotRunning
from kpi.report import Earlier, NotAReport, as_json, earlier_run, publish
from kpi.run_report import about_run, report_of
from kpi.workload import WORKLOAD_FILE, Workload, WorkloadError
from local import secrets_file
from local.environment import Environment
from local.problem import Problem
from local.secrets_file import ADMIN_TOKEN
from local.state import State

REPORTS = Path("reports/kpi")


def admin_token() -> str:
    """The administrator's token, from the environment or the local secrets; empty: no stock is written."""
    if ADMIN_TOKEN in os.environ:
        return os.environ[ADMIN_TOKEN]
    state = State.here()
    return secrets_file.load(state)[ADMIN_TOKEN] if state.secrets.exists() else ""


def run(  # noqa: PLR0917 - options of a command line
    quick: Annotated[bool, typer.Option(help="within 90 s; fewer samples, colder caches")] = False,
    workload: Annotated[Path, typer.Option(help="the load mix")] = WORKLOAD_FILE,
    output: Annotated[Path, typer.Option(help="where report.md, .html and .json go, with plots")] = REPORTS,
    compare: Annotated[Path | None, typer.Option(help="an earlier report.json to show changes against")] = None,
    processes: Annotated[int, typer.Option(help="load generators; the shop needs cores too", min=1, max=64)] = 1,
    outages: Annotated[bool, typer.Option(help="stop nodes of a Redis cache for some seconds")] = True,
) -> None:
    """Measure the running shop (`make up`).

    Exits 1 when a measured criterion isn't met, 2 when nothing can be measured.
    """
    errors = Console(stderr=True)
    durations, mode = (QUICK, "quick") if quick else (FULL, "full")
    try:
        mix = Workload.load(workload)
        earlier = _earlier(compare, output / "report.json", mode)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=errors, transient=True
        ) as progress:
            task = progress.add_task("starting", total=1.0)
            measured = measure(
                mix,
                Addresses(),
                durations,
                environment=Environment(),
                admin_token=admin_token(),
                warehouse=WAREHOUSES[0],
                processes=processes,
                outages=outages,
                report=lambda what, done: progress.update(task, description=what, completed=done),
            )
    except (ShopNotRunning, WorkloadError, NotAReport, Problem) as error:
        errors.print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(2) from None
    report = report_of(measured, about_run(mode, durations, measured, mix, earlier), earlier and earlier.figures)
    output.mkdir(parents=True, exist_ok=True)
    # One line a run, to draw trends from.
    with (output / "history.jsonl").open("a") as history:
        history.write(json.dumps(json.loads(as_json(report))) + "\n")
    publish(report, output, "report")


def _earlier(named: Path | None, last: Path, mode: str) -> Earlier | None:
    """The named run, else the last one if it was of the same mode: a quick run has colder caches."""
    if named is not None:
        return earlier_run(named)
    if not last.exists():
        return None
    found = earlier_run(last)
    return found if found.about.get("mode") == mode else None


if __name__ == "__main__":
    typer.run(run)
