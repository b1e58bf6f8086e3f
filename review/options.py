"""A resource's options: the property paths that they select, and how they differ."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from stack.properties import Kind, Path, PropertyChange, contains, parse_path
from stack.resource import Resource


def selected(resource: Resource, option: str) -> Mapping[str, Path]:
    """The paths of an option by their text, without those that the engine can't read either."""
    found: dict[str, Path] = {}
    for text in resource.options.get(option, ()):
        with contextlib.suppress(ValueError):
            found[text] = parse_path(text)
    return found


def is_ignored(change: PropertyChange, resource: Resource) -> bool:
    """Whether `ignoreChanges` keeps the old value; it neither adds nor removes an element that it names."""
    return any(
        contains(path, change.path)
        and not (len(path) == len(change.path) and change.kind is not Kind.UPDATE and type(change.path[-1]) is int)
        for path in selected(resource, "ignoreChanges").values()
    )


def changed_options(old: Resource, new: Resource) -> Iterator[str]:
    """Sentences on changed options. Aliases that a rename has used are reported with the rename."""
    before, after = _told_options(old), _told_options(new)
    if old.urn != new.urn:
        before["aliases"] = after.get("aliases")
    for name in sorted({*before, *after} - {"customTimeouts"}):
        if (was := before.get(name)) != (will_be := after.get(name)):
            yield f"its option {name} changes: {_option(was)} → {_option(will_be)}"


def changed_protection(old: Resource, new: Resource) -> Iterator[str]:
    """A sentence on changed protection against deletion."""
    if old.protect != new.protect:
        yield "its protection is taken off" if old.protect else "from now on it is protected"


def changed_timeouts(old: Resource, new: Resource) -> Iterator[str]:
    """A sentence on changed timeouts, which interrupt nothing."""
    before, after = (_option(side.options.get("customTimeouts")) for side in (old, new))
    if before != after:
        yield f"its timeouts change: {before} → {after}"


def _told_options(resource: Resource) -> dict[str, Any]:
    return {**resource.options, "aliases": sorted(resource.aliases) or None}


def _option(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item).rsplit("::", 1)[-1] for item in cast("list[Any]", value))
    return "not set" if value is None else str(value)
