"""Deletions that are renames: the program declares the same resource under another name, without an alias."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review.plan import Op, Step
from review.replacements import fixed_name
from stack.resource import Resource
from stack.values import UNKNOWN


def renames(steps: Iterable[Step]) -> Mapping[str, str]:
    """The new name by the URN of the deleted resource.

    Two resources are the same if type and name in the cloud or cluster are equal, which only one can have. Components
    have no such name: a deleted and a created one of the same type are the same.
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


@dataclass(frozen=True)
class ComponentRename:
    """A component under another name without an alias, and what follows: its children are deleted and made anew."""

    old: Resource
    new: Resource
    deleted: tuple[Step, ...]
    created: tuple[Step, ...]

    @property
    def urns(self) -> frozenset[str]:
        """All that is part of it."""
        steps = (*self.deleted, *self.created)
        return frozenset((self.old.urn, self.new.urn, *(step.urn for step in steps)))


def alias(old: Resource) -> str:
    """The option that keeps a renamed resource and its children."""
    return f"aliases=[pulumi.Alias(name='{old.name}')]"


def component_renames(steps: Sequence[Step]) -> tuple[ComponentRename, ...]:
    """The topmost renamed components."""
    names = renames(steps)
    gone = {step.urn: step.old for step in steps if step.op is Op.DELETE and step.old}
    made = {step.urn: step.new for step in steps if step.op is Op.CREATE and step.new}
    found: list[ComponentRename] = []
    for urn, old in gone.items():
        if urn not in names or old.custom or any(_is_below(old, other, gone) for other in names):
            continue
        new = next(one for one in made.values() if one.name == names[urn] and one.type == old.type)
        found.append(
            ComponentRename(
                old,
                new,
                tuple(step for step in steps if step.old and _is_below(step.old, urn, gone)),
                tuple(step for step in steps if step.new and _is_below(step.new, new.urn, made)),
            )
        )
    return tuple(found)


def _is_below(resource: Resource, urn: str, among: Mapping[str, Resource]) -> bool:
    above: Resource | None = resource
    while above is not None and above.parent:
        if above.parent == urn:
            return True
        above = among.get(above.parent)
    return False


def kept_by_alias(steps: Iterable[Step]) -> Mapping[str, Sequence[Step]]:
    """Steps in which an alias keeps a renamed resource and nothing else changes, by the topmost one's URN."""
    kept = {
        step.urn: step
        for step in steps
        if step.op is Op.SAME
        and step.old
        and step.new
        and step.old.urn != step.new.urn
        and len(step.notes) == 1
        and not (step.drift or step.new_options)
    }
    resources = {urn: step.resource for urn, step in kept.items()}
    tops = [step for step in kept.values() if step.resource.parent not in kept]
    return {top.urn: [step for step in kept.values() if _is_below(step.resource, top.urn, resources)] for top in tops}
