"""A report's findings for programs: each fault or risk, with its file and line."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from review.markdown import clean
from review.report_data import Entry, Part, Report


class Grade(StrEnum):
    """A finding's level, in SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class PlacedFinding:
    """One thing at one place. `rule` is a policy, or a section of the report (`review/losses`)."""

    rule: str
    title: str
    grade: Grade
    subject: str
    message: str
    environments: tuple[str, ...]
    file: str
    line: int
    link: str = ""
    help: str = ""


_GRADES = {
    "JUDGE": Grade.WARNING,
    "ERRORS": Grade.ERROR,
    "DOUBTS": Grade.WARNING,
    "LOSSES": Grade.WARNING,
    "ACCESS": Grade.WARNING,
    "DISRUPTIONS": Grade.WARNING,
}
"""How much a section's entries count; those of the others are harmless."""


def findings(report: Report) -> Iterator[PlacedFinding]:
    """All findings in the report's order, without harmless changes."""
    for part, entries in report.sections.items():
        for entry in entries:
            if part is Part.VIOLATIONS:
                yield from _violations(entry)
            elif part.name in _GRADES:
                yield from _changes(part, entry)


def _violations(entry: Entry) -> Iterator[PlacedFinding]:
    item = entry.item
    told = [sentence for sentence in item.sentences if sentence.startswith(("Why: ", "Fix: "))]
    for place in item.places:
        file, line = _place(place.source, place.environments)
        yield PlacedFinding(
            rule=item.subject,
            title=item.subject,
            grade=Grade.ERROR if item.mark == "✗" else Grade.WARNING,
            subject=place.resource,
            message=clean(f"{place.resource}: {place.message}"),
            environments=place.environments,
            file=file,
            line=line,
            link=item.link,
            help=" ".join(told),
        )


def _changes(part: Part, entry: Entry) -> Iterator[PlacedFinding]:
    item = entry.item
    file, line = _place(item.source, entry.environments)
    said = f": {'; '.join(item.sentences)}" if item.sentences else ""
    for name in (item.subject, *item.also):
        yield PlacedFinding(
            rule=f"review/{part.name.lower()}",
            title=part.value,
            grade=_GRADES[part.name],
            subject=name if item.kind else "",
            message=clean(name + said),
            environments=entry.environments,
            file=file,
            line=line,
        )


def _place(source: str, environments: tuple[str, ...]) -> tuple[str, int]:
    """File and line; the environment's stack file if the line isn't known."""
    file, _, line = source.rpartition(":")
    if file and line.isdigit():
        return file, int(line)
    return (f"Pulumi.{environments[0]}.yaml" if environments else "Pulumi.yaml"), 1
