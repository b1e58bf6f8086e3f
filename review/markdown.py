"""The report as one comment of a pull request: Markdown in which no value can pass for markup."""

import re
from collections.abc import Iterable, Sequence

from review.plan import Op
from review.readable import TextChange, ValueChange
from review.report import Entry, Item, Part, Report, Summary, Verdict

MARKER = "<!-- simone-review -->"
"""By this line the comment is found again, to be updated in place."""

SIZE_LIMIT = 60_000
"""Characters; GitHub refuses comments from 65,536 on."""

_ICONS = {
    Verdict.BROKEN: "⛔",
    Verdict.STOPPED: "🔴",
    Verdict.CAREFUL: "🟠",
    Verdict.HARMLESS: "🟢",
    Verdict.NO_CHANGES: "⚪",
}
_OPS = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE)
_COLLAPSED = {Part.ACCEPTED, Part.UPDATES, Part.CREATIONS, Part.OUTPUTS, Part.PARITY}
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIRECTION = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")


def clean(text: str) -> str:
    """Without terminal escapes, control characters and invisible marks of direction."""
    return _DIRECTION.sub("", _CONTROL.sub("", text))


def prose(text: str) -> str:
    """A sentence in which nothing is markup, nobody is mentioned and no other thread is linked."""
    one_line = " ".join(clean(text).split())
    return _MARKUP.sub(r"\\\1", one_line).replace("@", "@\u2060").replace("://", ":\u2060//")


def code(text: str) -> str:
    """A value as code, whatever backticks it holds."""
    one_line = clean(text).replace("\r", "").replace("\n", "⏎").replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", one_line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if one_line.startswith("`") or one_line.endswith("`") or not one_line else ""
    return f"{fence}{space}{one_line}{space}{fence}"


def fenced(text: str, language: str = "") -> str:
    """Several lines as a block of code, whatever backticks they hold."""
    lines = [clean(line) for line in text.replace("\r", "").splitlines()]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def markdown(report: Report, *, limit: int = SIZE_LIMIT) -> str:
    """The comment, no longer than `limit` characters: sections go from the end, none is cut."""
    head = _head(report)
    sections = [(part, _section(part, report.sections[part])) for part in Part if part in report.sections]
    dropped: list[Part] = []
    while True:
        note = ""
        if dropped:
            names = ", ".join(part.value for part in reversed(dropped))
            note = f"\n> Left out for length: {names}. The full report is an artifact of the run.\n"
        text = "\n".join([head, *(section for _, section in sections)]) + note
        if len(text) <= limit or not sections:
            return text if len(text) <= limit else text[: text.rfind("\n", 0, limit) + 1]
        dropped.append(sections.pop()[0])


def _head(report: Report) -> str:
    lines = [MARKER, f"## {_ICONS[report.verdict]} {prose(report.headline)}", ""]
    if report.summaries:
        lines += [
            "| Environment | create | update | replace | delete | stopped by | by |",
            "|---|--:|--:|--:|--:|---|---|",
            *map(_summary, report.summaries),
            "",
        ]
    return "\n".join(lines)


def _summary(summary: Summary) -> str:
    counts = " | ".join(str(summary.counts.get(op, 0) or "·") for op in _OPS)
    stopped = summary.stopped_by
    if summary.policies or summary.protected:
        stopped = f"**{stopped}**"
    if summary.advice:
        stopped += f"; {summary.advice} to consider"
    return f"| **{prose(summary.environment)}** | {counts} | {stopped} | {summary.origin} |"


def _section(part: Part, entries: Sequence[Entry]) -> str:
    title = f"{part.value} ({len(entries)})"
    body = "\n".join(line for entry in entries for line in _entry(part, entry))
    if part in _COLLAPSED:
        return f"<details><summary><b>{title}</b></summary>\n\n{body}\n\n</details>\n"
    return f"### {title}\n\n{body}\n"


def _entry(part: Part, entry: Entry) -> Iterable[str]:
    item = entry.item
    where = f" — {prose(', '.join(entry.environments))}" if entry.environments else ""
    if part in (Part.JUDGE, Part.ERRORS, Part.DOUBTS, Part.ACCEPTED, Part.PARITY):
        yield f"- {prose(item.subject)}{where}"
        return
    if part in (Part.CAPACITY, Part.SETTINGS, Part.OUTPUTS):
        for change in item.changes:
            yield f"- {_change(change)}{where}"
        return
    link = f" ([more]({item.link}))" if item.link else ""
    kind = f" {prose(item.kind)}" if item.kind else ""
    mark = f"**{item.mark}** " if item.mark else ""
    yield f"- {mark}{code(item.subject)}{kind}{where}{link}"
    yield from _details(item)


def _details(item: Item) -> Iterable[str]:
    for sentence in item.sentences:
        yield f"  - {prose(sentence)}"
    for change in item.changes:
        if isinstance(change, ValueChange):
            yield f"  - {_change(change)}"
        else:
            yield from _text_diff(change)


def _change(change: ValueChange | TextChange) -> str:
    if isinstance(change, TextChange):
        return code(change.path)
    old = code(change.old) if change.old is not None else "nothing"
    new = code(change.new) if change.new is not None else "nothing"
    return f"{code(change.path)}: {old} → {new}"


def _text_diff(change: TextChange) -> Iterable[str]:
    yield f"  - {code(change.path)}"
    yield ""
    yield from (f"    {line}" for line in fenced("\n".join(change.lines), "diff").splitlines())
    yield ""
