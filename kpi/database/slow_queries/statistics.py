"""What pg_stat_statements has counted."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from app.database.queries.statement import Database
from kpi.database.literals import hide_literals, statement_name

# Statements of this database only, and not those of this report.
_TOP: Final = r"""
    SELECT s.queryid, s.query, s.calls, s.total_exec_time, s.mean_exec_time, s.stddev_exec_time, s.max_exec_time,
           s.rows, s.shared_blks_hit + s.shared_blks_read AS buffers, s.temp_blks_written,
           sum(s.total_exec_time) OVER () AS all_ms
    FROM pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
    WHERE s.query NOT LIKE '%pg_stat_statements%'
      AND s.query !~* '^(explain|prepare|execute|deallocate|begin|start|commit|rollback|savepoint|release)\M'
      AND s.query !~* '^(set|reset|show|discard)\M'
    ORDER BY s.total_exec_time DESC LIMIT $1
    """
P95_OF_NORMAL: Final = 1.645
"""Standard deviations above the mean below which 95 % of a normal distribution lie."""


class NoStatistics(Exception):
    """The database keeps no statistics by statement."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One statement's cost. Times in milliseconds, buffers in pages of 8 kB, `share` of all time (0 to 1)."""

    query_id: int
    sql: str
    """As the server keeps it: never to be shown, only to be explained."""
    text: str
    """Without literals."""
    name: str | None
    calls: int
    total_ms: float
    mean_ms: float
    p95_ms: float
    p95_estimated: bool
    """Estimated from mean and standard deviation; else taken from the log."""
    rows: int
    buffers: int
    temporary_pages: int
    share: float

    @property
    def rows_per_call(self) -> float:
        """Rows given or changed by a call, on average."""
        return self.rows / self.calls

    @property
    def buffers_per_call(self) -> float:
        """Pages touched by a call, on average."""
        return self.buffers / self.calls


async def top_statements(db: Database, limit: int) -> tuple[Usage, ...]:
    """The statements that took most time in all, costliest first. Raises NoStatistics."""
    try:
        rows = await db.fetch(_TOP, limit)
    except asyncpg.UndefinedTableError as error:
        raise NoStatistics(
            "this database lacks statistics by statement: CREATE EXTENSION pg_stat_statements"
        ) from error
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise NoStatistics("the server counts nothing: put pg_stat_statements into shared_preload_libraries") from error
    return tuple(
        Usage(
            query_id=row["queryid"],
            sql=row["query"],
            text=hide_literals(row["query"]),
            name=statement_name(row["query"]),
            calls=row["calls"],
            total_ms=row["total_exec_time"],
            mean_ms=row["mean_exec_time"],
            p95_ms=min(row["mean_exec_time"] + P95_OF_NORMAL * row["stddev_exec_time"], row["max_exec_time"]),
            p95_estimated=True,
            rows=row["rows"],
            buffers=row["buffers"],
            temporary_pages=row["temp_blks_written"],
            share=row["total_exec_time"] / row["all_ms"] if row["all_ms"] else 0.0,
        )
        for row in rows
        if row["query"] is not None and row["calls"]
    )
