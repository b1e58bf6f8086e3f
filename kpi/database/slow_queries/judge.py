"""What is wrong with a statement, by rules that the report states."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kpi.database.slow_queries.explain import Explained
from kpi.database.slow_queries.log import Executions
from kpi.database.slow_queries.statistics import Usage
from testing.queries.plans import PlanFault, QueryPlan


class Category(StrEnum):
    """What is wrong; the first that applies, in this order."""

    N_PLUS_ONE = "N+1"
    SORT_SPILL = "sort spill"
    MISSING_INDEX = "missing index"
    SUBQUERY = "subquery"
    OTHER = "other"


REPEATED: Final = 10
"""Calls of a lookup for one call of its parent, from which on it is N+1."""
LOOKUP_ROWS: Final = 6.0
"""Rows that a lookup by one key gives at most, on average."""
WASTEFUL_BUFFERS: Final = 100
"""The fewest pages of a call for which a subquery is reported."""
SUBQUERY_ROWS: Final = 500
SUBQUERY_ROWS_PER_ROW: Final = 20
"""The fewest rows that a reported correlated subquery reads, in all and for each row of the result."""

RULES: Final[Mapping[Category, str]] = {
    Category.N_PLUS_ONE: (
        f"a lookup by key (one table, at most {LOOKUP_ROWS:g} rows a call) that is called {REPEATED} times or more for "
        "each call of another statement, about as often as that one gives rows (half to twice); or for each row of a "
        f"lookup that is N+1 itself; or {REPEATED} times or more in a row by one connection, as the log shows"
    ),
    Category.SORT_SPILL: "the plan sorted, hashed or aggregated on disk, or the query wrote temporary files",
    Category.MISSING_INDEX: (
        "a scan read 1,000 rows or more to keep at most a fifth of them, or a sequential one did for a LIMIT that "
        "needs no more"
    ),
    Category.SUBQUERY: (
        f"IN (SELECT …) that touches {WASTEFUL_BUFFERS} pages a call or more, or a correlated subplan that ran more "
        f"than once and read {SUBQUERY_ROWS:,} rows or more, {SUBQUERY_ROWS_PER_ROW} or more for each row of the answer"
    ),
    Category.OTHER: "none of these",
}

_QUERY: Final = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|VALUES)\b", re.IGNORECASE | re.DOTALL
)
"""Queries, unlike maintenance (CREATE INDEX, VACUUM, COPY), which may sort on disk."""
_ONE_TABLE_LOOKUP: Final = re.compile(
    r"\A(?:/\*.*?\*/ )?SELECT (?!.*\bSELECT\b).* FROM \S+(?: (?:AS )?(?!where\b)\w+)? WHERE \S+ = \?[^,]*\Z",
    re.IGNORECASE | re.DOTALL,
)
_IN_SUBQUERY: Final = re.compile(r"\bIN\s*\(\s*SELECT\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryVerdict:
    """A statement, what is wrong with it, and the evidence."""

    usage: Usage
    category: Category
    because: str
    faults: tuple[PlanFault, ...]
    explained: Explained


def judge(
    usages: Sequence[Usage], explained: Mapping[int, Explained], executions: Mapping[str, Executions]
) -> tuple[QueryVerdict, ...]:
    """A verdict for each statement."""
    repeated = _repeated_lookups(usages, executions)
    verdicts: list[QueryVerdict] = []
    for usage in usages:
        plan = explained[usage.query_id].plan
        faults = plan.faults() if plan is not None and explained[usage.query_id].analysed else ()
        category, because = (
            repeated.get(usage.query_id)
            or _sort_spill(usage, faults)
            or _missing_index(faults)
            or _subquery(usage, plan)
            or (Category.OTHER, _other(explained[usage.query_id]))
        )
        verdicts.append(QueryVerdict(usage, category, because, faults, explained[usage.query_id]))
    return tuple(verdicts)


Reason = tuple[Category, str] | None


def _repeated_lookups(usages: Sequence[Usage], executions: Mapping[str, Executions]) -> dict[int, tuple[Category, str]]:
    """Lookups that a loop in the application runs, by query id."""
    lookups = [usage for usage in usages if _ONE_TABLE_LOOKUP.match(usage.text) and usage.rows_per_call <= LOOKUP_ROWS]
    found: dict[int, tuple[Category, str]] = {}
    while True:
        before = len(found)
        for usage in lookups:
            if usage.query_id in found:
                continue
            parent = _parent(usage, usages, found)
            longest = executions[usage.text].longest_run if usage.text in executions else 0
            if parent is not None:
                why = f"{usage.calls / parent.calls:,.0f} for each call of “{_shortened(parent.text)}”"
            elif longest >= REPEATED:
                why = f"up to {longest:,} times in a row by one connection"
            else:
                continue
            found[usage.query_id] = (
                Category.N_PLUS_ONE,
                f"called {usage.calls:,} times, {why}: fetch all with one = ANY(…) or a join",
            )
        if len(found) == before:
            return found


def _parent(usage: Usage, usages: Sequence[Usage], repeated: Mapping[int, object]) -> Usage | None:
    """The statement for whose rows this lookup is run, if there is one."""
    for parent in usages:
        if (
            parent is not usage
            and parent.rows_per_call > 1
            and 0.5 <= usage.calls / parent.rows <= 2.0
            and (usage.calls >= REPEATED * parent.calls or parent.query_id in repeated)
        ):
            return parent
    return None


def _sort_spill(usage: Usage, faults: Sequence[PlanFault]) -> Reason:
    for fault in faults:
        if fault.kind == "spill":
            return Category.SORT_SPILL, f"{fault.detail}: sort by an index, take fewer columns, or raise work_mem"
    if usage.temporary_pages and _QUERY.match(usage.text):
        return (
            Category.SORT_SPILL,
            f"wrote {usage.temporary_pages / usage.calls * 8:,.0f} kB of temporary files a call: as above",
        )
    return None


def _missing_index(faults: Sequence[PlanFault]) -> Reason:
    for fault in faults:
        if fault.kind in {"sequential scan", "wide index scan"}:
            return Category.MISSING_INDEX, f"{fault.kind} of {fault.relation}: {fault.detail}"
    return None


def _subquery(usage: Usage, plan: QueryPlan | None) -> Reason:
    if _IN_SUBQUERY.search(usage.text) and usage.buffers_per_call >= WASTEFUL_BUFFERS:
        return (
            Category.SUBQUERY,
            f"IN (SELECT …) touches {usage.buffers_per_call:,.0f} pages a call: EXISTS stops at the first match",
        )
    if plan is None:
        return None
    for node in plan.nodes():
        if not str(node.get("Subplan Name", "")).startswith("SubPlan"):
            continue
        loops, read = int(node.get("Actual Loops", 0)), _rows_read(node)
        if loops > 1 and read >= max(SUBQUERY_ROWS, SUBQUERY_ROWS_PER_ROW * plan.rows):
            cost = f"ran {loops:,} times and read {read:,} rows for an answer of {plan.rows:,}"
            return Category.SUBQUERY, f"a correlated subquery {cost}: join, use a window function, or store the figure"
    return None


def _rows_read(node: Mapping[str, Any]) -> int:
    """Rows that the scan below this node which reads most has read, kept or not, in all its loops."""
    if "Relation Name" in node or not node.get("Plans"):
        per_loop = float(node.get("Actual Rows", 0)) + float(node.get("Rows Removed by Filter", 0))
        return round(per_loop * int(node.get("Actual Loops", 0)))
    return max(_rows_read(child) for child in node["Plans"])


def _other(explained: Explained) -> str:
    return "nothing stands out in its plan" if explained.analysed else explained.note


def _shortened(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
