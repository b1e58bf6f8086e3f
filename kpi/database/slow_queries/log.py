"""Postgres's log: how long single executions took, and with which parameters."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kpi.database.slow_queries.log_entries import Entry, UnreadableLog, read_entries
from testing.queries.literals import hide_literals

# `log_error_verbosity = verbose` puts the SQLSTATE in front.
_STATE: Final = "(?:[0-9A-Z]{5}: )?"
_DURATION: Final = re.compile(rf"{_STATE}duration: (?P<ms>[\d.]+) ms(?:\s+(?P<rest>\S.*))?\Z", re.DOTALL)
_STATEMENT: Final = re.compile(
    rf"{_STATE}(?P<kind>statement|execute [^:]*|parse [^:]*|bind [^:]*): (?P<sql>.*)", re.DOTALL
)
# Capitalised since Postgres 16.
_PARAMETERS: Final = re.compile(r"[Pp]arameters: (?P<list>.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(?P<number>\d+) = (?P<value>NULL|'(?:[^']|'')*')")
_CUT_OFF: Final = "...'"
"""How `log_parameter_max_length` ends a value that it has shortened."""

ENOUGH_FOR_P95: Final = 20
"""Executions below which a 95th percentile is a guess."""


@dataclass(slots=True)
class Executions:
    """One statement's executions in the log."""

    milliseconds: list[float] = field(default_factory=list)
    slowest_ms: float = -1.0
    slowest_sql: str = ""
    slowest_parameters: tuple[str, ...] = ()
    """The slowest execution and its parameters as SQL literals: for EXPLAIN, never to be shown."""
    longest_run: int = 0
    """How often one connection ran it in a row, with nothing else in between; 0 where the log names no connection."""

    def p95_ms(self) -> float | None:
        """The 95th percentile, if there are enough executions to have one."""
        if len(self.milliseconds) < ENOUGH_FOR_P95:
            return None
        ordered = sorted(self.milliseconds)
        return ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]


def read_logs(paths: Iterable[Path]) -> Mapping[str, Executions]:
    """Executions by statement without literals. Only slow ones are logged where log_min_duration_statement says so.

    Raises UnreadableLog for a file in no format of Postgres, and where all files together tell of no execution.
    """
    paths = list(paths)
    found: defaultdict[str, Executions] = defaultdict(Executions)
    for path in paths:
        _Reader(found).read(read_entries(path))
    if paths and not found:
        raise UnreadableLog(
            f"{', '.join(map(str, paths))}: no statement with its duration is in the log; set "
            "log_min_duration_statement (in milliseconds) and lc_messages = C, or log_statement and log_duration with "
            "%p in log_line_prefix"
        )
    return found


@dataclass(slots=True)
class _Session:
    """A connection's latest entries in the log."""

    sql: str = ""
    """Logged by `log_statement`: its duration is an entry of its own, and comes next."""
    parameters: tuple[str, ...] = ()
    slowest: Executions | None = None
    """Whose slowest execution was the last entry: the parameters may follow."""
    run: tuple[Executions, int] | None = None


class _Reader:
    """Adds the entries of one file to `found`."""

    def __init__(self, found: defaultdict[str, Executions]) -> None:
        self._found = found
        self._sessions: defaultdict[str, _Session] = defaultdict(_Session)

    def read(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            session = self._sessions[entry.session]
            if entry.severity == "LOG":
                self._log(entry, session)
            elif entry.severity == "DETAIL":
                self._detail(entry.text, session)
            elif entry.severity in ("ERROR", "FATAL", "PANIC"):
                session.sql = ""

    def _log(self, entry: Entry, session: _Session) -> None:
        session.slowest = None
        if (match := _DURATION.match(entry.text)) is None:
            statement = _STATEMENT.match(entry.text)
            # Only a connection's name tells whose duration comes next.
            session.sql, session.parameters = (statement["sql"] if statement and entry.session else ""), ()
            if entry.detail:
                self._detail(entry.detail, session)
            return
        milliseconds, rest = float(match["ms"]), match["rest"]
        if rest is None:
            if session.sql:
                self._add(entry, session, milliseconds, session.sql, session.parameters)
        elif (statement := _STATEMENT.match(rest)) and not statement["kind"].startswith(("parse", "bind")):
            self._add(entry, session, milliseconds, statement["sql"], ())
            if entry.detail:
                self._detail(entry.detail, session)
        session.sql, session.parameters = "", ()

    def _add(self, entry: Entry, session: _Session, milliseconds: float, sql: str, parameters: tuple[str, ...]) -> None:
        executions = self._found[hide_literals(sql)]
        if entry.session:
            before, length = session.run or (executions, 0)
            session.run = (executions, length + 1 if before is executions else 1)
            executions.longest_run = max(executions.longest_run, session.run[1])
        executions.milliseconds.append(milliseconds)
        if milliseconds > executions.slowest_ms:
            executions.slowest_ms, executions.slowest_sql = milliseconds, sql
            executions.slowest_parameters, session.slowest = parameters, executions

    def _detail(self, text: str, session: _Session) -> None:
        match = _PARAMETERS.match(text)
        if match is None:
            return
        values = tuple(parameter["value"] for parameter in _PARAMETER.finditer(match["list"]))
        if any(value.endswith(_CUT_OFF) for value in values):
            values = ()  # run with a piece of a value, it would be another query
        if session.slowest is not None:
            session.slowest.slowest_parameters, session.slowest = values, None
        elif session.sql:
            session.parameters = values
