"""The report: measured on a database of its own, written as Markdown, one HTML page, JSON and a plot."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from kpi.database.before_after.measure import (
    Index,
    Progress,
    Timing,
    drop_indexes,
    index_gains,
    measure_statements,
    plain_indexes,
    slow_forms,
)
from kpi.database.before_after.mix import SLOW_MS, Load, run_mix
from kpi.database.before_after.plot import draw
from kpi.database.before_after.writes import BATCH, Compared, index_costs, write_costs
from kpi.database.busy_day import fill_busy_day
from kpi.database.calls import gather_facts, sample_calls
from kpi.database.effort import Effort, effort_of
from kpi.workload import Workload
from testing.postgres import Cluster

SIZE: Final = Size(products=100_000, users=50_000, orders=1_000_000, reviews=300_000)
SERVER: Final = {"shared_buffers": "1GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB", "jit": "off"}
"""jit off: it costs more than these queries take (the declared jit_above_cost keeps it away from them as well)."""

INDEXED_MS: Final = 10.0
MEAN_MS: Final = 50.0
SLOW_SHARE: Final = 0.05
MIX_CALLS: Final = 1500


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question asked in the form that shops often use, without our indexes, and in ours, with them."""

    name: str
    fault: str
    before: Effort
    after: Effort


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything the report says."""

    size: Size
    server: str
    before: Mapping[str, Timing]
    after: Mapping[str, Timing]
    rewrites: tuple[Rewritten, ...]
    mix_before: Load
    mix_after: Load
    writes: Mapping[str, Compared]
    indexes: tuple[Index, ...]
    gains: Mapping[str, Mapping[str, float]]
    """By index: the statements that use it, and the milliseconds that each would take longer without it alone."""
    costs: Mapping[str, Compared]
    """By index: what a new row of its table costs without any, and with this one."""

    def gain_of(self, index: str) -> float:
        """Milliseconds that one call of each statement using it is faster by; none below zero, which is noise."""
        return max(sum(self.gains[index].values()), 0.0)

    def criteria(self) -> tuple[tuple[str, str, bool], ...]:
        """What was asked for, what was measured, and whether that is enough."""
        names = {index.name for index in self.indexes}
        indexed = {name: timing.milliseconds for name, timing in self.after.items() if timing.plan.indexes() & names}
        slowest = max(indexed, key=lambda name: indexed[name])
        mix, before = self.mix_after, self.mix_before
        return (
            (
                f"every indexed query under {INDEXED_MS:g} ms",
                f"slowest: {slowest}, {indexed[slowest]:.2f} ms",
                indexed[slowest] < INDEXED_MS,
            ),
            (
                f"load mix on average under {MEAN_MS:g} ms a query",
                f"{mix.mean_ms:.2f} ms (before: {before.mean_ms:.2f} ms)",
                mix.mean_ms < MEAN_MS,
            ),
            (
                f"load mix: under {SLOW_SHARE:.0%} of queries over {SLOW_MS:g} ms",
                f"{mix.slow:.2%} (before: {before.slow:.2%})",
                mix.slow < SLOW_SHARE,
            ),
        )


async def measure(dsn: str, size: Size, progress: Progress) -> Measured:
    """Fill the empty database at `dsn`, measure it with indexes, take them away, and measure again."""
    progress("schema")
    await upgrade(dsn)
    await load(dsn, size, lambda table, done, of: progress(f"loading {table} {done:,}/{of:,}"))
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        await fill_busy_day(connection, size.users)
        calls, facts, workload = await sample_calls(connection), await gather_facts(connection), Workload.load()
        forms = slow_forms().REWRITES
        indexes = await plain_indexes(connection)
        progress("with indexes")
        after = await measure_statements(connection, calls, lambda name: progress(f"with indexes: {name}"))
        fast = [await effort_of(connection, lambda db, form=form: form.fast(db, facts)) for form in forms]
        mix_after = await run_mix(connection, workload, calls=MIX_CALLS)
        progress("each index by itself")
        gains = await index_gains(connection, calls, after, lambda name: progress(f"without {name}"))
        progress("writes")
        writes, costs = await write_costs(connection, indexes), await index_costs(connection, indexes)
        await drop_indexes(connection)
        before = await measure_statements(connection, calls, lambda name: progress(f"without indexes: {name}"))
        slow: list[Effort] = []
        for form in forms:
            progress(f"slow form: {form.name}")
            slow.append(await effort_of(connection, lambda db, form=form: form.slow(db, facts), repeat=1))
        progress("load mix without indexes")
        mix_before = await run_mix(connection, workload, calls=MIX_CALLS // 5)
        return Measured(
            size=size,
            server=await connection.fetchval("SHOW server_version"),
            before=before,
            after=after,
            rewrites=tuple(
                Rewritten(form.name, form.fault, before, after)
                for form, before, after in zip(forms, slow, fast, strict=True)
            ),
            mix_before=mix_before,
            mix_after=mix_after,
            writes=writes,
            indexes=indexes,
            gains=gains,
            costs=costs,
        )
    finally:
        await connection.close()


def make_report(directory: Path, size: Size, progress: Progress) -> Measured:
    """Measure on a Postgres started for it, and write db-report.md, .html, .json and .svg into `directory`."""
    with Cluster(SERVER) as cluster:
        asyncio.run(_create(cluster))
        measured = asyncio.run(measure(cluster.dsn("report"), size, progress))
    directory.mkdir(parents=True, exist_ok=True)
    draw(
        directory / "db-report.svg",
        {name: (measured.before[name].milliseconds, timing.milliseconds) for name, timing in measured.after.items()},
        {index.name: (index.size, measured.gain_of(index.name)) for index in measured.indexes},
        target_ms=INDEXED_MS,
    )
    (directory / "db-report.md").write_text(markdown(measured), encoding="utf-8")
    picture = (directory / "db-report.svg").read_text(encoding="utf-8")
    (directory / "db-report.html").write_text(html(measured, picture), encoding="utf-8")
    (directory / "db-report.json").write_bytes(as_json(measured))
    return measured


async def _create(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.dsn())
    await connection.execute("CREATE DATABASE report")
    await connection.close()


def as_json(measured: Measured) -> bytes:
    """For comparison with later reports."""
    return orjson.dumps(
        {
            "made_at": datetime.now(UTC),
            "size": asdict(measured.size),
            "statements": {
                name: {
                    "before_ms": measured.before[name].milliseconds,
                    "after_ms": timing.milliseconds,
                    "before_pages": measured.before[name].pages,
                    "after_pages": timing.pages,
                    "before_plan": measured.before[name].plan.summary(),
                    "after_plan": timing.plan.summary(),
                }
                for name, timing in measured.after.items()
            },
            "rewrites": {
                each.name: {"before": asdict(each.before), "after": asdict(each.after)} for each in measured.rewrites
            },
            "mix": {"before": asdict(measured.mix_before), "after": asdict(measured.mix_after)},
            "writes": {name: asdict(cost) for name, cost in measured.writes.items()},
            "indexes": {
                index.name: {
                    "table": index.table,
                    "bytes": index.size,
                    "gain_ms": measured.gains[index.name],
                    "new_row": asdict(measured.costs[index.name]),
                }
                for index in measured.indexes
            },
            "criteria": [{"asked": asked, "measured": found, "met": met} for asked, found, met in measured.criteria()],
        },
        option=orjson.OPT_INDENT_2,
    )


def _table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    headings = list(headings)
    lines = [headings, ["---"] * len(headings), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


ABOUT_INDEXES: Final = f"""\
Gain: milliseconds that one call of each query using it would take longer without this index alone (0: the planner has
another way that is as good at this size). Cost: what it adds by itself to a new row of its table ({BATCH:,} in one
statement), in microseconds and in bytes of write-ahead log. A few microseconds are noise."""
PICTURE: Final = "![Time before and after; size of each index against what it gains](db-report.svg)"


def html(measured: Measured, picture: str) -> str:
    """The report as one page that needs nothing else; `picture` is its SVG."""
    environment = Environment(
        loader=PackageLoader("kpi.database", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(measured))
    inline = body.replace(
        MarkdownIt("commonmark").render(PICTURE), f"<figure>{picture[picture.index('<svg') :]}</figure>"
    )
    return environment.get_template("db_report.html.j2").render(body=Markup(inline))  # noqa: S704 - ours, escaped above


def markdown(measured: Measured) -> str:
    """The report as a page."""
    size = measured.size
    statements = sorted(
        measured.after,
        key=lambda name: measured.before[name].milliseconds - measured.after[name].milliseconds,
        reverse=True,
    )
    about = (
        f"{size.products:,} products, {size.users:,} users, {size.orders:,} orders, {size.reviews:,} reviews on "
        f"Postgres {measured.server}, everything in memory. Before: without the plain indexes (primary keys and unique "
        "constraints stay). Times are medians of planning and execution; pages are 8 kB, in the cache or not."
    )
    parts = [
        "# Queries before and after",
        about,
        PICTURE,
        "## What was asked for",
        _table(
            ["criterion", "measured", "met"],
            [(asked, found, "yes" if met else "**no**") for asked, found, met in measured.criteria()],
        ),
        "## Every query",
        _table(
            ["query", "before ms", "after ms", "before pages", "after pages"],
            [
                (
                    name,
                    f"{measured.before[name].milliseconds:,.2f}",
                    f"{measured.after[name].milliseconds:,.2f}",
                    f"{measured.before[name].pages:,}",
                    f"{measured.after[name].pages:,}",
                )
                for name in statements
            ],
        ),
        "## Every rewrite",
        "Before: as shops often ask it, without indexes. After: the shop's own, with them. Both give the same rows.",
        _table(
            ["question", "fault", "statements", "pages", "ms"],
            [
                (
                    each.name,
                    each.fault,
                    f"{each.before.statements:,} → {each.after.statements:,}",
                    f"{each.before.pages:,} → {each.after.pages:,}",
                    f"{each.before.milliseconds:,.1f} → {each.after.milliseconds:,.1f}",
                )
                for each in measured.rewrites
            ],
        ),
        "## Every index: size against gain",
        ABOUT_INDEXES,
        _table(
            ["index", "MB", "gain ms", "cost µs", "cost WAL bytes", "used by"],
            [
                (
                    index.name,
                    f"{index.size / 2**20:,.2f}",
                    f"{measured.gain_of(index.name):,.2f}",
                    f"{measured.costs[index.name].added.microseconds:+,.1f}",
                    f"{measured.costs[index.name].added.wal_bytes:+,.0f}",
                    ", ".join(measured.gains[index.name]),
                )
                for index in sorted(measured.indexes, key=lambda index: measured.gain_of(index.name), reverse=True)
            ],
        ),
        "## What all indexes cost writes",
        f"For one row of {BATCH:,}, in one statement, without and with all plain indexes, in turn.",
        _table(
            ["write", "µs without", "µs with", "WAL bytes without", "WAL bytes with"],
            [
                (
                    name,
                    f"{cost.without.microseconds:,.0f}",
                    f"{cost.whole.microseconds:,.0f}",
                    f"{cost.without.wal_bytes:,.0f}",
                    f"{cost.whole.wal_bytes:,.0f}",
                )
                for name, cost in measured.writes.items()
            ],
        ),
        "## Every plan",
        *(
            f"**{name}**\n"
            f"- before: {measured.before[name].plan.summary()}\n"
            f"- after: {measured.after[name].plan.summary()}"
            for name in statements
        ),
    ]
    return "\n\n".join(parts) + "\n"
