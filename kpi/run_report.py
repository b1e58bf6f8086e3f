"""The report of a run: every criterion of the specification, and the conditions under which the figures were
measured.
"""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from kpi.criteria import CRITERIA
from kpi.criterion import judge
from kpi.measure import Durations, Measured
from kpi.plots import bars, failover_timeline, hits_over_time, latencies
from kpi.report import Earlier, Picture, Report
from kpi.workload import Workload

BUSY = 0.9
"""Share of all cores; the shop under this load and its measuring leave some of them idle."""


def report_of(measured: Measured, about: Mapping[str, str], earlier: Mapping[str, float] | None = None) -> Report:
    """`earlier`: figures of a run to compare with."""
    pictures = [
        Picture("latencies", latencies(measured.records, measured.uncached), "Response time, by layer"),
        Picture("hits", hits_over_time(measured.records), "Layers that answered, over time"),
    ]
    without, made = (measured.figures.get(name) for name in ("queries_without_caches", "queries_with_caches"))
    if without is not None and made is not None:
        statements = [("without caches", without.value), ("with caches", made.value)]
        pictures.append(Picture("statements", bars(statements, "Database statements of the load", "statements"),
                                "Database statements of the load"))  # fmt: skip
    if measured.failover is not None:
        pictures.append(Picture("failover", failover_timeline(measured.failover), "A Redis master is lost"))
    return Report(
        title="KPI report",
        judged=judge(CRITERIA, measured.figures, earlier),
        figures=measured.figures,
        about=about,
        parts=pictures,
    )


def about_run(
    mode: str, durations: Durations, measured: Measured, mix: Workload, earlier: Earlier | None
) -> dict[str, str]:
    """The conditions of the run: load, generator, machine."""
    figures, count = measured.figures, len(measured.records)
    facts = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "mode": mode,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": f"{count} requests in {measured.duration:.0f} s ({count / measured.duration:.0f}/s), seed {mix.seed}, "
        f"after {durations.warm_up:.0f} s of warm-up by other visitors"
        + (f" at {durations.pace:.0f} times the pace (docs/kpi.md)" if durations.pace > 1 else ""),
        "failed requests": f"{figures['failed_share'].value:.2%}",
        "P95 seen by visitors": f"{figures['client_p95_seconds'].value * 1e3:.1f} ms, with gateway and queues",
        "load generator": f"used {figures['generator_cpu'].value:.2f} cores; "
        f"P99 of its requests left {figures['generator_late_p99'].value * 1e3:.1f} ms late",
        "machine during the load": f"{figures['machine_busy'].value:.0%} busy, "
        f"{figures['machine_stolen'].value:.1%} stolen, load average now {os.getloadavg()[0]:.1f}"
        + ("; something else runs here, so times read high" if figures["machine_busy"].value > BUSY else ""),
    }
    if measured.failover is not None:
        promoted = measured.failover.promoted
        facts["lost master"] = f"{measured.failover.lost}; " + (
            f"the other node was master after {promoted:.1f} s" if promoted is not None else "nothing was promoted"
        )
    if earlier is not None:
        facts["compared with"] = f"the run of {earlier.about.get('measured', 'an unknown time')}"
    return facts
