"""Which of several changed settings changes which resource: each is reverted alone, and what then differs is its
effect.

Run as a program in the checkout that has changed, with the two sides' configuration on standard input:
`{environment: {"base": …, "head": …}}`. It prints `{environment: {urn: [path, …]}}`.
"""

import copy
import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

# In the place of this directory, whose html.py would be imported for Python's own.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from review.snapshot import FORKED, import_shared
from stack import properties
from stack.properties import Kind

MOST_SETTINGS = 8
"""The most changed settings of an environment that are tried: each takes a render, about a second."""

Config = Mapping[str, Any]
Told = Mapping[str, Any]
"""By URN what of a resource settings may change."""


def main() -> None:
    """Print what each changed setting changes."""
    given: Mapping[str, Mapping[str, Config]] = json.load(sys.stdin)
    told, sys.stdout = sys.stdout, sys.stderr
    gc.disable()
    tried: list[tuple[str, str, Config]] = []
    for name, sides in given.items():
        alternatives = single_changes(sides["base"], sides["head"])
        if 1 < len(alternatives) <= MOST_SETTINGS:
            tried += [(name, "", sides["head"]), *((name, path, config) for path, config in alternatives.items())]
    found: dict[str, dict[str, list[str]]] = {name: {} for name in given}
    if tried:
        import_shared()
        with ProcessPoolExecutor(os.cpu_count(), FORKED) as processes:
            renders = [*processes.map(_rendered, tried)]
        now: Told = {}
        for (name, path, _), before in zip(tried, renders, strict=True):
            if not path:
                now = before or now
            elif before is not None:  # the others need it where the program fails: nobody can say what it does
                for urn in _differing(before, now):
                    found[name].setdefault(urn, []).append(path)
    json.dump(found, told)


def single_changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The head's configuration with one changed setting reverted, by that setting's path.

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


def _put_back(head: Mapping[str, Any], change: properties.PropertyChange) -> Mapping[str, Any]:
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


def _rendered(tried: tuple[str, str, Config]) -> Told | None:
    from stack.render import render  # noqa: PLC0415 (imports the cloud SDKs, which takes seconds)
    from stack.stand_in_outputs import outputs  # noqa: PLC0415

    environment, put_back, config = tried
    try:
        resources = render(environment, config=config, resolve=outputs).resources
    except Exception:
        if put_back:
            return None
        raise
    return {one.urn: (one.inputs, one.options, one.protect, one.aliases) for one in resources}


def _differing(before: Told, now: Told) -> Iterator[str]:
    return (urn for urn in {*before, *now} if before.get(urn) != now.get(urn))


if __name__ == "__main__":
    main()
