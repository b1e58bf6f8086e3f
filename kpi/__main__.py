"""`python -m kpi`: measure the running shop and say, number by number, what the specification's promises came to."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.measure import FULL, QUICK, Addresses, measure
from kpi.observe import ShopNotRunning
from kpi.report import earlier_figures, failures, print_table, rows, write
from kpi.workload import WORKLOAD_FILE, Workload, WorkloadError
from local.secrets_file import ADMIN_TOKEN
from local.state import State

REPORTS = Path("reports/kpi")


def admin_token() -> str:
    """From the environment, or from the local environment's own secrets; without it no stock is written."""
    if ADMIN_TOKEN in os.environ:
        return os.environ[ADMIN_TOKEN]
    file = State(Path(os.environ.get("SIMONE_STATE", ".local"))).root / "secrets.env"
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition("=")[2].strip() for line in lines if line.startswith(f"{ADMIN_TOKEN}=")), "")


def run(
    quick: Annotated[bool, typer.Option(help="within 90 s; fewer samples")] = False,
    workload: Annotated[Path, typer.Option(help="the load mix")] = WORKLOAD_FILE,
    output: Annotated[Path, typer.Option(help="where report.md, .html and .json go")] = REPORTS,
    compare: Annotated[Path | None, typer.Option(help="an earlier report.json to show changes against")] = None,
    processes: Annotated[int, typer.Option(help="load generators; the shop needs cores too", min=1, max=64)] = 1,
) -> None:
    """Measure the running shop (`make up`).

    Exits 1 when a measured criterion isn't met, 2 when nothing can be measured.
    """
    console, errors = Console(), Console(stderr=True)
    previous = compare or output / "report.json"
    try:
        mix = Workload.load(workload)
        earlier = earlier_figures(previous) if previous.exists() else {}
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=errors, transient=True
        ) as progress:
            task = progress.add_task("starting", total=1.0)
            measured = measure(
                mix,
                Addresses(),
                QUICK if quick else FULL,
                admin_token=admin_token(),
                warehouse=WAREHOUSES[0],
                processes=processes,
                report=lambda what, done: progress.update(task, description=what, completed=done),
            )
    except (ShopNotRunning, WorkloadError) as error:
        errors.print(f"[red]error:[/] {error}")
        raise typer.Exit(2) from None
    table = rows(measured, earlier)
    about = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": f"{len(measured.records)} requests in {measured.duration:.0f} s "
        f"({len(measured.records) / max(measured.duration, 1e-9):.0f}/s), seed {mix.seed}",
        "failed requests": f"{measured.figures['failed_share'].value:.2%}",
        "P95 seen by the load generator": f"{measured.figures['client_p95_seconds'].value * 1e3:.1f} ms",
        "load average of the machine": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }
    print_table(table, console)
    for key, value in about.items():
        console.print(f"  {key}: {value}", highlight=False)
    write(output, table, measured, about)
    console.print(f"  written: {output}/report.{{md,html,json}}", highlight=False)
    unmet = failures(table)
    if unmet:
        errors.print(f"[red]{len(unmet)} of {len(table)} criteria are not met or could not be measured[/]")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(run)
