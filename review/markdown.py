"""The report as one comment of a pull request: Markdown in which no value can pass for markup."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from review.plan import Op
from review.readable import TextChange, ValueChange
from review.report_data import MARKS, Entry, Item, Part, Report, Summary, Verdict
from stack.listing import few

MARKER = "<!-- simone-review -->"
"""The comment's first line, by which it is found again and updated."""

SIZE_LIMIT = 60_000
"""Characters; GitHub refuses comments from 65,536 on."""

LinkTo = Callable[[str], str]
"""The address of a line of the repository (`components/redis/nodes.py:42`), as the change has it."""

_ICONS = {
    Verdict.BROKEN: "⛔",
    Verdict.STOPPED: "🔴",
    Verdict.CAREFUL: "🟠",
    Verdict.HARMLESS: "🟢",
    Verdict.NO_CHANGES: "⚪",
}
_OPS = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE)
_COLLAPSED = {Part.ACCEPTED, Part.UPDATES, Part.CREATIONS, Part.OUTPUTS, Part.PARITY}
_SENTENCES = {Part.JUDGE, Part.ERRORS, Part.DOUBTS, Part.ACCEPTED, Part.PARITY}
_FIRST = (Part.JUDGE, Part.ERRORS, Part.VIOLATIONS, Part.DOUBTS)
"""Sections that a shortened report keeps first, after urgent items."""

_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
)
_DIRECTION = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&$])")
_LEADING = re.compile(r"^(\d*)([-+=.)])")
_AUTOLINK = re.compile(r"(?i)@|:(?=//)|www(?=\.)|\bgh(?=-\d)|#(?=\w)|!(?=\d)|\$(?=\d)|%(?=[\w\"])")
_LINK = re.compile(r"https?://[\w.:-]+(?:/[\w./~:?=&#%+,;@-]*)?")
_SOURCE = re.compile(r"(?!.*\.\.)[\w./-]+:\d+")
_TOO_LONG = "\n> Too long for a comment: what is left out is counted. The full report is an artifact of the run.\n"
_SPARE = 500
"""Characters for line ends between the parts."""

_LONGEST_SENTENCE = 1_500
_MOST_NAMES = 10
_MOST_SUMMARIES = 25


def clean(text: str) -> str:
    """Without terminal escapes, control characters and invisible marks of direction."""
    return _DIRECTION.sub("", _CONTROL.sub("", text))


def prose(text: str) -> str:
    """A sentence in which nothing is markup, nobody is mentioned and no other thread or page is linked."""
    one_line = " ".join(clean(text).split())
    if len(one_line) > _LONGEST_SENTENCE:
        one_line = f"{one_line[:_LONGEST_SENTENCE]}…"
    escaped = _LEADING.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", one_line))
    return _AUTOLINK.sub(lambda found: f"{found[0]}\u2060", escaped)


def code(text: str) -> str:
    """A value as code, whatever backticks it holds."""
    one_line = clean(text).replace("\r", "").replace("\n", "⏎")
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


@dataclass(frozen=True)
class _Block:
    """An entry as lines, whole and shortened to its first line."""

    text: str
    short: str
    urgent: bool


def markdown(report: Report, *, limit: int = SIZE_LIMIT, link_to: LinkTo | None = None) -> str:
    """The comment, no longer than `limit` characters.

    A longer report keeps urgent items first, then each section's first entries in turn; what is left out is
    counted. `link_to` makes a link of the place where a resource is declared.
    """
    head = _head(report)
    blocks = {
        part: [_block(part, entry, link_to) for entry in report.sections[part]]
        for part in Part
        if report.sections.get(part)
    }
    whole = "\n".join([head, *(_section(part, [block.text for block in of]) for part, of in blocks.items())])
    if len(whole) <= limit:
        return whole
    frame = sum(len(_section(part, [], of)) for part, of in blocks.items())
    kept = _kept(blocks, limit - len(head) - frame - len(_TOO_LONG) - _SPARE)
    sections = [
        _section(part, [kept[part, number] for number in range(len(of)) if (part, number) in kept], of)
        for part, of in blocks.items()
    ]
    return "\n".join([head, *sections]) + _TOO_LONG


def _kept(blocks: Mapping[Part, Sequence[_Block]], room: int) -> Mapping[tuple[Part, int], str]:
    """The entries that fit, by section and number: the urgent ones, then each section's first ones in turn."""
    kept: dict[tuple[Part, int], str] = {}
    for urgent, share in ((True, 0.6), (False, 0.5), (False, 1.0)):
        for part in sorted(blocks, key=lambda part: part not in _FIRST):
            left = int(room * share)
            for number, block in enumerate(blocks[part]):
                if block.urgent < urgent or (part, number) in kept:
                    continue
                text = next((text for text in (block.text, block.short) if len(text) < left), None)
                if text is None:
                    break
                kept[part, number] = text
                left -= len(text) + 1
                room -= len(text) + 1
    return kept


def _head(report: Report) -> str:
    lines = [MARKER, f"## {_ICONS[report.verdict]} {prose(report.headline)}", ""]
    if report.summaries:
        lines += [
            "| Environment | create | update | replace | delete | stopped by | by |",
            "|---|--:|--:|--:|--:|---|---|",
            *map(_summary, report.summaries[:_MOST_SUMMARIES]),
            "",
        ]
    return "\n".join(lines)


def _summary(summary: Summary) -> str:
    counts = " | ".join(str(summary.counts.get(op, 0) or "·") for op in _OPS)
    stopped = summary.stopped_by
    if summary.stops:
        stopped = f"**{stopped}**"
    if summary.advice:
        stopped += f"; {summary.advice} to consider"
    return f"| **{prose(summary.environment)}** | {counts} | {stopped} | {prose(summary.origin)} |"


def _section(part: Part, shown: Sequence[str], all_: Sequence[_Block] | None = None) -> str:
    total = len(shown) if all_ is None else len(all_)
    title = f"{part.value} ({total:,})"
    left_out = f"- … and {total - len(shown):,} more, left out for length" if total > len(shown) else ""
    body = "\n".join(filter(None, [*shown, left_out]))
    if part in _COLLAPSED:
        return f"<details><summary><b>{title}</b></summary>\n\n{body}\n\n</details>\n"
    return f"### {title}\n\n{body}\n"


def _block(part: Part, entry: Entry, link_to: LinkTo | None) -> _Block:
    first, *more = _entry(part, entry, link_to)
    short = f"{first} …" if more else first
    return _Block("\n".join([first, *more]), short, entry.item.urgent)


def _entry(part: Part, entry: Entry, link_to: LinkTo | None) -> Iterator[str]:
    item = entry.item
    where = f" — {prose(', '.join(entry.environments))}" if entry.environments else ""
    where += _place(item, link_to)
    if part in _SENTENCES:
        yield f"- {prose(item.subject)}{where}"
        return
    if part in (Part.CAPACITY, Part.COSTS, Part.SETTINGS, Part.OUTPUTS):
        for change in item.changes:
            yield f"- {_change(change)}{where}"
            if isinstance(change, TextChange):
                yield from _lines(change)
        yield from (f"  - {prose(sentence)}" for sentence in item.sentences)
        return
    link = f" ([more]({item.link}))" if _LINK.fullmatch(item.link) else ""
    kind = f" {prose(item.kind)}" if item.kind else ""
    mark = f"**{item.mark}** " if item.mark and item.mark in MARKS else ""
    yield f"- {mark}{_names(item)}{kind}{where}{link}"
    yield from _details(item)


def _names(item: Item) -> str:
    return few(map(code, [item.subject, *item.also]), _MOST_NAMES)


def _place(item: Item, link_to: LinkTo | None) -> str:
    """Where it is declared, as a link where one can be made."""
    causes = [_line(cause, link_to) for cause in item.causes if _SOURCE.fullmatch(cause)]
    because = f", changed by {' and '.join(causes)}" if causes else ""
    declared = _line(item.source, link_to) if _SOURCE.fullmatch(item.source) else ""
    return f" ({(declared + because).removeprefix(', ')})" if declared or because else ""


def _line(source: str, link_to: LinkTo | None) -> str:
    address = link_to(source) if link_to else ""
    return f"[{prose(source)}]({address})" if _LINK.fullmatch(address) else prose(source)


def _details(item: Item) -> Iterator[str]:
    for sentence in item.sentences:
        yield f"  - {prose(sentence)}"
    for change in item.changes:
        yield f"  - {_change(change)}"
        if isinstance(change, TextChange):
            yield from _lines(change)


def _change(change: ValueChange | TextChange) -> str:
    if isinstance(change, TextChange):
        return code(change.path)
    old = code(change.old) if change.old is not None else "nothing"
    new = code(change.new) if change.new is not None else "nothing"
    return f"{code(change.path)}: {old} → {new}"


def _lines(change: TextChange) -> Iterator[str]:
    yield ""
    yield from (f"    {line}" for line in fenced("\n".join(change.lines), "diff").splitlines())
    yield ""


def with_marker(marker: str, body: str) -> str:
    """The text, starting with its marker and no longer than a comment may be."""
    text = body if body.startswith(marker) else f"{marker}\n{body}"
    return text[: SIZE_LIMIT + 2000]
