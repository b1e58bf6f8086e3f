"""review.json: writes a report's data, and reads it from a file that isn't trusted."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from policies.catalogue import RULES
from review.report_data import Entry, Part, Report

SCHEMA = 3
"""Grows when a field changes its meaning."""

LARGEST = 64 * 1024**2
"""The largest file that is read, bytes: a report on 5,000 resources has about 5 MiB."""

_FIELDS = re.compile(r"[a-z_]+")


class ReportFileError(Exception):
    """The file isn't a report of this version; the message says where, without the file's text."""


def as_json(report: Report) -> str:
    """The report's data as JSON, sections by their names."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "headline": report.headline,
        "environments": [dataclasses.asdict(summary) for summary in report.summaries],
        "sections": {
            part.name.lower(): [dataclasses.asdict(entry) for entry in entries]
            for part, entries in report.sections.items()
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read(path: Path) -> Report:
    """The report in an untrusted file: checked field by field, with no links but the rules' own. Raises
    ReportFileError.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ReportFileError(f"the report is larger than {LARGEST // 1024**2} MiB")
        content: Any = json.loads(path.read_text(errors="replace"))
    except OSError as error:
        raise ReportFileError(f"the report can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ReportFileError("the report is not valid JSON") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ReportFileError(f"the report is not of schema {SCHEMA}: the branch is older or newer than this reader")
    known = {part.name.lower(): part for part in Part}
    given: Any = content.get("sections")
    sections = {known.get(name, name): entries for name, entries in given.items()} if isinstance(given, dict) else given
    try:
        report = _REPORT.validate_python({**content, "summaries": content.get("environments"), "sections": sections})
    except ValidationError as error:
        raise ReportFileError(f"the report has a wrong field: {_where(error)}") from None
    return dataclasses.replace(
        report, sections={part: tuple(map(_without_links, entries)) for part, entries in report.sections.items()}
    )


_REPORT = TypeAdapter(Report)


def _where(error: ValidationError) -> str:
    """The first wrong field and what is wrong, without a word of what the file says."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    named = (str(part) if isinstance(part, int) or _FIELDS.fullmatch(part) else "?" for part in first["loc"])
    return f"{'.'.join(named)} ({first['type']})"


def _without_links(entry: Entry) -> Entry:
    kept = entry.item.link if entry.item.link in _LINKS else ""
    return dataclasses.replace(entry, item=dataclasses.replace(entry.item, link=kept))


_LINKS = frozenset(rule.link for rule in RULES)
