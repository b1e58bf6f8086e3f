"""Postgres's log: how long single executions took, and with which parameters."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kpi.database.literals import hide_literals

# Any log_line_prefix may stand in front: entries are told by their severity.
_ENTRY: Final = re.compile(
    r"\b(?P<severity>LOG|DETAIL|STATEMENT|HINT|CONTEXT|ERROR|FATAL|PANIC|WARNING|NOTICE|DEBUG\d?):\s{1,2}(?P<text>.*)",
    re.DOTALL,
)
_PROCESS: Final = re.compile(r"\[(?P<pid>\d+)\]")
_DURATION: Final = re.compile(
    r"duration: (?P<ms>[\d.]+) ms\s+(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): (?P<sql>.*)", re.DOTALL
)
_PREPARING: Final = re.compile(r"duration: [\d.]+ ms\s+(?:parse|bind) ")
_PARAMETERS: Final = re.compile(r"parameters: (?P<list>.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(?P<number>\d+) = (?P<value>NULL|'(?:[^']|'')*')")

ENOUGH_FOR_P95: Final = 20
"""Executions below which a 95th percentile is a guess."""


@dataclass(slots=True)
class Executions:
    """What the log knows of one statement."""

    milliseconds: list[float] = field(default_factory=list)
    slowest_ms: float = -1.0
    slowest_sql: str = ""
    slowest_parameters: tuple[str, ...] = ()
    """The slowest execution and its parameters as SQL literals: for EXPLAIN, never to be shown."""
    longest_run: int = 0
    """How often one connection ran it in a row, with nothing else in between."""

    def p95_ms(self) -> float | None:
        """The 95th percentile, if there are enough executions to have one."""
        if len(self.milliseconds) < ENOUGH_FOR_P95:
            return None
        ordered = sorted(self.milliseconds)
        return ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]


def read_logs(paths: Iterable[Path]) -> Mapping[str, Executions]:
    """Executions by statement without literals. Only slow ones are logged where log_min_duration_statement says so."""
    found: defaultdict[str, Executions] = defaultdict(Executions)
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as lines:
            _read(lines, found)
    return found


def _read(lines: Iterable[str], found: defaultdict[str, Executions]) -> None:
    # A DETAIL belongs to the entry before it of the same process.
    awaiting: dict[str, Executions] = {}
    runs: dict[str, tuple[Executions, int]] = {}
    for pid, severity, text in _entries(lines):
        if severity == "LOG":
            awaiting.pop(pid, None)
            match = _DURATION.match(text)
            if match is None or _PREPARING.match(text):
                continue
            executions = found[hide_literals(match["sql"])]
            previous, length = runs.get(pid, (executions, 0))
            runs[pid] = (executions, length + 1 if previous is executions else 1)
            executions.longest_run = max(executions.longest_run, runs[pid][1])
            milliseconds = float(match["ms"])
            executions.milliseconds.append(milliseconds)
            if milliseconds > executions.slowest_ms:
                executions.slowest_ms, executions.slowest_sql = milliseconds, match["sql"]
                executions.slowest_parameters = ()
                awaiting[pid] = executions
        elif severity == "DETAIL" and pid in awaiting:
            parameters = _PARAMETERS.match(text)
            if parameters is not None:
                awaiting.pop(pid).slowest_parameters = tuple(
                    parameter["value"] for parameter in _PARAMETER.finditer(parameters["list"])
                )


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Process, severity and text of each entry; its further lines begin with a tab."""
    pid = severity = ""
    text: list[str] = []
    for line in lines:
        if line.startswith("\t"):
            text.append(line)
            continue
        if severity:
            yield pid, severity, "".join(text).strip()
        entry = _ENTRY.search(line)
        if entry is None:
            severity = ""
            continue
        process = _PROCESS.search(line[: entry.start()])
        pid, severity, text = (process["pid"] if process else ""), entry["severity"], [entry["text"]]
    if severity:
        yield pid, severity, "".join(text).strip()
