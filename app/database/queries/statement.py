"""Named statements: log lines, pg_stat_statements and reports name the query."""

from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import Pool, PoolConnectionProxy

Database: TypeAlias = "Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""What runs a statement: a pool, or a connection."""

Transaction: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection on which the caller has begun a transaction."""

STATEMENTS: Final[dict[str, str]] = {}
"""Every statement of this package by its name (`subject.purpose`)."""


def statement(name: str, sql: str) -> str:
    """Register `sql` as `name`. Returns the text to run: with its name in a leading comment and without needless
    spaces.
    """
    if name in STATEMENTS:
        raise ValueError(f"two statements are named {name!r}")
    STATEMENTS[name] = f"/* {name} */ " + " ".join(sql.split())
    return STATEMENTS[name]
