"""One process's connections to Postgres, through pgBouncer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from asyncpg.pool import Pool

from app.api.settings import Settings

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection  # only its stubs are generic


class PooledConnection(_Connection):
    """A connection that pgBouncer shares: nothing of a session outlives its transaction."""

    def get_reset_query(self) -> str:
        """None: asyncpg's own would be a second round trip after every query, and another client's turn at the pool."""
        return ""


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncGenerator["Pool[asyncpg.Record]"]:
    """A pool that connects when a connection is needed, so it starts without a database.

    No connection is used for longer than `database_connection_seconds` plus the current statement. Postgres's protocol
    can't say that a server is leaving, so this moves clients to another pgBouncer by the end of a drain.
    """
    password = settings.required_secret(settings.database_password_name).get_secret_value()
    # Without prepared statements nothing may be cached by name: pgBouncer before 1.21 gives the next statement to
    # another server connection, which has never heard of it.
    cached = 200 if settings.database_prepared_statements else 0
    async with asyncpg.create_pool(
        host=settings.database_host,
        port=settings.database_port,
        user=settings.database_user,
        password=password,
        database=settings.database_name,
        connection_class=PooledConnection,
        min_size=0,
        max_size=settings.database_pool_size,
        statement_cache_size=cached,
        # As Postgres spells it: asyncpg's own spelling pgBouncer takes for another encoding, and sets it anew before
        # every transaction.
        server_settings={"client_encoding": "UTF8"},
        max_inactive_connection_lifetime=settings.database_connection_seconds,
        command_timeout=settings.database_timeout_seconds,
        timeout=settings.database_timeout_seconds,
        ssl=False,
    ) as pool:
        renewing = asyncio.create_task(_renew(pool, settings.database_connection_seconds))
        try:
            yield pool
        finally:
            renewing.cancel()


async def _renew(pool: "Pool[asyncpg.Record]", seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await pool.expire_connections()
