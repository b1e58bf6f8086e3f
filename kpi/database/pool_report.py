"""What measuring the pool found, as a table and a page."""

from collections.abc import Sequence
from typing import Final

from kpi.database.pool import Level

ABOUT: Final = """\
One pgBouncer with the declared pgbouncer.ini and a Postgres on the same machine as the visitors, no cache in front.
*Pool used* is the recording rule `pod:pgbouncer_pool_used:ratio`, from the exporter's own metrics: mean and highest of
the samples. More cores or faster queries move the range to more visitors."""
HEADINGS: Final = ("visitors", "queries/s", "P95 ms", "failed", "pool used", "peak", "longest wait s", "")


def cells(levels: Sequence[Level]) -> list[tuple[str, ...]]:
    """A row for each level, as text."""
    return [
        (
            f"{level.visitors:,}",
            f"{level.queries_per_second:,.0f}",
            f"{level.p95_ms:,.1f}",
            f"{level.failed}",
            f"{level.used:.0%}",
            f"{level.peak:.0%}",
            f"{level.longest_wait:.2f}",
            "40-70 %" if level.healthy else "",
        )
        for level in levels
    ]


def conclusion(levels: Sequence[Level]) -> str:
    """What the levels say, in two sentences."""
    design, healthy = levels[0], [level for level in levels if level.healthy]
    at_design = (
        f"At the design load without any cache ({design.visitors} visitors, {design.queries_per_second:,.0f} queries a "
        f"second) {design.used:.0%} of one pod's pool is used."
    )
    if not healthy:
        return f"{at_design} No load was found here that uses 40 to 70 % of it."
    level = healthy[0]
    return (
        f"{at_design} It is in its healthy range (40 to 70 %) at {level.visitors} visitors and "
        f"{level.queries_per_second:,.0f} queries/s, {level.visitors / design.visitors:.1f} times that load: "
        f"{level.used:.0%} used."
    )


def markdown(levels: Sequence[Level]) -> str:
    """The report as a page."""
    lines = ["# How full pgBouncer's pool gets", "", conclusion(levels), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in cells(levels)]
    lines += ["", ABOUT]
    return "\n".join(lines) + "\n"
