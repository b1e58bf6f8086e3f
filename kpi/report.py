"""The report: rows for every criterion, as terminal table, Markdown, one HTML page and JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from kpi.criteria import CRITERIA, Criterion
from kpi.measure import Figure, Measured
from kpi.plots import hits_over_time, latencies, queries_saved

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
            return f"{value * 1e3:.1f} ms"
        case _:
            return f"{value:,.0f} {unit}"


def _row(criterion: Criterion, figures: dict[str, Figure], earlier: dict[str, float]) -> Row:
    if criterion.figure:
        figure = figures.get(criterion.figure)
        if figure is None:
            return Row(criterion, "not measured", "-", "the shop gave no such figure in this run")
        verdict: Verdict = "pass" if criterion.met(figure.value) else "fail"
        text = _text(figure.value, criterion.unit)
        return Row(criterion, verdict, text, figure.method, figure.value, earlier.get(criterion.figure))
    if criterion.proof:
        also = f"; in production: {criterion.production}" if criterion.production else ""
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
    return f"{row.value - row.earlier:+.3g}"


_STYLES = {"pass": "green", "fail": "bold red", "not measured": "red", "by test": "cyan", "in production": "dim"}


def print_table(table: Sequence[Row], console: Console) -> None:
    """For the terminal."""
    shown = Table(title="The specification's numbers", show_lines=False)
    for heading in ("", "asked for", "measured", "verdict", "method, or where it is measured"):
        shown.add_column(heading, overflow="fold")
    section = ""
    for row in table:
        where = row.criterion.where if row.criterion.where != section else ""
        section = row.criterion.where
        shown.add_row(
            where,
            row.criterion.asks,
            f"{row.measured} {_change(row)}".strip(),
            f"[{_STYLES[row.verdict]}]{row.verdict}[/]",
            row.method,
        )
    console.print(shown)


def markdown(table: Sequence[Row], about: dict[str, Any]) -> str:
    """For a pull request or the docs."""
    lines = ["# KPI report", "", *(f"- {key}: {value}" for key, value in about.items()), ""]
    lines += ["| | asked for | measured | change | verdict | method |", "|---|---|---|---|---|---|"]
    lines += [
        "| " + " | ".join((r.criterion.where, r.criterion.asks, r.measured, _change(r), r.verdict, r.method)) + " |"
        for r in table
    ]
    return "\n".join(lines) + "\n"


def html(table: Sequence[Row], measured: Measured, about: dict[str, Any]) -> str:
    """One page that needs nothing else."""
    body = "".join(
        f"<tr class='{row.verdict.replace(' ', '-')}'><td>{escape(row.criterion.where)}<td>{escape(row.criterion.asks)}"
        f"<td>{escape(row.measured)}<td>{escape(_change(row))}<td>{row.verdict}<td>{escape(row.method)}</tr>"
        for row in table
    )
    facts = "".join(f"<li>{escape(key)}: {escape(str(value))}" for key, value in about.items())
    plots = "".join(
        f"<figure>{plot}</figure>"
        for plot in (
            latencies(measured.records, measured.uncached_seconds),
            hits_over_time(measured.records),
            queries_saved(measured.queries_without, measured.queries_with),
        )
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>KPI report</title><style>"
        "body{font:15px/1.45 system-ui;margin:2rem auto;max-width:75rem;padding:0 1rem}table{border-collapse:collapse}"
        "td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}"
        "figure{margin:1rem 0}"
        ".pass td:nth-child(5){color:#187a35}.fail td,.not-measured td{background:#fdecea}"
        ".in-production td{color:#666}svg{max-width:100%;height:auto}</style>"
        f"<h1>KPI report</h1><ul>{facts}</ul><table>"
        "<tr><th><th>asked for<th>measured<th>change<th>verdict<th>method</tr>"
        f"{body}</table>{plots}</html>\n"
    )


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


def earlier_figures(path: Path) -> dict[str, float]:
    """Figures of an earlier run's JSON."""
    document = json.loads(path.read_text())
    return {name: figure["value"] for name, figure in document["figures"].items()}


def write(directory: Path, table: Sequence[Row], measured: Measured, about: dict[str, Any]) -> None:
    """report.md, report.html and report.json in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.md").write_text(markdown(table, about))
    (directory / "report.html").write_text(html(table, measured, about))
    (directory / "report.json").write_text(as_json(table, measured, about))
