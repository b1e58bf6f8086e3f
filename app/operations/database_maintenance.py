"""Weekly care of the database: statistics and dead rows of tables that autovacuum hasn't reached, bloated indexes."""

import asyncio
import time

import asyncpg

from app.operations.report import report
from app.operations.settings import DatabaseSettings, OperationError, secret

# Autovacuum takes a table at 20 % dead rows (less where a migration says so); what is above 5 % here has waited long.
DEAD_SHARE = 0.05
# A B-tree that was filled in order is dense to 90 %; below half, rebuilding gives back a good part of its size.
LEAST_DENSITY, SMALLEST_INDEX = 50.0, 16 * 2**20
LOCK_TIMEOUT = "5s"

_TABLES = """
SELECT format('%I.%I', schemaname, relname) AS name, n_dead_tup AS dead, n_live_tup AS live
  FROM pg_stat_user_tables
 ORDER BY 1
"""
_INVALID = """
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND n.nspname NOT LIKE 'pg\\_%'
"""
_BLOATED = """
SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_relation_size(c.oid) AS size,
       (pgstatindex(c.oid::regclass)).avg_leaf_density AS density
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indisvalid AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
   AND pg_relation_size(c.oid) >= $1
"""


def maintain(settings: DatabaseSettings) -> None:
    """Vacuums, analyses, rebuilds. Each statement by itself: what fails is reported and doesn't stop the rest."""
    asyncio.run(_maintain(settings))


async def _maintain(settings: DatabaseSettings) -> None:
    try:
        connection = await asyncpg.connect(
            host=settings.database_host,
            port=settings.database_port,
            database=settings.database_name,
            user=settings.database_user,
            password=secret(settings.database_password_file),
            ssl=settings.database_ssl,
            timeout=10,
            server_settings={"application_name": "database-maintenance", "lock_timeout": LOCK_TIMEOUT},
        )
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise OperationError(f"{settings.database_host}:{settings.database_port} can't be reached: {error}") from error
    try:
        failed = 0
        for table in await connection.fetch(_TABLES):
            dead, live = table["dead"], table["live"]
            full = dead > DEAD_SHARE * max(live, 1)
            statement = f"VACUUM (ANALYZE) {table['name']}" if full else f"ANALYZE {table['name']}"
            failed += await _run(connection, statement, dead=dead, live=live)
        for index in await _to_rebuild(connection):
            failed += await _run(connection, f"REINDEX INDEX CONCURRENTLY {index}")
    finally:
        await connection.close()
    if failed:
        raise OperationError(f"{failed} statements failed")


async def _to_rebuild(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Indexes that a failed concurrent build left invalid, and bloated ones."""
    rebuild = [row[0] for row in await connection.fetch(_INVALID)]
    if await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'pgstattuple'"):
        rebuild += [
            row["name"] for row in await connection.fetch(_BLOATED, SMALLEST_INDEX) if row["density"] < LEAST_DENSITY
        ]
    else:
        report("bloat not looked at", reason="the extension pgstattuple isn't installed")
    return rebuild


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, **fields: int) -> int:
    """Runs a statement; 1 if it failed."""
    begun = time.monotonic()
    try:
        await connection.execute(statement, timeout=3600)
    except (asyncpg.PostgresError, TimeoutError) as error:
        report("statement failed", statement=statement, reason=str(error))
        return 1
    report("statement done", statement=statement, seconds=round(time.monotonic() - begun, 3), **fields)
    return 0
