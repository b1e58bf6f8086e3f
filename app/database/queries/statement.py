"""Statements by name, so that a log line, pg_stat_statements and a report all say which query they mean."""

from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import Pool, PoolConnectionProxy

Database: TypeAlias = "Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""What can run one statement: a pool, or a connection of one."""

Transaction: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection on which the caller has begun a transaction."""

STATEMENTS: Final[dict[str, str]] = {}
"""Every statement of this package by its name (`subject.purpose`)."""


def statement(name: str, sql: str) -> str:
    """Enter `sql` as `name`; gives the text to run, its name in a comment in front, on as few bytes as it takes."""
    if name in STATEMENTS:
        raise ValueError(f"two statements are named {name!r}")
    STATEMENTS[name] = f"/* {name} */ " + " ".join(sql.split())
    return STATEMENTS[name]
