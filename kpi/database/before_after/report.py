"""The before/after report, measured on a database of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

import asyncpg

from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from kpi.criterion import Criterion, Measurement, judge
from kpi.database.before_after.measure import (
    Index,
    Progress,
    Timing,
    drop_indexes,
    index_gains,
    measure_statements,
    plain_indexes,
)
from kpi.database.before_after.mix import SLOW_MS, Load, run_mix
from kpi.database.before_after.writes import BATCH, Compared, index_costs, write_costs
from kpi.plots import before_and_after
from kpi.report import Picture, Report, Table
from kpi.workload import Workload
from testing.postgres import Cluster
from testing.queries.busy_day import fill_busy_day
from testing.queries.calls import gather_facts, sample_calls
from testing.queries.effort import Effort, effort_of
from testing.queries.slow_forms import REWRITES

SERVER: Final = {"shared_buffers": "1GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB", "jit": "off"}
"""jit off: it costs more than these queries take (the declared jit_above_cost excludes them as well)."""

INDEXED_SECONDS: Final = 0.010
MIX_CALLS: Final = 1500
CRITERIA: Final = (
    Criterion("every indexed query < 10 ms", "slowest_indexed", "<", INDEXED_SECONDS, "seconds"),
    Criterion("load mix on average < 50 ms a query", "mix_mean", "<", 0.050, "seconds"),
    Criterion(f"load mix: < 5 % of queries over {SLOW_MS:g} ms", "mix_slow", "<", 0.05, "ratio"),
)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One query in a form that shops often use, without our indexes, and in ours, with them."""

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

    def figures(self) -> dict[str, Measurement]:
        """The criteria's figures."""
        names = {index.name for index in self.indexes}
        indexed = {name: timing.milliseconds for name, timing in self.after.items() if timing.plan.indexes() & names}
        slowest = max(indexed, key=lambda name: indexed[name])
        mix, before = self.mix_after, self.mix_before
        return {
            "slowest_indexed": Measurement(indexed[slowest] / 1e3, f"{slowest}, the slowest"),
            "mix_mean": Measurement(
                mix.mean_ms / 1e3, f"{mix.calls} calls; {before.mean_ms:.2f} ms without the indexes"
            ),
            "mix_slow": Measurement(mix.slow, f"{mix.calls} calls; {before.slow:.2%} without the indexes"),
        }


async def measure(dsn: str, size: Size, progress: Progress) -> Measured:
    """Fill the empty database at `dsn`, measure it with indexes, drop them, and measure again."""
    progress("schema")
    await upgrade(dsn)
    await load(dsn, size, lambda table, done, of: progress(f"loading {table} {done:,}/{of:,}"))
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        await fill_busy_day(connection, size.users)
        calls, facts, workload = await sample_calls(connection), await gather_facts(connection), Workload.load()
        indexes = await plain_indexes(connection)
        progress("with indexes")
        after = await measure_statements(connection, calls, lambda name: progress(f"with indexes: {name}"))
        fast = [await effort_of(connection, lambda db, form=form: form.fast(db, facts)) for form in REWRITES]
        mix_after = await run_mix(connection, workload, calls=MIX_CALLS)
        progress("each index by itself")
        gains = await index_gains(connection, calls, after, lambda name: progress(f"without {name}"))
        progress("writes")
        writes, costs = await write_costs(connection, indexes), await index_costs(connection, indexes)
        await drop_indexes(connection)
        before = await measure_statements(connection, calls, lambda name: progress(f"without indexes: {name}"))
        slow: list[Effort] = []
        for form in REWRITES:
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
                for form, before, after in zip(REWRITES, slow, fast, strict=True)
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


def measure_on_own_server(size: Size, progress: Progress) -> Measured:
    """Measure on a Postgres started for it."""
    with Cluster(SERVER) as cluster:
        asyncio.run(_create(cluster))
        return asyncio.run(measure(cluster.dsn("report"), size, progress))


async def _create(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.dsn())
    await connection.execute("CREATE DATABASE report")
    await connection.close()


def _data(measured: Measured) -> dict[str, object]:
    return {
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
    }


ABOUT: Final = """\
Before: without the plain indexes (primary keys and unique constraints stay). Times are medians of planning and
execution; pages are 8 kB, in the cache or not."""
ABOUT_INDEXES: Final = f"""\
Gain: milliseconds that one call of each query using it would take longer without this index alone (0: the planner has
another way that is as good at this size). Cost: what it adds by itself to a new row of its table ({BATCH:,} in one
statement), in microseconds and in bytes of write-ahead log. A few microseconds are noise."""


def report_of(measured: Measured) -> Report:
    """Criteria, every query, rewrite, index and plan."""
    size = measured.size
    statements = sorted(
        ((name, measured.before[name], timing) for name, timing in measured.after.items()),
        key=lambda each: each[2].milliseconds - each[1].milliseconds,
    )
    figures = measured.figures()
    picture = before_and_after(
        {name: (measured.before[name].milliseconds, timing.milliseconds) for name, timing in measured.after.items()},
        {index.name: (index.size, measured.gain_of(index.name)) for index in measured.indexes},
        target_ms=INDEXED_SECONDS * 1e3,
    )
    parts = [
        ABOUT,
        Picture("db-report", picture, "Time before and after; size of each index against what it gains"),
        "## Every query",
        Table(
            ["query", "before ms", "after ms", "before pages", "after pages"],
            [
                (name, f"{old.milliseconds:,.2f}", f"{new.milliseconds:,.2f}", f"{old.pages:,}", f"{new.pages:,}")
                for name, old, new in statements
            ],
        ),
        "## Every rewrite",
        "Before: as shops often ask it, without indexes. After: the shop's own, with them. Both give the same rows.",
        Table(
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
        Table(
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
        Table(
            ["write", "µs without", "µs with", "WAL bytes without", "WAL bytes with"],
            [
                (name, f"{a.microseconds:,.0f}", f"{b.microseconds:,.0f}", f"{a.wal_bytes:,.0f}", f"{b.wal_bytes:,.0f}")
                for name, a, b in ((name, cost.without, cost.whole) for name, cost in measured.writes.items())
            ],
        ),
        "## Every plan",
        *(
            f"**{name}**\n- before: {old.plan.summary()}\n- after: {new.plan.summary()}"
            for name, old, new in statements
        ),
    ]
    return Report(
        title="Queries before and after",
        judged=judge(CRITERIA, figures),
        figures=figures,
        about={
            "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "data": ", ".join(f"{count:,} {what}" for what, count in asdict(size).items() if what != "seed"),
            "server": f"Postgres {measured.server}, everything in memory",
        },
        parts=parts,
        data=_data(measured),
    )
