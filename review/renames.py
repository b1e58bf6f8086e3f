"""Deletions that are renames: the same thing is declared under another name in the program, without an alias."""

from collections.abc import Iterable, Mapping
from typing import Any

from review.plan import Op, Step
from review.replacements import fixed_name
from stack.resource import Resource
from stack.values import UNKNOWN


def renames(steps: Iterable[Step]) -> Mapping[str, str]:
    """By the URN of what is deleted the name under which it is created anew.

    Two are the same if they have one type and one name in the cloud or cluster, which both can't have at once. Of
    components, which have no such name, one that goes and one that comes of the same type are the same.
    """
    steps = tuple(steps)
    gone = _by_identity(step.old for step in steps if step.op is Op.DELETE)
    made = _by_identity(step.new for step in steps if step.op is Op.CREATE)
    return {
        old[0].urn: made[identity][0].name
        for identity, old in gone.items()
        if len(old) == 1 and len(made.get(identity, ())) == 1
    }


def _by_identity(resources: Iterable[Resource | None]) -> Mapping[tuple[Any, ...], list[Resource]]:
    found: dict[tuple[Any, ...], list[Resource]] = {}
    for resource in resources:
        if resource is not None and (identity := _identity(resource)):
            found.setdefault(identity, []).append(resource)
    return found


def _identity(resource: Resource) -> tuple[Any, ...] | None:
    if not resource.custom:
        return (resource.type,)
    name = fixed_name(resource.type, resource.inputs)
    return (resource.type, *name) if name and UNKNOWN not in name else None
