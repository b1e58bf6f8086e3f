"""The statistics of pg_stat_statements."""

import math
from dataclasses import dataclass
from typing import Final

import asyncpg

from app.database.queries.statement import Database
from testing.queries.literals import hide_literals, statement_name

_EXTENSION: Final = """
    /* report.extension */ SELECT quote_ident(n.nspname) AS schema, e.extversion AS version, current_user::text AS role
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
    """
_OLDEST: Final = (1, 8)
"""Of the extension, as Postgres 13 has it: older ones don't tell planning and execution apart."""
_HIDDEN: Final = """
    /* report.hidden */ SELECT count(*) FROM {schema}.pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database() WHERE s.queryid IS NULL
    """
# A statement has a row for each role that runs it, and one more where a function does. Those of this database only, and
# not the report's own.
_TOP: Final = r"""
    /* report.top */ SELECT s.queryid, (array_agg(s.query ORDER BY s.total_exec_time DESC))[1] AS query,
           sum(s.calls)::bigint AS calls, sum(s.total_exec_time) AS total_ms, max(s.max_exec_time) AS max_ms,
           sum(s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2)) / sum(s.calls) AS mean_square,
           sum(s.rows)::bigint AS rows, sum(s.shared_blks_hit + s.shared_blks_read)::bigint AS buffers,
           sum(s.temp_blks_written)::bigint AS temp_blks_written, sum(sum(s.total_exec_time)) OVER () AS all_ms
    FROM {schema}.pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
    WHERE s.query !~ '^/\* report\.'
      AND s.query !~* '^(explain|prepare|execute|deallocate|begin|start|commit|rollback|savepoint|release)\M'
      AND s.query !~* '^(set|reset|show|discard)\M'
    GROUP BY s.queryid HAVING sum(s.calls) > 0
    ORDER BY sum(s.total_exec_time) DESC LIMIT $1
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
    """The text as the server keeps it: to be explained, never to be shown."""
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
        """Rows returned or changed by a call, on average."""
        return self.rows / self.calls

    @property
    def buffers_per_call(self) -> float:
        """Pages touched by a call, on average."""
        return self.buffers / self.calls


async def top_statements(db: Database, limit: int) -> tuple[Usage, ...]:
    """The statements that took most time in all, costliest first. Raises NoStatistics."""
    extension = await db.fetchrow(_EXTENSION)
    if extension is None:
        raise NoStatistics("this database lacks statistics by statement: CREATE EXTENSION pg_stat_statements")
    schema, role = str(extension["schema"]), str(extension["role"])
    if tuple(map(int, extension["version"].split("."))) < _OLDEST:
        raise NoStatistics(
            f"pg_stat_statements {extension['version']} is too old: Postgres 13 or newer is read, after "
            "ALTER EXTENSION pg_stat_statements UPDATE"
        )
    try:
        hidden = await db.fetchval(_HIDDEN.format(schema=schema))
        rows = await db.fetch(_TOP.format(schema=schema), limit)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise NoStatistics("the server counts nothing: put pg_stat_statements into shared_preload_libraries") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NoStatistics(
            f"{error}: GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}.pg_stat_statements TO "
            f"{role}; GRANT pg_read_all_stats TO {role}"
        ) from error
    if hidden:
        raise NoStatistics(
            f"{role} can't read {hidden:,} statements, which other roles run: GRANT pg_read_all_stats TO {role}"
        )
    return tuple(_usage(row) for row in rows)


def _usage(row: asyncpg.Record) -> Usage:
    mean = row["total_ms"] / row["calls"]
    deviation = math.sqrt(max(0.0, row["mean_square"] - mean**2))
    return Usage(
        query_id=row["queryid"],
        sql=row["query"],
        text=hide_literals(row["query"]),
        name=statement_name(row["query"]),
        calls=row["calls"],
        total_ms=row["total_ms"],
        mean_ms=mean,
        p95_ms=min(mean + P95_OF_NORMAL * deviation, row["max_ms"]),
        p95_estimated=True,
        rows=row["rows"],
        buffers=row["buffers"],
        temporary_pages=row["temp_blks_written"],
        share=row["total_ms"] / row["all_ms"] if row["all_ms"] else 0.0,
    )
