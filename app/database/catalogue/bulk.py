"""Drops indexes and foreign keys while tables are filled: building them once at the end costs a fraction."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

_FOREIGN_KEYS: Final = """
    SELECT c.conrelid::regclass::text AS owner, quote_ident(c.conname) AS name,
           pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conrelid = ANY($1::regclass[]) ORDER BY c.oid
    """
# Indexes that carry a constraint (primary keys, UNIQUE) stay: foreign keys depend on them, and they reject duplicates.
_INDEXES: Final = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i
    WHERE i.indrelid = ANY($1::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
    ORDER BY i.indexrelid
    """
BUILD_MEMORY: Final = "256MB"
"""`maintenance_work_mem` while indexes are built."""


@asynccontextmanager
async def bulk_loading(connection: "asyncpg.Connection[asyncpg.Record]", tables: Sequence[str]) -> AsyncGenerator[None]:
    """Drop the tables' plain indexes and foreign keys for the body, then create them again from their definitions.

    It all happens in the caller's transaction: nobody sees a table without them, and a failure restores them.
    """
    names = list(tables)
    foreign_keys = await connection.fetch(_FOREIGN_KEYS, names)
    indexes = await connection.fetch(_INDEXES, names)
    for key in foreign_keys:
        await connection.execute(f"ALTER TABLE {key['owner']} DROP CONSTRAINT {key['name']}")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    await connection.execute(f"SET LOCAL maintenance_work_mem = '{BUILD_MEMORY}'")
    for index in indexes:
        await connection.execute(index["definition"])
    for key in foreign_keys:
        await connection.execute(f"ALTER TABLE {key['owner']} ADD CONSTRAINT {key['name']} {key['definition']}")
