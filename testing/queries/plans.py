"""Reading `EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON)`: what a plan used, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from testing.queries.literals import hide_literals

BIG_SCAN_ROWS: Final = 1000
"""A sequential scan that reads fewer rows than this is as good as any index."""
SELECTIVE: Final = 0.2
"""A sequential scan that keeps more than this share of what it reads would not be faster with an index."""
MISESTIMATE_FACTOR: Final = 10.0
MISESTIMATE_ROWS: Final = 500
"""Rows of a node were misjudged if they are off by this factor, and by enough rows to matter to the planner."""


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One thing that is wrong with a plan. `kind` is `sequential scan`, `wide index scan`, `spill` or `misestimate`."""

    kind: str
    relation: str
    detail: str


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan, as Postgres's JSON has it. Without ANALYZE the times and buffers are zero."""

    root: Mapping[str, Any]
    execution_ms: float
    planning_ms: float

    @property
    def buffers(self) -> int:
        """Pages of 8 kB that it touched, in the cache or not."""
        return int(self.root.get("Shared Hit Blocks", 0)) + int(self.root.get("Shared Read Blocks", 0))

    @property
    def rows(self) -> int:
        """Rows that it returned (0 without ANALYZE)."""
        return int(self.root.get("Actual Rows", 0))

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """All nodes, each before those below it."""
        pending = [self.root]
        while pending:
            node = pending.pop()
            yield node
            pending += reversed(node.get("Plans", ()))

    def indexes(self) -> frozenset[str]:
        """Names of the indexes that it reads, or finds conflicts by."""
        found: set[str] = set()
        for node in self.nodes():
            if "Index Name" in node:
                found.add(node["Index Name"])
            found.update(node.get("Conflict Arbiter Indexes", ()))
        return frozenset(found)

    def faults(self) -> tuple[PlanFault, ...]:
        """Scans that an index would avoid, work that didn't fit into memory, and misestimated rows; needs ANALYZE."""
        found: list[PlanFault] = []
        limited = any(node["Node Type"] == "Limit" for node in self.nodes())
        for node in self.nodes():
            found += _wasteful_scan(node, self.rows if limited else None)
            found += _spill(node)
            found += _misestimate(node)
        return tuple(found)

    def summary(self) -> str:
        """The plan on one line: its nodes from the top, with their relation or index."""
        return " > ".join(_label(node) for node in self.nodes())


def read_plan(explained: str | bytes | list[Any]) -> QueryPlan:
    """Parse the output of `EXPLAIN (FORMAT JSON)`, as text or decoded."""
    decoded = explained if isinstance(explained, list) else orjson.loads(explained)
    top = decoded[0]
    return QueryPlan(top["Plan"], float(top.get("Execution Time", 0.0)), float(top.get("Planning Time", 0.0)))


def _label(node: Mapping[str, Any]) -> str:
    subject = node.get("Index Name") or node.get("Relation Name")
    return f"{node['Node Type']} ({subject})" if subject else str(node["Node Type"])


def _loops(node: Mapping[str, Any]) -> int:
    return int(node.get("Actual Loops", 0))


_SCANS: Final = {
    "Seq Scan": "sequential scan",
    "Index Scan": "wide index scan",
    "Index Only Scan": "wide index scan",
    "Bitmap Heap Scan": "wide index scan",
}


def _wasteful_scan(node: Mapping[str, Any], limited_to: int | None) -> Iterator[PlanFault]:
    """A scan that reads far more rows than it needs to, because no index fits the condition or the order."""
    kind = _SCANS.get(node["Node Type"])
    if kind is None or not _loops(node):
        return
    kept = float(node.get("Actual Rows", 0))
    removed = float(node.get("Rows Removed by Filter", 0))
    read = (kept + removed) * _loops(node)
    needed = kept * _loops(node)
    if limited_to is not None and kind == "sequential scan":
        needed = min(needed, limited_to)
    if read < BIG_SCAN_ROWS or needed > SELECTIVE * read:
        return
    yield PlanFault(
        kind,
        str(node.get("Relation Name", "")),
        f"{read:,.0f} rows read to keep {needed:,.0f}; filter {hide_literals(str(node.get('Filter', '(none)')))}",
    )


def _spill(node: Mapping[str, Any]) -> Iterator[PlanFault]:
    relation = str(node.get("Relation Name", ""))
    if node.get("Sort Space Type") == "Disk":
        keys = ", ".join(node.get("Sort Key", ()))
        yield PlanFault("spill", relation, f"sort by {keys} wrote {node['Sort Space Used']:,} kB to disk")
    if int(node.get("Hash Batches", 1)) > 1:
        yield PlanFault("spill", relation, f"hash in {node['Hash Batches']} batches instead of one")
    if int(node.get("HashAgg Batches", 1)) > 1:
        yield PlanFault("spill", relation, f"aggregation wrote {node.get('Disk Usage', 0):,} kB to disk")


def _misestimate(node: Mapping[str, Any]) -> Iterator[PlanFault]:
    # A LIMIT stops the nodes below it early: that isn't the estimate's fault, so they are not compared upwards.
    if not _loops(node) or node["Node Type"] in {"Limit", "Materialize", "Memoize"}:
        return
    expected, actual = float(node.get("Plan Rows", 0)), float(node.get("Actual Rows", 0))
    low, high = sorted((max(expected, 1.0), max(actual, 1.0)))
    if actual > expected and high / low >= MISESTIMATE_FACTOR and high - low >= MISESTIMATE_ROWS:
        yield PlanFault(
            "misestimate",
            str(node.get("Relation Name", "")),
            f"{node['Node Type']}: {expected:,.0f} rows expected, {actual:,.0f} came",
        )
