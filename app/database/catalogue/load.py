"""Loads the catalogue into a database with COPY."""

from collections.abc import Callable
from typing import Final

import asyncpg

from app.database.catalogue.bulk import bulk_loading
from app.database.catalogue.size import Size
from app.database.catalogue.tables import Table, make_tables
from app.database.exclusive import exclusive

BATCH: Final = 20_000
"""Rows of one COPY, after which progress is reported."""

Progress = Callable[[str, int, int], None]
"""Called with a table's name, how many of its rows are loaded, and how many there will be."""


def _silent(_table: str, _loaded: int, _total: int) -> None:
    pass


async def load(dsn: str, size: Size, progress: Progress = _silent) -> bool:
    """Fill the empty tables of the migrated database at `dsn` (its owner's login), in one transaction.

    Returns False, without a change, if there are any products already. So it may run any number of times, even
    concurrently, and an interrupted load leaves nothing behind.
    """
    async with exclusive(dsn, "catalogue"):
        connection = await asyncpg.connect(dsn, server_settings={"application_name": "catalogue"})
        try:
            if await connection.fetchval("SELECT EXISTS (SELECT FROM products)"):
                return False
            tables = make_tables(size)
            async with connection.transaction(), bulk_loading(connection, [table.name for table in tables]):
                for table in tables:
                    await _copy(connection, table, progress)
                progress("indexes", 0, 1)
            progress("indexes", 1, 1)
            # The planner needs statistics, and index-only scans the visibility map.
            await connection.execute("VACUUM (ANALYZE) " + ", ".join(table.name for table in tables))
        finally:
            await connection.close()
    return True


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", table: Table, progress: Progress) -> None:
    for start in range(0, table.count, BATCH):
        end = min(start + BATCH, table.count)
        await connection.copy_records_to_table(table.name, records=table.rows(start, end), columns=table.columns)
        progress(table.name, end, table.count)
    if "id" in table.columns:
        # COPY set the ids: the sequence must continue after them.
        await connection.execute("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", table.name, max(table.count, 1))
