"""`python -m kpi.database`: what the database does with queries."""

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import quote

import boto3
import typer
from botocore.exceptions import BotoCoreError
from dotenv import dotenv_values
from rich.console import Console
from rich.status import Status

from app.database import failures
from kpi.database.address import Address, BadAddress
from kpi.database.before_after import SIZE
from kpi.database.slow_queries import rds_log
from kpi.database.slow_queries.log_entries import UnreadableLog
from kpi.database.slow_queries.report import TOP, SlowQueries, find_slow_queries, report_of
from kpi.database.slow_queries.statistics import NoStatistics
from kpi.report import publish
from local.state import State

app = typer.Typer(help="What the database does with queries.", no_args_is_help=True, pretty_exceptions_enable=False)
URL_VARIABLE = "DATABASE_URL"


def _tell(message: str) -> None:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)


def _fail(message: str) -> NoReturn:
    _tell(message)
    raise typer.Exit(1)


def database_url() -> str:
    """The database to look at: DATABASE_URL, read from the environment so that no shell or make touches its & and $."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        return given
    secrets = State.here().secrets
    password = dotenv_values(secrets).get("POSTGRES_OWNER") if secrets.exists() else None
    if not password:
        _fail(
            f"{URL_VARIABLE} is not set, and no local environment was ever started here ({secrets} is missing): "
            f"run make up, or set {URL_VARIABLE}=postgresql://user:password@host:5432/database"
        )
    return f"postgresql://simone_owner:{quote(password, safe='')}@127.0.0.1:5432/simone"


def _asked() -> str:
    """The database's name in messages."""
    return URL_VARIABLE if os.environ.get(URL_VARIABLE) else "the local database (make up starts it)"


def _download(instance: str, directory: Path) -> list[Path]:
    try:
        client: rds_log.Client = boto3.client("rds")  # pyright: ignore[reportUnknownMemberType]
    except BotoCoreError as error:
        raise rds_log.NoLog(f"the log of {instance} can't be read: {error}") from None
    return rds_log.download(client, instance, directory)


def _status(text: str) -> Status:
    """A terminal's status line during the work."""
    return Console(stderr=True).status(text)


def _reports() -> Path:
    return State.here().root / "reports"


_Output = Annotated[
    Path | None, typer.Option(help="Directory for the report; default: reports/ in the state directory.")
]


@app.command("db-report")
def db_report(
    products: Annotated[int, typer.Option(min=1000, help="Products in the measured database.")] = SIZE.products,
    orders: Annotated[int, typer.Option(min=1000, help="Orders in the measured database.")] = SIZE.orders,
    output: _Output = None,
) -> None:
    """Measure every query without and with indexes and rewrites, on a Postgres of its own. Exit code 1: too slow."""
    size = replace(
        SIZE,
        products=products,
        orders=orders,
        reviews=orders * SIZE.reviews // SIZE.orders,
        users=max(orders // 20, 1000),
    )
    from kpi.database.before_after import report as before_after  # noqa: PLC0415 - it draws: seconds of imports

    with _status("starting Postgres") as status:
        measured = before_after.measure_on_own_server(size, status.update)
    publish(before_after.report_of(measured), output or _reports(), "db-report")


@app.command("pool-report")
def pool_report(
    seconds: Annotated[float, typer.Option(min=2, help="How long each number of visitors is measured.")] = 15,
    output: _Output = None,
) -> None:
    """Measure how full pgBouncer's pool gets, on a Postgres of its own. Exit code 1: no load uses 40 to 70 % of it."""
    from kpi.database import pool  # noqa: PLC0415 - as above

    with _status("starting Postgres") as status:
        levels = pool.measure_pool(seconds, status.update)
    publish(pool.report_of(levels), output or _reports(), "pool-report")


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
    output: _Output = None,
) -> None:
    """Report the statements of the database at DATABASE_URL that cost most, and what is wrong with each. Reads only."""
    url = database_url()
    try:
        if not_taken := Address.parse(url).not_taken:
            _tell(f"{URL_VARIABLE}: ignored, since nothing here implements them: {', '.join(not_taken)}")
        with tempfile.TemporaryDirectory() as downloads, _status("reading statistics and logs") as status:

            def find(logs: list[Path]) -> SlowQueries:
                def progress(done: int, of: int) -> None:
                    status.update(f"explaining {done} of {of}")

                return asyncio.run(find_slow_queries(url, top=top, logs=logs, progress=progress))

            downloaded = _download(rds, Path(downloads)) if rds else []
            try:
                found = find([*(log or []), *downloaded])
            except UnreadableLog as error:
                # The hour of an instance's log wasn't chosen, so it may well hold nothing slow.
                if log:
                    raise
                _tell(f"the log of {rds} is left aside: {error}")
                found = find([])
    except ValueError:
        # The parser's own words may quote a piece of the password.
        _fail(f"{URL_VARIABLE} is not a Postgres URL: postgresql://user:password@host:5432/database, with %40 for an @")
    except BadAddress as error:
        _fail(f"{URL_VARIABLE}: {error}")
    except (rds_log.NoLog, UnreadableLog) as error:
        _fail(str(error))
    except (NoStatistics, *failures.ANY) as error:
        _fail(f"{_asked()}: {type(error).__name__}: {error}")
    publish(report_of(found), output or _reports(), "slow-queries")


if __name__ == "__main__":
    app()
