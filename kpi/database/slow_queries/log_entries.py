"""Entries of a Postgres log: stderr with any prefix, syslog, CSV (`csvlog`) and JSON (`jsonlog`).

Formats: Postgres's documentation, "Error Reporting and Logging" (runtime-config-logging).
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

csv.field_size_limit(sys.maxsize)  # a statement may be longer than the module's 128 KiB


class UnreadableLog(Exception):
    """A file without entries, which would look like an idle database; the message says what was expected."""


@dataclass(slots=True)
class Entry:
    """One entry. `session` names the connection, empty where nothing does; `detail` stands in CSV and JSON only."""

    session: str
    severity: str
    text: str
    detail: str = ""


_SEVERITIES: Final = (
    "LOG|DETAIL|STATEMENT|HINT|CONTEXT|QUERY|LOCATION|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?"
)
# Any log_line_prefix may come first: the severity marks an entry.
_ENTRY: Final = re.compile(rf"\b(?P<severity>{_SEVERITIES}):\s{{1,2}}(?P<text>.*)", re.DOTALL)
# Time (RFC 3164 or 5424), host and `postgres[77]: `, then the numbers of the entry and of its part: `[3-1] `.
_SYSLOG: Final = re.compile(
    r"(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ [\w./-]+\[(?P<pid>\d+)\]: "
    r"(?:\[\d+-\d+\] )?(?P<rest>.*)",
    re.DOTALL,
)
_SESSION_ID: Final = re.compile(r"(?<![\w.])[0-9a-f]{8}\.[0-9a-f]{1,8}(?![\w.])")  # %c
_PROCESS: Final = re.compile(r"\[(\d+)(?:-\d+)?\]|\bp(?:id)?[= ](\d+)", re.IGNORECASE)  # [%p], [%p-%l], pid=%p
_NOT_A_PROCESS: Final = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?(?:[A-Z]{2,5}|[+-]\d\d(?::?\d\d)?))?"  # %m, %t, %s
    r"|\b\d{10}\.\d{3}\b"  # %n
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?:\(\d+\)|:\d+)?"  # %r, %h
    r"|\S+@\S+|\b\w+=\S*"  # %u@%d, user=%u
)
_NUMBER: Final = re.compile(r"(?<![\w.:/(-])\d+(?![\w./(-])")
_LEAST_PROCESS: Final = 100
"""A bare number below this may as well be a line's (%l), or no transaction's (%x)."""
_CSV_FIELDS: Final = 23
"""Of Postgres 10 to 12; later versions add some at the end."""


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a file, in order. Raises UnreadableLog when it has lines and none of them is understood."""
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        first = next((line for line in lines if line.strip()), "")
        lines.seek(0)
        entries = _format_of(first)(lines)
        one = next(entries, None)
        if one is None and first:
            raise UnreadableLog(
                f"{path} isn't a log of Postgres that can be read: stderr (with any log_line_prefix), syslog, csvlog "
                f"and jsonlog can, with lc_messages = C or English; its first line begins with {first[:20]!r}"
            )
        if one is not None:
            yield one
            yield from entries


def _format_of(first: str) -> Callable[[Iterable[str]], Iterator[Entry]]:
    if first.lstrip().startswith("{"):
        return _json
    fields = next(csv.reader([first]), [])
    return _csv if len(fields) > 11 and fields[11] in _SEVERITIES.split("|") else _text


def _csv(lines: Iterable[str]) -> Iterator[Entry]:
    for row in csv.reader(lines):
        if len(row) >= _CSV_FIELDS:
            yield Entry(row[5] or row[3], row[11], row[13], row[14])


def _json(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        try:
            entry = json.loads(line)
            session = entry.get("session_id") or entry.get("pid") or ""
            yield Entry(str(session), entry["error_severity"], entry["message"], entry.get("detail") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # the last line of a log that is being written


def _text(lines: Iterable[str]) -> Iterator[Entry]:
    """Lines of stderr or syslog. A line that begins with a tab (`#011`) is another one of its entry.

    In syslog the processes' lines are mixed, and a long line continues in the next part, without a tab.
    """
    begun: dict[str, Entry] = {}
    for whole in lines:
        line, process = whole.rstrip("\r\n"), ""
        if part := _SYSLOG.match(line):
            line, process = part["rest"].replace("#011", "\t"), part["pid"]
        entry = begun.get(process)
        if line.startswith("\t"):
            if entry is not None:
                entry.text += f"\n{line[1:]}"
        elif match := _ENTRY.search(line):
            if entry is not None:
                yield entry
            begun[process] = Entry(process or _session(line[: match.start()]), match["severity"], match["text"])
        elif entry is not None and process:
            entry.text += line
        elif entry is not None:
            yield begun.pop(process)
    yield from begun.values()


def _session(prefix: str) -> str:
    """The connection's name in a prefix; empty if in doubt, because twelve clients must not look like one."""
    if match := _SESSION_ID.search(prefix):
        return match[0]
    if match := _PROCESS.search(prefix):
        return match[1] or match[2]
    numbers = _NUMBER.findall(_NOT_A_PROCESS.sub(" ", prefix))
    return numbers[0] if len(numbers) == 1 and int(numbers[0]) >= _LEAST_PROCESS else ""
