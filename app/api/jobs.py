"""Jobs of the schema's owner, straight at Postgres: migrations, sample data, purges by hand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import asyncpg
import structlog
from pydantic import SecretStr

from app.api.settings import Settings, SettingsError
from app.caching_policy import Policy
from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from app.database.queries import outbox, tokens
from app.database.roles import TWINS, Verifiers

log = structlog.get_logger(__name__)

ADMINS = {"admin-token": "admin", "admin-token-alternate": "admin-alternate"}
"""Names of the administration's tokens by the file that holds each."""


async def migrate(settings: Settings, dsn: str) -> None:
    """Migrate, create or update the roles whose verifiers are mounted, and store the admin token's hash."""
    applied = await upgrade(dsn, _verifiers(settings))
    log.info("migrated", applied=list(applied))
    given = {name: settings.secret(file) for file, name in ADMINS.items()}
    if any(given.values()):
        await _with(dsn, lambda connection: _let_in(connection, given))


async def seed(dsn: str, policy: Policy, *, products: int, users: int, orders: int, reviews: int) -> None:
    """Load a generated catalogue into an empty database, and purge the old one from every cache."""
    reported = ""

    def progress(what: str, done: int, total: int) -> None:
        nonlocal reported
        if done >= total or what != reported:
            reported = what
            log.info("loading", table=what, done=done, total=total)

    loaded = await load(dsn, Size(products=products, users=users, orders=orders, reviews=reviews), progress)
    if not loaded:
        log.info("nothing loaded: there are products already")
        return
    tags = policy.purge("catalogue.loaded", {})
    await _with(dsn, lambda connection: outbox.add(connection, tags=tags, reason="catalogue.loaded"))


async def purge(dsn: str, tags: Sequence[str]) -> None:
    """Enter a purge into the queue."""
    await _with(dsn, lambda connection: outbox.add(connection, tags=tags, reason="by hand"))
    log.info("purge entered", tags=list(tags))


async def _let_in(connection: "asyncpg.Connection[asyncpg.Record]", given: Mapping[str, SecretStr | None]) -> None:
    """Store these tokens by name, and no others. While one is replaced, both count."""
    async with connection.transaction():
        for name, token in given.items():
            if token is None:
                await tokens.revoke(connection, name=name)
            else:
                await tokens.issue(connection, name=name, token=token.get_secret_value(), role="admin")


async def _with(dsn: str, work: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[object]]) -> None:
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        await work(connection)
    finally:
        await connection.close()


def _verifiers(settings: Settings) -> Verifiers | None:
    roles = [role for twins in TWINS.values() for role in twins]
    given = {role: secret.get_secret_value() for role in roles if (secret := settings.secret(f"{role}-scram"))}
    if not given:
        return None
    try:
        return Verifiers(**given)
    except ValueError as error:
        raise SettingsError(f"SECRETS_DIR={settings.secrets_dir}: {error}") from error
