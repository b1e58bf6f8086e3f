"""A statement's plan, from a database in use: nothing is changed, and nothing runs long."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from app.database.queries import STATEMENTS
from kpi.database.slow_queries.log import Executions
from kpi.database.slow_queries.statistics import Usage
from testing.queries.calls import Arguments
from testing.queries.literals import hide_literals
from testing.queries.plans import QueryPlan, read_plan

TIMEOUT: Final = "30s"
_SELECTS: Final = re.compile(r"\s*(?:/\*.*?\*/\s*)*(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)
# READ ONLY forbids writes, but not these: functions that reach beyond the transaction.
_REACHES_OUT: Final = re.compile(
    r"\b(?:pg_(?!typeof|size_pretty|table_size|relation_size|catalog\b)\w+|dblink\w*|lo_\w+|set_config|nextval|setval)\s*\(",
    re.IGNORECASE,
)
_HIGHEST_PARAMETER: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Explained:
    """A plan, or why there is none. `analysed`: the statement was run, so times, rows and buffers are real."""

    plan: QueryPlan | None
    analysed: bool
    note: str


class Explainer:
    """Explains statements over one connection, each in a READ ONLY transaction that is rolled back."""

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        executions: Mapping[str, Executions],
        samples: Mapping[str, Arguments],
    ) -> None:
        self._connection = connection
        self._executions = executions
        self._samples = samples

    async def explain(self, usage: Usage) -> Explained:
        """Run a read with parameters known from the log or the shop; else plan it for any parameters."""
        if not _SELECTS.match(usage.sql):
            return Explained(None, False, "writes are not run again, nor explained")
        transaction = self._connection.transaction(readonly=True)
        await transaction.start()
        try:
            await self._connection.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")
            return await self._explain(usage)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return Explained(None, False, f"can't be explained: {type(error).__name__}")
        finally:
            await transaction.rollback()

    async def _explain(self, usage: Usage) -> Explained:
        runnable = not _REACHES_OUT.search(usage.sql)
        own = STATEMENTS.get(usage.name or "")
        sample = self._samples.get(usage.name or "")
        # The shop's own text, because the statistics' text has parameters in place of its constants.
        if runnable and own is not None and sample is not None and hide_literals(own) == usage.text:
            plan = await self._connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) {own}", *sample)
            return Explained(read_plan(plan), True, "run with the shop's own sample")
        logged = self._executions.get(usage.text)
        if runnable and logged is not None and len(logged.slowest_parameters) == _parameters(logged.slowest_sql):
            plan = await self._execute(
                logged.slowest_sql, logged.slowest_parameters, "force_custom_plan", "ANALYZE, BUFFERS, VERBOSE"
            )
            return Explained(plan, True, "run as its slowest logged execution was")
        count = _parameters(usage.sql)
        if runnable and count == 0:
            return Explained(await self._execute(usage.sql, (), "auto", "ANALYZE, BUFFERS, VERBOSE"), True, "run")
        plan = await self._execute(usage.sql, ("NULL",) * count, "force_generic_plan", "VERBOSE")
        return Explained(plan, False, "planned for any parameters; not run, as none are known")

    async def _execute(self, sql: str, literals: tuple[str, ...], mode: str, options: str) -> QueryPlan:
        """Explain through PREPARE, so that the server finds out the parameters' types."""
        name = f"explained_{uuid.uuid4().hex}"
        await self._connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await self._connection.execute(f"PREPARE {name} AS {sql}")
        arguments = f"({', '.join(literals)})" if literals else ""
        explained = await self._connection.fetchval(f"EXPLAIN ({options}, FORMAT JSON) EXECUTE {name}{arguments}")
        await self._connection.execute(f"DEALLOCATE {name}")
        return read_plan(explained)


def _parameters(sql: str) -> int:
    """How many parameters a statement takes."""
    return max((int(number) for number in _HIGHEST_PARAMETER.findall(sql)), default=0)
