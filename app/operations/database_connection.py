"""The jobs' connection to Postgres itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from app.operations.settings import DatabaseSettings, OperationError, secret
from app.reachable import wait_until_reachable


@asynccontextmanager
async def connected(
    settings: DatabaseSettings, **server_settings: str
) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection with these session settings, closed afterwards.

    Raises `OperationError`, naming the database, when it can't be reached within half a minute or the connection is
    lost.
    """
    address = f"{settings.database_host}:{settings.database_port}"
    await asyncio.to_thread(wait_until_reachable, settings.database_host, settings.database_port)
    try:
        connection = await asyncpg.connect(
            host=settings.database_host,
            port=settings.database_port,
            database=settings.database_name,
            user=settings.database_user,
            password=secret(settings.database_password_file),
            timeout=10,
            server_settings=server_settings,
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise OperationError(f"{address} can't be reached: {error}") from error
    try:
        yield connection
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OperationError(f"{address} went away: {error}") from error
    finally:
        await connection.close()
