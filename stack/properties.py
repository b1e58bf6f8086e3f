"""Two property trees compared, and the paths that name a place in one.

Paths are tuples of keys and list indexes; as text they follow Pulumi's own syntax: `spec.containers[0].image`,
`data["redis.conf"]`. In a path that selects others, `*` and `[*]` stand for any key or index. Source: pulumi,
sdk/go/common/resource/properties_path.go.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

Path = tuple[str | int, ...]
"""A place in a property tree."""

ANY = "*"
"""In a path that selects others: any key or index."""

_PLAIN_KEY = re.compile(r"\w+", re.ASCII)
_PATH_PART = re.compile(r'\.?(?:(?P<key>[^.\[]+)|\[(?P<index>\d+)\]|\[(?P<any>\*)\]|\["(?P<quoted>(?:\\"|[^"])*)"\])')


class Kind(StrEnum):
    """What happened to a property, in the engine's words."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class PropertyChange:
    """One property that differs; `old` is None for an addition and `new` for a removal."""

    path: Path
    kind: Kind
    old: Any
    new: Any


def format_path(path: Path) -> str:
    """The path as Pulumi writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            quoted = part.replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def parse_path(text: str) -> Path:
    """The reverse of `format_path`.

    Raises ValueError for a text that isn't a property path.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PATH_PART.match(text, position)
        if match is None or (not position and text[0] == "."):
            raise ValueError(f"{text!r} is not a property path (stuck at {text[position:]!r})")
        if (index := match["index"]) is not None:
            parts.append(int(index))
        elif (quoted := match["quoted"]) is not None:
            parts.append(quoted.replace('\\"', '"'))
        else:
            parts.append(match["key"] or ANY)
        position = match.end()
    return tuple(parts)


def contains(selected: Path, path: Path) -> bool:
    """Whether a path is the selected one or below it."""
    return len(selected) <= len(path) and all(
        wanted in (ANY, part) for wanted, part in zip(selected, path, strict=False)
    )


def value_at(tree: Any, path: str) -> Any:
    """The value at a path; KeyError, IndexError or TypeError when there is nothing."""
    for part in parse_path(path):
        tree = tree[part]
    return tree


def same(old: Any, new: Any) -> bool:
    """Equality as the engine sees it: 1 and 1.0 are one number, but True is no number."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def changes(old: Any, new: Any, at: Path = ()) -> Iterator[PropertyChange]:
    """Every leaf that differs between two trees; lists are compared position by position.

    None and an absent key are the same, as they are for the engine.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before, after = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
        for key in [*before, *(key for key in after if key not in before)]:
            yield from changes(before.get(key), after.get(key), (*at, key))
    elif _is_list(old) and _is_list(new):
        first, second = cast("Sequence[Any]", old), cast("Sequence[Any]", new)
        for index in range(max(len(first), len(second))):
            yield from changes(
                first[index] if index < len(first) else None,
                second[index] if index < len(second) else None,
                (*at, index),
            )
    elif old is None and new is not None:
        yield PropertyChange(at, Kind.ADD, None, new)
    elif old is not None and new is None:
        yield PropertyChange(at, Kind.DELETE, old, None)
    elif not same(old, new):
        yield PropertyChange(at, Kind.UPDATE, old, new)
