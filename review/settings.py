"""A stack file's configuration compared: the settings, encrypted values and the providers' own."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from review.readable import TextChange, ValueChange, readable_changes
from stack.environments import PROJECT
from stack.properties import Path, format_path
from stack.resource import Resource
from stack.values import HIDDEN


@dataclass(frozen=True)
class Settings:
    """The changed settings. Of the `undecided` ones no render shows the effect: what is encrypted is a placeholder in
    both, and what a provider is told (which cluster, which region, which account) moves everything. `lines` are where
    they stand; `alone` says that nothing else changes what is declared, and `by_resource` which of them change a
    resource, by its URN, where there are several.
    """

    changes: tuple[ValueChange | TextChange, ...] = ()
    undecided: tuple[str, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    alone: bool = False
    by_resource: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def causes(self, urn: str) -> tuple[str, ...]:
        """The lines of the settings that change a resource. A single setting changes everything; empty if it isn't
        known.
        """
        if not self.alone:
            return ()
        paths = [change.path for change in self.changes] if len(self.changes) == 1 else self.by_resource.get(urn, ())
        return tuple(filter(None, dict.fromkeys(self.lines.get(path, "") for path in paths)))


NO_SETTINGS = Settings()


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Settings:
    """What differs between two stack files' `config`."""
    changes: list[ValueChange | TextChange] = []
    undecided: list[str] = []
    for key in sorted({*old, *new}):
        quoted = format_path((key,))
        found = [
            dataclasses.replace(change, path=change.path.replace(quoted, key, 1))
            for change in readable_changes(_as_resource(key, old), _as_resource(key, new))
        ]
        changes += found
        of_a_provider = not key.startswith(f"{PROJECT}:")
        undecided += [change.path for change in found if of_a_provider or _is_secret(change)]
    return Settings(tuple(changes), tuple(undecided))


def _is_secret(change: ValueChange | TextChange) -> bool:
    return isinstance(change, ValueChange) and HIDDEN in (change.old, change.new)


def _as_resource(key: str, config: Mapping[str, Any]) -> Resource:
    """One setting as the inputs of a resource: compared, shown and concealed as those are."""
    inputs = {key: config[key]} if key in config else {}
    return Resource(urn="", type="", name=key, inputs=inputs, secret_paths=frozenset(_secure(inputs, ())))


def _secure(value: Any, path: Path) -> Iterator[str]:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        if isinstance(mapping.get("secure"), str):
            yield format_path(path)
        for key, item in mapping.items():
            yield from _secure(item, (*path, key))
