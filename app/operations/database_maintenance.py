"""Weekly database maintenance: vacuums and analyses tables that autovacuum hasn't reached, rebuilds bloated indexes."""

import asyncio
import time

import asyncpg

from app.operations.database_connection import connected
from app.operations.report import report
from app.operations.settings import DatabaseSettings, OperationError

# Autovacuum starts at 20 % dead rows (less where a migration says so); a table above 5 % has waited long.
DEAD_SHARE = 0.05
# A B-tree that was filled in order is 90 % full; rebuilding one below half frees a good part of its size.
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
# Uses the page counts of the last ANALYZE, so that it opens no table in use.
_BIG = """
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indisvalid AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
   AND c.relpages * current_setting('block_size')::bigint >= $1
 ORDER BY 1
"""
_DENSITY = "SELECT avg_leaf_density FROM pgstatindex($1::text::regclass)"


def maintain(settings: DatabaseSettings) -> None:
    """Vacuums, analyses and rebuilds. A statement that fails is reported and doesn't stop the others."""
    asyncio.run(_maintain(settings))


async def _maintain(settings: DatabaseSettings) -> None:
    async with connected(settings, application_name="database-maintenance", lock_timeout=LOCK_TIMEOUT) as connection:
        failed = 0
        for table in await connection.fetch(_TABLES):
            dead, live = table["dead"], table["live"]
            full = dead > DEAD_SHARE * max(live, 1)
            statement = f"VACUUM (ANALYZE) {table['name']}" if full else f"ANALYZE {table['name']}"
            failed += await _run(connection, statement, dead=dead, live=live)
        invalid = [row[0] for row in await connection.fetch(_INVALID)]
        bloated, unseen = await _bloated(connection)
        failed += unseen
        for index in dict.fromkeys([*invalid, *bloated]):
            failed += await _run(connection, f"REINDEX INDEX CONCURRENTLY {index}")
    if failed:
        raise OperationError(f"{failed} steps failed")


async def _bloated(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[list[str], int]:
    """Large indexes whose pages are mostly empty, and how many couldn't be examined."""
    if not await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'pgstattuple'"):
        report("bloat not looked at", reason="the extension pgstattuple isn't installed: CREATE EXTENSION pgstattuple")
        return [], 0
    bloated: list[str] = []
    unseen = 0
    for row in await connection.fetch(_BIG, SMALLEST_INDEX):
        try:
            density = await connection.fetchval(_DENSITY, row[0])
        except asyncpg.PostgresError as error:
            report("bloat not looked at", index=row[0], reason=str(error))
            unseen += 1
        else:
            bloated += [row[0]] if density < LEAST_DENSITY else []
    return bloated, unseen


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, **fields: int) -> int:
    """Runs a statement. Returns 1 if it failed, else 0."""
    begun = time.monotonic()
    try:
        await connection.execute(statement, timeout=3600)
    except (asyncpg.PostgresError, TimeoutError) as error:
        report("statement failed", statement=statement, reason=str(error))
        return 1
    report("statement done", statement=statement, seconds=round(time.monotonic() - begun, 3), **fields)
    return 0
