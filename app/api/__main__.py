"""`python -m app.api`: serve, run the worker, migrate, seed, purge, print the OpenAPI document."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from app.api import logs
from app.api.settings import Settings, SettingsError, load
from app.caching_policy import Policy, PolicyError
from app.caching_policy import load as load_policy
from app.database import failures
from app.reachable import wait_until_reachable

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)


def _fail(message: str) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(1)


def _prepare() -> tuple[Settings, Policy]:
    """Read the settings and the cache policy. A mistake in them ends the program before anything starts."""
    try:
        settings = load()
        policy = load_policy(settings.caching_policy)
    except (SettingsError, PolicyError) as error:
        raise _fail(str(error)) from error
    logs.configure(settings.log_level)
    return settings, policy


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        asyncio.run(work())
    except SettingsError as error:
        raise _fail(str(error)) from error
    except failures.ANY as error:
        raise _fail(f"the database refused or can't be reached: {error}") from error


def _dsn(settings: Settings) -> str:
    """The database's address for a Job, once the database accepts connections."""
    wait_until_reachable(settings.database_host, settings.database_port)
    password = quote(settings.required_secret(settings.database_password_name).get_secret_value(), safe="")
    user, name = quote(settings.database_user, safe=""), quote(settings.database_name, safe="")
    host = f"[{settings.database_host}]" if ":" in settings.database_host else settings.database_host
    return f"postgresql://{user}:{password}@{host}:{settings.database_port}/{name}"


@cli.command()
def serve() -> None:
    """Serve the API until told to stop."""
    settings, _ = _prepare()
    try:
        settings.required_secret(settings.database_password_name)
    except SettingsError as error:
        raise _fail(str(error)) from error
    if not settings.redis_sentinels:
        raise _fail("REDIS_SENTINELS is empty: give host:port of each Sentinel, separated by commas")
    from app.api.server import serve as run  # noqa: PLC0415 - the other commands need no server

    run(settings)


@cli.command()
def worker() -> None:
    """Carry the purges of writes to all layers until told to stop."""
    settings, policy = _prepare()
    from app.api.invalidation.worker import run  # noqa: PLC0415 - brings the Cloudflare client with it

    _run(lambda: run(settings, policy))


@cli.command()
def migrate() -> None:
    """Bring the schema to the newest version and the roles to the declared passwords, and store the admin token's
    hash.
    """
    settings, _ = _prepare()
    from app.api.jobs import migrate as run  # noqa: PLC0415 - brings alembic with it

    _run(lambda: run(settings, _dsn(settings)))


@cli.command()
def seed(
    products: Annotated[int, typer.Option(min=100, help="rows")] = 10_000,
    users: Annotated[int, typer.Option(min=10, help="rows")] = 20_000,
    orders: Annotated[int, typer.Option(min=0, help="rows")] = 100_000,
    reviews: Annotated[int, typer.Option(min=0, help="rows")] = 60_000,
) -> None:
    """Load a generated catalogue. Does nothing if there is a catalogue."""
    settings, policy = _prepare()
    from app.api.jobs import seed as run  # noqa: PLC0415 - brings the generator with it

    _run(lambda: run(_dsn(settings), policy, products=products, users=users, orders=orders, reviews=reviews))


@cli.command()
def purge(
    tags: Annotated[list[str], typer.Option("--tag", help="such as product:5 or products; may be repeated")],
) -> None:
    """Purge what has one of the tags from every layer: enters it into the queue that the worker drains."""
    settings, _ = _prepare()
    from app.api.jobs import purge as run  # noqa: PLC0415 - the other commands don't need it

    _run(lambda: run(_dsn(settings), tags))


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.api.application import make_routes  # noqa: PLC0415 - the other commands need no routes

    sys.stdout.buffer.write(orjson.dumps(make_routes().openapi(), option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    cli()
