"""A lock on the whole database, for programs of which two must never run at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

POLL_SECONDS: Final = 0.25


@asynccontextmanager
async def exclusive(dsn: str, purpose: str) -> AsyncGenerator[None]:
    """Wait for the advisory lock named `purpose`, and hold it for the body on a connection of its own.

    The wait polls instead of blocking in `pg_advisory_lock`: a blocked call holds a snapshot, and the
    `CREATE INDEX CONCURRENTLY` of the program that holds the lock would wait for that snapshot for ever.
    If the connection breaks, Postgres releases the lock.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        while not await connection.fetchval(  # noqa: ASYNC110 — what is waited for is another process
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"simone {purpose}"
        ):
            await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        await connection.close()
