"""Every report: for a terminal, as Markdown, as one HTML page that needs nothing else, and as JSON for comparisons."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import typer
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from rich.console import Console
from rich.table import Table as TerminalTable
from rich.text import Text

from kpi.criterion import Judged, Measurement, failures, tally

WIDE = 160
"""Characters in a line where no terminal says how many."""
_COLOURS = {"pass": "green", "fail": "bold red", "not measured": "red", "by test": "cyan", "in production": "dim"}
_NUMBER = re.compile(r"[~+-]?[\d.].*|-?")


@dataclass(frozen=True)
class Table:
    """Texts by row. Columns of numbers are set to the right; in a terminal, a `narrow` table's rows take one line."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    narrow: bool = False

    def right(self, column: int) -> bool:
        """Whether a column holds numbers only."""
        return all(_NUMBER.fullmatch(row[column]) for row in self.rows)


@dataclass(frozen=True)
class Picture:
    """An SVG, written beside the Markdown by its name."""

    name: str
    svg: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """`parts` are a page's paragraphs (Markdown), tables and pictures; `brief` is what a terminal shows of it.

    The criteria come first everywhere. `data` is for the JSON only.
    """

    title: str
    judged: Sequence[Judged] = ()
    figures: Mapping[str, Measurement] = field(default_factory=dict[str, Measurement])
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: Sequence[str | Table | Picture] = ()
    brief: Sequence[str | Table] = ()
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _criteria(judged: Sequence[Judged]) -> Table:
    wheres = [each.criterion.where for each in judged]
    rows = [
        ("" if before == each.criterion.where else each.criterion.where, each.criterion.asks, each.measured,
         each.change, each.verdict, each.method)
        for each, before in zip(judged, ["", *wheres], strict=False)
    ]  # fmt: skip
    headings = ("", "asked for", "measured", "change", "verdict", "method, or where it is measured")
    used = [number for number in range(len(headings)) if number not in (0, 3) or any(row[number] for row in rows)]
    return Table([headings[number] for number in used], [[row[number] for number in used] for row in rows])


def terminal() -> Console:
    """For reports: wide where no terminal says how wide."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    return console


def print_report(report: Report, console: Console) -> None:
    """For the terminal."""
    console.print(report.title, style="bold", markup=False, highlight=False)
    for part in [*([_criteria(report.judged)] if report.judged else []), *report.brief]:
        if isinstance(part, str):
            console.print(part, markup=False, highlight=False)
            continue
        shown = TerminalTable(box=None, pad_edge=False, expand=part.narrow)
        last = len(part.headings) - 1
        for number, heading in enumerate(part.headings):
            right, cut = part.right(number), part.narrow and number == last
            shown.add_column(
                heading,
                justify="right" if right else "left",
                no_wrap=right or part.narrow,
                overflow="ellipsis" if cut else "fold",
                ratio=1 if cut else None,
            )
        for row in part.rows:
            shown.add_row(*(Text(cell, _COLOURS.get(cell, "")) for cell in row))
        console.print(shown)
    for key, value in report.about.items():
        console.print(f"  {key}: {value}", markup=False, highlight=False)


def markdown(report: Report) -> str:
    """For a pull request or the docs."""
    paragraphs = [f"# {report.title}"]
    if report.judged:
        paragraphs.append(f"{tally(report.judged)}.")
    if report.about:
        paragraphs.append("\n".join(f"- {key}: {value}" for key, value in report.about.items()))
    if report.judged:
        paragraphs.append(_markdown_table(_criteria(report.judged)))
    for part in report.parts:
        match part:
            case str():
                paragraphs.append(part)
            case Table():
                paragraphs.append(_markdown_table(part))
            case Picture():
                paragraphs.append(f"![{part.alt}]({part.name}.svg)")
    return "\n\n".join(paragraphs) + "\n"


def _markdown_table(table: Table) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    marks = ["--:" if table.right(column) else "---" for column in range(len(table.headings))]
    return "\n".join([line(table.headings), line(marks), *(line(row) for row in table.rows)])


def code(sql: str) -> str:
    """A statement as code in Markdown."""
    return f"`{' '.join(sql.split()).replace('`', chr(39))}`"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1c2128;
  background: #fff; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left; vertical-align: top; }}
code {{ font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }}
svg {{ max-width: 100%; height: auto; background: #fff; }}
.pass {{ color: #17692f; font-weight: 600; }}
.fail, .not-measured {{ background: #fdecea; color: #a3150f; font-weight: 600; }}
.by-test, .in-production {{ color: #57606a; }}
</style>
</head>
<body>
{body}</body>
</html>
"""


class _Page(MarkdownIt):
    """Markdown as HTML, with pictures inside and verdicts in their colours."""

    def __init__(self, pictures: Mapping[str, str]) -> None:
        super().__init__("commonmark", {"html": False})
        self.enable("table")
        self._pictures = pictures
        self._html = RendererHTML()
        self._html.rules |= {"image": self._image, "td_open": self._cell}
        self.renderer = self._html

    def _image(self, tokens: Sequence[Any], index: int, *_: Any) -> str:
        svg = self._pictures[str(tokens[index].attrGet("src"))]
        return svg[svg.index("<svg") :]

    def _cell(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        if (verdict := tokens[index + 1].content) in _COLOURS:
            tokens[index].attrSet("class", verdict.replace(" ", "-"))
        return self._html.renderToken(tokens, index, options, env)


def html(report: Report) -> str:
    """One page that needs nothing else."""
    pictures = {f"{part.name}.svg": part.svg for part in report.parts if isinstance(part, Picture)}
    return _PAGE.format(title=escape(report.title), body=_Page(pictures).render(markdown(report)))


def as_json(report: Report) -> str:
    """For comparison with later runs: figures by name, and the verdicts."""
    document = {
        "about": dict(report.about),
        "figures": {name: {"value": figure.value, "method": figure.method} for name, figure in report.figures.items()},
        "criteria": [
            {"where": each.criterion.where, "asks": each.criterion.asks, "verdict": each.verdict, "value": each.value}
            for each in report.judged
        ],
        **report.data,
    }
    return json.dumps(document, indent=1) + "\n"


def write(report: Report, directory: Path, stem: str) -> None:
    """`stem`.md, .html and .json in `directory`, and the pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    for part in report.parts:
        if isinstance(part, Picture):
            (directory / f"{part.name}.svg").write_text(part.svg, encoding="utf-8")
    for suffix, text in (("md", markdown(report)), ("html", html(report)), ("json", as_json(report))):
        (directory / f"{stem}.{suffix}").write_text(text, encoding="utf-8")


def publish(report: Report, directory: Path, stem: str) -> None:
    """Print and write it. Raises typer.Exit with 1 when a criterion isn't met, or should have been measured."""
    console = terminal()
    print_report(report, console)
    write(report, directory, stem)
    console.print(f"  written: {directory}/{stem}.{{md,html,json}}", markup=False, highlight=False)
    if report.judged:
        console.print(f"  {tally(report.judged)}", highlight=False)
    if unmet := failures(report.judged):
        text = f"{len(unmet)} of {len(report.judged)} criteria are not met or could not be measured"
        Console(stderr=True).print(text, style="red")
        raise typer.Exit(1)


@dataclass(frozen=True)
class Earlier:
    """A run to compare with: its figures, and what it was."""

    figures: Mapping[str, float]
    about: Mapping[str, str]


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
