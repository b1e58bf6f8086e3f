"""The report: rows for every criterion, as terminal table, Markdown, one HTML page and JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal, get_args

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from kpi.criteria import CRITERIA, Criterion
from kpi.figures import Figure
from kpi.measure import Measured
from kpi.plots import failover_timeline, hits_over_time, latencies, queries_saved

Verdict = Literal["pass", "fail", "not measured", "by test", "in production"]


@dataclass(frozen=True)
class Row:
    """A criterion and what became of it."""

    criterion: Criterion
    verdict: Verdict
    measured: str
    method: str
    value: float | None = None
    earlier: float | None = None


def _text(value: float, unit: str) -> str:
    match unit:
        case "ratio":
            return f"{value:.1%}"
        case "seconds":
            return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e3:.2g} ms"
        case _:
            return f"{value:,.0f} {unit}"


def _row(criterion: Criterion, figures: dict[str, Figure], earlier: dict[str, float]) -> Row:
    also = f"; in production: {criterion.production}" if criterion.production else ""
    if criterion.figure:
        figure = figures.get(criterion.figure)
        if figure is None:
            return Row(criterion, "not measured", "-", "the shop gave no such figure in this run")
        verdict: Verdict = "pass" if criterion.met(figure.value) else "fail"
        text = _text(figure.value, criterion.unit)
        return Row(criterion, verdict, text, figure.method + also, figure.value, earlier.get(criterion.figure))
    if criterion.proof:
        return Row(criterion, "by test", "-", criterion.proof + also)
    return Row(criterion, "in production", "-", criterion.production)


def rows(measured: Measured, earlier: dict[str, float]) -> list[Row]:
    """A row for each criterion. `earlier`: figures of a run to compare with."""
    return [_row(criterion, measured.figures, earlier) for criterion in CRITERIA]


def failures(table: Sequence[Row]) -> list[Row]:
    """What was measured and isn't met, or should have been measured and wasn't."""
    return [row for row in table if row.verdict in ("fail", "not measured")]


def _change(row: Row) -> str:
    if row.value is None or row.earlier is None:
        return ""
    change = row.value - row.earlier
    match row.criterion.unit:
        case "ratio":
            return f"{change * 100:+.1f} points"
        case "seconds":
            return f"{change * 1e3:+.3g} ms"
        case _:
            return f"{change:+,.0f}"


def tally(table: Sequence[Row]) -> str:
    """How many of each verdict, in words."""
    counted = {verdict: sum(row.verdict == verdict for row in table) for verdict in get_args(Verdict)}
    return ", ".join(f"{count} {verdict}" for verdict, count in counted.items() if count)


_STYLES = {"pass": "green", "fail": "bold red", "not measured": "red", "by test": "cyan", "in production": "dim"}


def print_table(table: Sequence[Row], console: Console) -> None:
    """For the terminal."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("asked for", overflow="fold", ratio=3)
    shown.add_column("measured", no_wrap=True, justify="right")
    shown.add_column("change", no_wrap=True, justify="right")
    shown.add_column("verdict", no_wrap=True)
    shown.add_column("method, or where it is measured", overflow="fold", ratio=5)
    section = ""
    for row in table:
        if row.criterion.where != section:
            section = row.criterion.where
            shown.add_row(f"[bold]{section}[/]")
        shown.add_row(
            f"  {row.criterion.asks}",
            row.measured,
            _change(row),
            f"[{_STYLES[row.verdict]}]{row.verdict}[/]",
            escape_markup(row.method),
        )
    console.print(shown)


def markdown(table: Sequence[Row], about: dict[str, Any]) -> str:
    """For a pull request or the docs."""
    lines = ["# KPI report", "", f"{tally(table)}.", "", *(f"- {key}: {value}" for key, value in about.items()), ""]
    lines += ["| | asked for | measured | change | verdict | method |", "|---|---|---|---|---|---|"]
    lines += [
        "| " + " | ".join((r.criterion.where, r.criterion.asks, r.measured, _change(r), r.verdict, r.method)) + " |"
        for r in table
    ]
    return "\n".join(lines) + "\n"


_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:78rem;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}
td:nth-child(2),td:nth-child(3){white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums}
td:nth-child(4){white-space:nowrap;font-weight:600}
th[scope=rowgroup]{padding-top:1.1rem;font-size:1.05em}
.pass td:nth-child(4){color:#17692f}
.fail td,.not-measured td{background:#fdecea}.fail td:nth-child(4),.not-measured td:nth-child(4){color:#a3150f}
.in-production td,.by-test td{color:#555}
.tally{font-size:1.15em}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(30rem,1fr));gap:1rem}
figure{margin:0}svg{max-width:100%;height:auto}
"""


def html(table: Sequence[Row], measured: Measured, about: dict[str, Any]) -> str:
    """One page that needs nothing else."""
    body, section = list[str](), ""
    for row in table:
        if row.criterion.where != section:
            section = row.criterion.where
            body.append(f"<tbody><tr><th scope=rowgroup colspan=5>{escape(section)}</tr>")
        body.append(
            f"<tr class='{row.verdict.replace(' ', '-')}'><td>{escape(row.criterion.asks)}<td>{escape(row.measured)}"
            f"<td>{escape(_change(row))}<td>{row.verdict}<td>{escape(row.method)}</tr>"
        )
    facts = "".join(f"<li>{escape(key)}: {escape(str(value))}" for key, value in about.items())
    plots = "".join(f"<figure>{plot}</figure>" for plot in _plots(measured))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>KPI report</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>KPI report</h1><p class=tally>{tally(table)}</p><ul>{facts}</ul><div class=plots>{plots}</div><table>"
        "<thead><tr><th>asked for<th>measured<th>change<th>verdict<th>method, or where it is measured</tr></thead>"
        f"{''.join(body)}</table></html>\n"
    )


def _plots(measured: Measured) -> list[str]:
    plots = [
        latencies(measured.records, measured.uncached),
        hits_over_time(measured.records),
    ]
    without, made = (measured.figures.get(name) for name in ("queries_without_caches", "queries_with_caches"))
    if without is not None and made is not None:
        plots.append(queries_saved(without.value, made.value))
    if measured.failover is not None:
        plots.append(failover_timeline(measured.failover))
    return plots


def as_json(table: Sequence[Row], measured: Measured, about: dict[str, Any]) -> str:
    """For trends: figures by name, and the verdicts."""
    document = {
        "about": about,
        "figures": {
            name: {"value": figure.value, "method": figure.method} for name, figure in measured.figures.items()
        },
        "criteria": [
            {"where": row.criterion.where, "asks": row.criterion.asks, "verdict": row.verdict, "value": row.value}
            for row in table
        ],
    }
    return json.dumps(document, indent=1) + "\n"


@dataclass(frozen=True)
class Earlier:
    """A run to compare with: its figures, and what it was."""

    figures: dict[str, float]
    about: dict[str, str]


class NotAReport(Exception):
    """A file isn't the JSON of an earlier run; the message names it."""


def earlier_run(path: Path) -> Earlier:
    """An earlier run's JSON. Raises NotAReport."""
    try:
        document = json.loads(path.read_text())
        figures = {name: float(figure["value"]) for name, figure in document["figures"].items()}
        return Earlier(figures, dict(document["about"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAReport(
            f"{path} isn't the report.json of an earlier run ({error!r}); name another with --compare"
        ) from None


def write(directory: Path, table: Sequence[Row], measured: Measured, about: dict[str, Any]) -> None:
    """report.md, report.html and report.json in `directory`, and a line in its history.jsonl."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.md").write_text(markdown(table, about))
    (directory / "report.html").write_text(html(table, measured, about))
    text = as_json(table, measured, about)
    (directory / "report.json").write_text(text)
    # One line a run, to draw trends from.
    with (directory / "history.jsonl").open("a") as history:
        history.write(json.dumps(json.loads(text)) + "\n")
