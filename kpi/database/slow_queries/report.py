"""The whole report: gathered from a database and its logs, and written for a terminal, as Markdown and as HTML."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from rich.table import Table

from kpi.database.calls import Arguments, EmptyDatabase, sample_calls
from kpi.database.slow_queries.explain import Explainer
from kpi.database.slow_queries.judge import RULES, Category, Verdict, judge
from kpi.database.slow_queries.log import Executions, read_logs
from kpi.database.slow_queries.statistics import Usage, top_statements

TOP: Final = 50


@dataclass(frozen=True, slots=True)
class Report:
    """The costliest statements of a database with their verdicts, costliest first."""

    database: str
    server: str
    made_at: datetime
    logged: int
    """Executions found in the logs."""
    verdicts: tuple[Verdict, ...]

    def counts(self) -> Mapping[Category, int]:
        """How many statements are of each category."""
        return Counter(verdict.category for verdict in self.verdicts)


async def make_report(
    dsn: str,
    *,
    top: int = TOP,
    logs: Sequence[Path] = (),
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report:
    """Read statistics, logs and plans; the database is only read. Raises NoStatistics, OSError, PostgresError."""
    executions = read_logs(logs)
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        usages = tuple(_with_logged_p95(usage, executions) for usage in await top_statements(connection, top))
        explainer = Explainer(connection, executions, await _samples(connection))
        explained = {}
        for number, usage in enumerate(usages, 1):
            explained[usage.query_id] = await explainer.explain(usage)
            progress(number, len(usages))
        return Report(
            database=await connection.fetchval("SELECT current_database()"),
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


def p95_text(usage: Usage) -> str:
    """The 95th percentile; with a tilde where it is estimated."""
    return f"{'~' if usage.p95_estimated else ''}{usage.p95_ms:,.2f}"


def terminal_table(report: Report) -> Table:
    """One line for each statement."""
    table = Table(title=f"{len(report.verdicts)} costliest statements of {report.database}", expand=True)
    for heading in ("#", "share", "calls", "mean ms", "p95 ms", "rows", "pages"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("category", no_wrap=True)
    table.add_column("statement", ratio=1, no_wrap=True, overflow="ellipsis")
    for number, verdict in enumerate(report.verdicts, 1):
        usage = verdict.usage
        table.add_row(
            str(number),
            f"{usage.share:.1%}",
            f"{usage.calls:,}",
            f"{usage.mean_ms:,.2f}",
            p95_text(usage),
            f"{usage.rows_per_call:,.1f}",
            f"{usage.buffers_per_call:,.0f}",
            str(verdict.category),
            usage.name or usage.text,
        )
    return table


def markdown(report: Report) -> str:
    """The report for a page or a comment."""
    return _render("slow_queries.md.j2", report)


def html(report: Report) -> str:
    """The report as one page that needs nothing else."""
    return _render("slow_queries.html.j2", report)


def _render(template: str, report: Report) -> str:
    environment = Environment(
        loader=PackageLoader("kpi.database", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ").replace("`", "'")
    return environment.get_template(template).render(report=report, rules=RULES, p95=p95_text, enumerate=enumerate)
