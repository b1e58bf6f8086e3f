"""Which of several changed settings changes which resource: each is put back alone, and what then differs is its.

Run as a program in the checkout that has changed, with the two sides' configuration on standard input:
`{environment: {"base": …, "head": …}}`. It prints `{environment: {urn: [path, …]}}`.
"""

import copy
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stack import properties
from stack.properties import Kind
from stack.resource import Resource

MOST_SETTINGS = 8
"""Changed settings of an environment up to which each is tried: a render a setting, a second each."""


def main() -> None:
    """Print what each changed setting changes."""
    given: Mapping[str, Mapping[str, Mapping[str, Any]]] = json.load(sys.stdin)
    found = {name: _changed_by(name, sides["base"], sides["head"]) for name, sides in given.items()}
    json.dump(found, sys.stdout)


def single_changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """By the path of each changed setting the head's configuration with that one put back.

    A key of its own that is new can't be put back: a render takes what isn't replaced from the stack file.
    """
    put_back: dict[str, Mapping[str, Any]] = {}
    for change in properties.changes(base, head):
        if len(change.path) == 1 and change.kind is Kind.ADD:
            continue
        key, *rest = change.path
        below = properties.format_path(tuple(rest))
        name = f"{key}{'' if below.startswith('[') or not below else '.'}{below}"
        put_back[name] = _put_back(head, change)
    return put_back


def _put_back(head: Mapping[str, Any], change: properties.Change) -> Mapping[str, Any]:
    config = copy.deepcopy(dict(head))
    *above, last = change.path
    place: Any = config
    for part in above:
        place = place[part]
    if change.kind is Kind.ADD:
        del place[last]
    elif change.kind is Kind.DELETE and isinstance(last, int):
        place.append(change.old)
    else:
        place[last] = change.old
    return config


def _changed_by(environment: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, list[str]]:
    from stack.render import render  # noqa: PLC0415 (imports the cloud SDKs, which takes seconds)
    from stack.stand_in_outputs import outputs  # noqa: PLC0415

    alternatives = single_changes(base, head)
    if not 1 < len(alternatives) <= MOST_SETTINGS:
        return {}
    now = {resource.urn: resource for resource in render(environment, config=head, resolve=outputs).resources}
    found: dict[str, list[str]] = {}
    for path, config in alternatives.items():
        try:
            before = render(environment, config=config, resolve=outputs).resources
        except Exception:  # noqa: S112 (the others need it, so the program fails: nobody can say what it does)
            continue
        for urn in _differing({resource.urn: resource for resource in before}, now):
            found.setdefault(urn, []).append(path)
    return found


def _differing(before: Mapping[str, Resource], now: Mapping[str, Resource]) -> Iterator[str]:
    for urn in {*before, *now}:
        sides = [_told(side.get(urn)) for side in (before, now)]
        if sides[0] != sides[1]:
            yield urn


def _told(resource: Resource | None) -> Any:
    return resource and (resource.inputs, resource.options, resource.protect, resource.aliases)


if __name__ == "__main__":
    main()
