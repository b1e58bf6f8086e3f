"""Every named statement's time, pages and plan, on a database that is thrown away afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

import asyncpg

from app.database.queries import STATEMENTS
from testing.queries.calls import Arguments, in_rolled_back_transaction
from testing.queries.plans import QueryPlan, read_plan

Progress = Callable[[str], None]

RUNS: Final = 5
RUNS_WITHOUT_ONE: Final = 3
SLOWEST_MS: Final = 1000.0
"""A statement slower than this is run once: its median would add nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One statement as it runs now: median milliseconds (planning and execution) and pages, and its plan."""

    milliseconds: float
    pages: int
    plan: QueryPlan


@dataclass(frozen=True, slots=True)
class Index:
    """A plain index (one that carries no constraint)."""

    name: str
    table: str
    definition: str
    size: int
    """Bytes."""


async def measure_statements(
    connection: "asyncpg.Connection[asyncpg.Record]", calls: Mapping[str, Arguments], progress: Progress
) -> dict[str, Timing]:
    """Run every named statement as the shop calls it; its writes are rolled back."""
    found: dict[str, Timing] = {}
    for name, arguments in calls.items():
        progress(name)
        found[name] = await _measure(connection, STATEMENTS[name], arguments)
    return found


async def _measure(
    connection: "asyncpg.Connection[asyncpg.Record]", sql: str, arguments: Arguments, runs: int = RUNS
) -> Timing:
    await _explain(connection, sql, arguments)  # into the caches first
    timings: list[tuple[float, QueryPlan]] = []
    for _ in range(runs):
        plan = await _explain(connection, sql, arguments)
        timings.append((plan.planning_ms + plan.execution_ms, plan))
        if timings[-1][0] > SLOWEST_MS:
            break
    return Timing(median(time for time, _ in timings), timings[-1][1].buffers, timings[-1][1])


async def _explain(connection: "asyncpg.Connection[asyncpg.Record]", sql: str, arguments: Arguments) -> QueryPlan:
    explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}"
    ((explained,),) = await in_rolled_back_transaction(connection, explain, arguments)
    return read_plan(explained)


async def index_gains(
    connection: "asyncpg.Connection[asyncpg.Record]",
    calls: Mapping[str, Arguments],
    after: Mapping[str, Timing],
    progress: Progress,
) -> dict[str, dict[str, float]]:
    """For each plain index, the statements that use it and how many milliseconds each takes longer without it alone."""
    gains: dict[str, dict[str, float]] = {}
    for index in await plain_indexes(connection):
        progress(index.name)
        gains[index.name] = {}
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"DROP INDEX {index.name}")
            for name in (name for name, timing in after.items() if index.name in timing.plan.indexes()):
                without = await _measure(connection, STATEMENTS[name], calls[name], RUNS_WITHOUT_ONE)
                gains[index.name][name] = without.milliseconds - after[name].milliseconds
        finally:
            await transaction.rollback()
    return gains


async def plain_indexes(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[Index, ...]:
    """All indexes that only make queries faster."""
    rows = await connection.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition,
               i.indrelid::regclass::text AS table, pg_relation_size(i.indexrelid) AS size
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisunique ORDER BY 1
        """
    )
    return tuple(Index(row["name"], row["table"], row["definition"], row["size"]) for row in rows)


async def drop_indexes(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Drop all plain indexes."""
    for index in await plain_indexes(connection):
        await connection.execute(f"DROP INDEX {index.name}")
