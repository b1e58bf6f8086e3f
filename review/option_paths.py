"""The property paths of a resource's options: `ignoreChanges`, `replaceOnChanges`."""

import contextlib
from collections.abc import Mapping

from stack.properties import Change, Kind, Path, contains, parse_path
from stack.resource import Resource


def selected(resource: Resource, option: str) -> Mapping[str, Path]:
    """The paths of an option by how they are written, without those that the engine can't read either."""
    found: dict[str, Path] = {}
    for text in resource.options.get(option, ()):
        with contextlib.suppress(ValueError):
            found[text] = parse_path(text)
    return found


def is_ignored(change: Change, resource: Resource) -> bool:
    """Whether `ignoreChanges` keeps the old value; it neither adds nor removes an element that it names."""
    return any(
        contains(path, change.path)
        and not (len(path) == len(change.path) and change.kind is not Kind.UPDATE and type(change.path[-1]) is int)
        for path in selected(resource, "ignoreChanges").values()
    )
