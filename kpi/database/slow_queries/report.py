"""The whole report, gathered from a database and its logs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from kpi.database.address import Address
from kpi.database.slow_queries.explain import Explainer
from kpi.database.slow_queries.judge import RULES, Category, QueryVerdict, judge
from kpi.database.slow_queries.log import Executions, read_logs
from kpi.database.slow_queries.statistics import Usage, top_statements
from kpi.report import Report, Table, code
from testing.queries.calls import Arguments, EmptyDatabase, sample_calls

TOP: Final = 50


@dataclass(frozen=True, slots=True)
class SlowQueries:
    """The costliest statements of a database with their verdicts, costliest first."""

    database: str
    server: str
    made_at: datetime
    logged: int
    """Executions found in the logs."""
    verdicts: tuple[QueryVerdict, ...]

    def counts(self) -> Mapping[Category, int]:
        """How many statements are of each category."""
        return Counter(verdict.category for verdict in self.verdicts)


async def find_slow_queries(
    dsn: str,
    *,
    top: int = TOP,
    logs: Sequence[Path] = (),
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> SlowQueries:
    """Read statistics, logs and plans; the database is only read. Raises BadAddress,
    UnreadableLog, NoStatistics, OSError, PostgresError."""
    executions = read_logs(logs)
    address = Address.parse(dsn)
    connection = await asyncpg.connect(address.dsn, **address.arguments)
    try:
        usages = tuple(_with_logged_p95(usage, executions) for usage in await top_statements(connection, top))
        explainer = Explainer(connection, executions, await _samples(connection))
        explained = {}
        for number, usage in enumerate(usages, 1):
            explained[usage.query_id] = await explainer.explain(usage)
            progress(number, len(usages))
        return SlowQueries(
            database=await connection.fetchval("/* report.database */ SELECT current_database()"),
            server=await connection.fetchval("SHOW server_version"),
            made_at=datetime.now(UTC),
            logged=sum(len(each.milliseconds) for each in executions.values()),
            verdicts=judge(usages, explained, executions),
        )
    finally:
        await connection.close()


def _with_logged_p95(usage: Usage, executions: Mapping[str, Executions]) -> Usage:
    logged = executions.get(usage.text)
    p95 = logged.p95_ms() if logged else None
    # A log of slow executions only would tell the 95th percentile of the slow ones.
    if logged is None or p95 is None or len(logged.milliseconds) < usage.calls / 2:
        return usage
    return replace(usage, p95_ms=p95, p95_estimated=False)


async def _samples(connection: "asyncpg.Connection[asyncpg.Record]") -> Mapping[str, Arguments]:
    """Arguments for the shop's own statements, where the database is a shop's."""
    try:
        return await sample_calls(connection)
    except (
        EmptyDatabase,
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.InsufficientPrivilegeError,
    ):
        return {}


def _row(number: int, verdict: QueryVerdict) -> tuple[str, ...]:
    usage = verdict.usage
    p95 = f"{'~' if usage.p95_estimated else ''}{usage.p95_ms:,.2f}"
    return (
        f"{number}", f"{usage.share:.1%}", f"{usage.calls:,}", f"{usage.mean_ms:,.2f}", p95,
        f"{usage.rows_per_call:,.1f}", f"{usage.buffers_per_call:,.0f}", str(verdict.category),
    )  # fmt: skip


def _details(number: int, verdict: QueryVerdict) -> str:
    explained, name = verdict.explained, f": {verdict.usage.name}" if verdict.usage.name else ""
    plan = "none"
    if explained.plan is not None:
        plan = explained.plan.summary()
        if explained.analysed:
            plan += f"; {explained.plan.execution_ms:,.2f} ms, {explained.plan.buffers:,} pages"
    faults = [
        f"- {fault.kind}{f' of {fault.relation}' if fault.relation else ''}: {fault.detail}" for fault in verdict.faults
    ]
    return "\n\n".join(
        (
            f"### {number}. {verdict.category}{name}",
            code(verdict.usage.text),
            f"{verdict.because}.",
            "\n".join([*faults, f"- Plan ({explained.note}): {plan}"]),
        )
    )


def report_of(found: SlowQueries) -> Report:
    """One line for each statement; on pages, what is wrong with each, too."""
    headings = ("#", "share", "calls", "mean ms", "p95 ms", "rows/call", "pages/call", "category", "statement")
    numbered = list(enumerate(found.verdicts, 1))
    source = f"pg_stat_statements (Postgres {found.server})"
    if found.logged:
        source += f" and {found.logged:,} executions in the log"
    about = (
        f"The {len(numbered)} statements that took most time in all; literals are hidden. A p95 with a tilde is "
        "estimated (mean + 1.645 standard deviations, the maximum at most)."
    )
    short = [(*_row(number, each), each.usage.name or each.usage.text) for number, each in numbered]
    faults = ", ".join(f"{count} {category}" for category, count in sorted(found.counts().items()))
    return Report(
        title=f"Slow queries of {found.database}",
        about={"made": f"{found.made_at:%Y-%m-%d %H:%M} UTC", "from": source, "found": faults or "no statements yet"},
        parts=[
            about,
            Table(headings, [(*row[:-1], code(row[-1][:120])) for row in short]),
            "## What is wrong with each",
            *(_details(number, verdict) for number, verdict in numbered),
            "## How statements are categorised",
            "The first that applies:",
            "\n".join(f"1. **{category}**: {rule}." for category, rule in RULES.items()),
        ],
        brief=[Table(headings, short, narrow=True)],
        data={"statements": [{**dict(zip(headings, row, strict=True))} for row in short]},
    )
