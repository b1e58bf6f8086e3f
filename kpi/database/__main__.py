"""`python -m kpi.database`: what the database does with queries."""

import asyncio
import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import quote

import boto3
import typer
from botocore.exceptions import BotoCoreError
from dotenv import dotenv_values
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.database import failures
from kpi.database.before_after.report import SIZE
from kpi.database.before_after.report import make_report as write_db_report
from kpi.database.pool import measure_pool
from kpi.database.pool_report import HEADINGS, cells, conclusion
from kpi.database.pool_report import markdown as pool_page
from kpi.database.slow_queries import rds_log
from kpi.database.slow_queries.report import TOP, Report, html, make_report, markdown, terminal_table
from kpi.database.slow_queries.statistics import NoStatistics

app = typer.Typer(help="What the database does with queries.", no_args_is_help=True, pretty_exceptions_enable=False)
URL_VARIABLE = "DATABASE_URL"
WIDE = 160
"""Characters in a line of a file or a log."""


def _console() -> Console:
    """For the tables: wide where no terminal says how wide."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    return console


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _state() -> Path:
    return Path(os.environ.get("SIMONE_STATE") or ".local")


def database_url() -> str:
    """The database to look at: DATABASE_URL, read from the environment so that no shell or make touches its & and $."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        return given
    secrets = _state() / "secrets.env"
    password = dotenv_values(secrets).get("POSTGRES_OWNER") if secrets.exists() else None
    if not password:
        _fail(
            f"{URL_VARIABLE} is not set, and no local environment was ever started here ({secrets} is missing): "
            f"run make up, or set {URL_VARIABLE}=postgresql://user:password@host:5432/database"
        )
    return f"postgresql://simone_owner:{quote(password, safe='')}@127.0.0.1:5432/simone"


def _asked() -> str:
    """Which database was asked, for a message."""
    return URL_VARIABLE if os.environ.get(URL_VARIABLE) else "the local database (make up starts it)"


def _download(instance: str, directory: Path, console: Console) -> list[Path]:
    with console.status(f"reading the log of {instance}") if console.is_terminal else nullcontext():
        try:
            client: rds_log.Client = boto3.client("rds")  # pyright: ignore[reportUnknownMemberType]
        except BotoCoreError as error:
            raise rds_log.NoLog(f"the log of {instance} can't be read: {error}") from None
        return rds_log.download(client, instance, directory)


@app.command("db-report")
def db_report(
    products: Annotated[int, typer.Option(min=1000, help="Products in the measured database.")] = SIZE.products,
    orders: Annotated[int, typer.Option(min=1000, help="Orders in the measured database.")] = SIZE.orders,
    output: Annotated[
        Path | None,
        typer.Option(help="Directory for db-report.md, .html, .json, .svg; default: reports/ in the state directory."),
    ] = None,
) -> None:
    """Measure every query without and with indexes and rewrites, on a Postgres of its own. Exit code 1: too slow."""
    directory = output or _state() / "reports"
    size = replace(
        SIZE,
        products=products,
        orders=orders,
        reviews=orders * SIZE.reviews // SIZE.orders,
        users=max(orders // 20, 1000),
    )
    console = _console()
    with console.status("starting Postgres") if console.is_terminal else nullcontext() as status:
        measured = write_db_report(directory, size, lambda text: status.update(text) if status else None)
    table = Table(title="Queries before and after")
    for heading in ("criterion", "measured", "met"):
        table.add_column(heading)
    for asked, found, met in measured.criteria():
        table.add_row(asked, found, "yes" if met else "NO")
    console.print(table)
    console.print(f"details in {directory / 'db-report.md'}", markup=False)
    if not all(met for _, _, met in measured.criteria()):
        raise typer.Exit(1)


@app.command("pool-report")
def pool_report(
    seconds: Annotated[float, typer.Option(min=2, help="How long each number of visitors is measured.")] = 15,
    output: Annotated[
        Path | None, typer.Option(help="Directory for pool-report.md; default: reports/ in the state directory.")
    ] = None,
) -> None:
    """Measure how full pgBouncer's pool gets, on a Postgres of its own. Exit code 1: no load uses 40 to 70 % of it."""
    directory = output or _state() / "reports"
    console = _console()
    with console.status("starting Postgres") if console.is_terminal else nullcontext() as status:
        levels = measure_pool(seconds, lambda text: status.update(text) if status else None)
    table = Table(title="pgBouncer's pool")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for row in cells(levels):
        table.add_row(*row)
    console.print(table)
    console.print(conclusion(levels), markup=False, highlight=False)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pool-report.md").write_text(pool_page(levels), encoding="utf-8")
    console.print(f"written: {directory / 'pool-report.md'}", markup=False)
    if not any(level.healthy for level in levels):
        raise typer.Exit(1)


@app.callback()
def commands() -> None:
    """What the database does with queries."""


@app.command("slow-queries")
def slow_queries(
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many statements, by total time.")] = TOP,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help="A Postgres log (of RDS: downloaded); repeatable."
        ),
    ] = None,
    rds: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANCE",
            help=f"An RDS instance, whose log of the last {rds_log.DAYS} days is read too. Credentials and region: as "
            "the AWS CLI finds them.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Directory for slow-queries.md and .html; default: reports/ in the state directory."),
    ] = None,
) -> None:
    """Report the statements of the database at DATABASE_URL that cost most, and what is wrong with each. Reads only."""
    directory = output or _state() / "reports"
    console = _console()
    url = database_url()

    async def make(logs: list[Path]) -> Report:
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("explaining", total=None)
            return await make_report(
                url, top=top, logs=logs, progress=lambda done, of: progress.update(task, completed=done, total=of)
            )

    try:
        with tempfile.TemporaryDirectory() as downloads:
            downloaded = _download(rds, Path(downloads), console) if rds else []
            report = asyncio.run(make([*(log or []), *downloaded]))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "slow-queries.md").write_text(markdown(report), encoding="utf-8")
        (directory / "slow-queries.html").write_text(html(report), encoding="utf-8")
    except ValueError:
        # The parser's own words may quote a piece of the password.
        _fail(f"{URL_VARIABLE} is not a Postgres URL: postgresql://user:password@host:5432/database, with %40 for an @")
    except rds_log.NoLog as error:
        _fail(str(error))
    except (NoStatistics, *failures.ANY) as error:
        _fail(f"{_asked()}: {type(error).__name__}: {error}")
    console.print(terminal_table(report))
    faults = ", ".join(f"{count} {category}" for category, count in sorted(report.counts().items()))
    console.print(
        f"{faults or 'no statements yet'}; details in {directory / 'slow-queries.md'} and .html", markup=False
    )


if __name__ == "__main__":
    app()
