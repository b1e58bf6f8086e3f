"""A resource's change as a reviewer reads it: `path: old → new`, and configuration texts as text diffs.

List elements with names are compared by name, others like lines of a text, so that one inserted at the front doesn't
change all.
"""

import difflib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from review.masking import Concealed, comparable_inputs, masked
from stack.properties import Kind, format_path, same
from stack.resource import Resource
from stack.values import UNKNOWN

UNKNOWN_TEXT = "(known after the deployment)"
LONGEST_VALUE = 300
"""Characters of a single value that are shown."""

MOST_DIFF_LINES = 80
"""Lines of one text's diff that are shown."""

_AROUND = 40
"""Characters shown before and after the difference in a long value."""

_IDENTITIES = ("name", "ref", "id", "key", "sid", "Sid", "mountPath", "containerPort")
_LARGEST_COMPARED = 200_000
"""Characters beyond which two texts aren't compared line by line: that takes quadratic time."""


@dataclass(frozen=True)
class ValueChange:
    """One value; `old` or `new` is None where there is none."""

    path: str
    kind: Kind
    old: str | None
    new: str | None


@dataclass(frozen=True)
class TextChange:
    """A text of several lines, as the lines of a unified diff without its head."""

    path: str
    lines: tuple[str, ...]


def readable_changes(old: Resource | None, new: Resource | None) -> tuple[ValueChange | TextChange, ...]:
    """All changes between two states of a resource. What is secret on either side is concealed on both."""
    secret = (old.secret_paths if old else frozenset()) | (new.secret_paths if new else frozenset())
    before = comparable_inputs(old, secret) if old else {}
    after = comparable_inputs(new, secret) if new else {}
    return tuple(_walk(before, after, ""))


def _walk(old: Any, new: Any, path: str) -> Iterator[ValueChange | TextChange]:
    if isinstance(old, Concealed) or isinstance(new, Concealed):
        # An element of a list may have moved, so that its other side wasn't at the path that is secret.
        old, new = (None if side is None else _concealed(side) for side in (old, new))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before, after = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
        for key in [*before, *(key for key in after if key not in before)]:
            name = format_path((key,))
            inner = f"{path}.{name}" if path and not name.startswith("[") else path + name
            yield from _walk(before.get(key), after.get(key), inner)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _walk_list(cast("list[Any]", old), cast("list[Any]", new), path)
    elif (documents := _documents(old, new)) is not None:
        found = [*_walk(*documents, path)]
        # A text that differs only in order or spaces differs all the same.
        yield from found or ([ValueChange(path, Kind.UPDATE, *_shortened(old, new))] if old != new else ())
    elif _is_text(old) and _is_text(new):
        if old != new:
            yield TextChange(path, _diff(old, new))
    elif old is None and new is None:
        return
    elif old is None:
        yield ValueChange(path, Kind.ADD, None, text_of(new))
    elif new is None:
        yield ValueChange(path, Kind.DELETE, text_of(old), None)
    elif not same(old, new):
        yield ValueChange(path, Kind.UPDATE, *_shortened(old, new))


def _documents(old: Any, new: Any) -> tuple[Any, Any] | None:
    """What two texts hold, where both are JSON (a policy's document): then their statements are compared."""
    documents: list[Any] = []
    for text in (old, new):
        if not isinstance(text, str) or not text.lstrip().startswith(("{", "[")):
            return None
        try:
            content: Any = json.loads(text)
        except ValueError:
            return None
        hidden = masked("", {"document": content}, frozenset(), Concealed.of)
        documents.append(hidden["document"])
    before, after = documents
    return (before, after) if type(before) is type(after) else None


def _shortened(old: Any, new: Any) -> tuple[str, str]:
    """Two values as texts; of long ones only the difference, with some context."""
    before, after = _whole_text(old), _whole_text(new)
    if max(len(before), len(after)) <= LONGEST_VALUE:
        return before, after
    first = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    most = min(len(before), len(after)) - first
    pairs = zip(before[::-1], after[::-1], strict=False)
    last = next((at for at, pair in enumerate(pairs) if at >= most or pair[0] != pair[1]), most)
    return _part(before, first, last), _part(after, first, last)


def _part(text: str, first: int, last: int) -> str:
    """A text from `first` to `last` characters before its end, and some around it."""
    start, end = max(0, first - _AROUND), min(len(text), len(text) - last + _AROUND)
    shown = text[start : min(end, start + LONGEST_VALUE)]
    omitted = f"… ({len(text):,} characters)" if end < len(text) or end > start + LONGEST_VALUE else ""
    return f"{'…' if start else ''}{shown}{omitted}"


def _concealed(value: Any) -> Concealed:
    return value if isinstance(value, Concealed) else Concealed.of(value)


def _walk_list(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[ValueChange | TextChange]:
    before, after = _by_identity(old), _by_identity(new)
    if before is not None and after is not None:
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _walk(before.get(key), after.get(key), f"{path}[{key}]")
        common = [[key for key in keys if key in before and key in after] for keys in (before, after)]
        if common[0] != common[1]:
            yield ValueChange(f"{path} (order)", Kind.UPDATE, ", ".join(common[0]), ", ".join(common[1]))
        return
    if any(isinstance(item, Concealed) for item in [*old, *new]):
        old, new = ([_concealed(item) for item in side] for side in (old, new))
    if all(not isinstance(item, Mapping | list) for item in [*old, *new]):
        if not same(old, new):
            yield ValueChange(path, Kind.UPDATE, *_shortened(old, new))
        return
    for was, now in _pairs(old, new):
        index = now if now is not None else was
        yield from _walk(None if was is None else old[was], None if now is None else new[now], f"{path}[{index}]")


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[int | None, int | None]]:
    """The indexes of elements that belong together: equal ones anywhere, so that an insertion is one change."""
    before, after = [[_comparable(item) for item in items] for items in (old, new)]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for _, start, end, first, last in matcher.get_opcodes():
        yield from itertools.zip_longest(range(start, end), range(first, last))


def _comparable(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=lambda hidden: hidden.fingerprint)


def _by_identity(items: Sequence[Any]) -> dict[str, Any] | None:
    """List elements by what identifies them; None if not all are objects that have it."""
    if not all(isinstance(item, Mapping) for item in items):
        return None
    for identity in _IDENTITIES:
        names = [item.get(identity) for item in items]
        if all(isinstance(name, str | int) and name != UNKNOWN for name in names) and len(set(names)) == len(names):
            return {str(name): item for name, item in zip(names, items, strict=True)}
    return None


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and "\n" in value


def _diff(old: str, new: str) -> tuple[str, ...]:
    if len(old) + len(new) > _LARGEST_COMPARED:
        return (f"a text of {len(old):,} characters became one of {len(new):,}; too long to compare",)
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2))[2:]
    shown = [line if len(line) <= LONGEST_VALUE else f"{line[:LONGEST_VALUE]}…" for line in lines[:MOST_DIFF_LINES]]
    if len(lines) > MOST_DIFF_LINES:
        shown.append(f"… {len(lines) - MOST_DIFF_LINES:,} more lines")
    return tuple(shown)


def _whole_text(value: Any) -> str:
    """A value on one line."""
    if value == UNKNOWN:
        return UNKNOWN_TEXT
    text = str(value) if isinstance(value, str | Concealed) else json.dumps(value, default=str, ensure_ascii=False)
    return text.replace(UNKNOWN, UNKNOWN_TEXT)


def text_of(value: Any) -> str:
    """A value on one line, shortened."""
    text = _whole_text(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} characters)"
