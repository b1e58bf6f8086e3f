"""Two renders of an environment compared, as the engine would compare the program with its state.

Only the engine knows whether the cloud differs from the state, and the outputs of a replaced resource. Where that
matters the step says so.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from review import replacements
from review.options import changed_options, changed_protection, changed_timeouts, is_ignored, selected
from review.plan import Op, Origin, Plan, Step
from stack.environments import PROJECT
from stack.properties import Path, PropertyChange, changes, contains
from stack.resource import STACK_TYPE, Rendered, Resource
from stack.stand_in_outputs import is_made_up
from stack.values import UNKNOWN


def compare(
    base: Rendered | None, head: Rendered | None, providers: Mapping[str, Mapping[str, Any]] | None = None
) -> Plan:
    """The plan that brings the environment from `base` to `head`. Without a base everything is created, without a head
    everything is deleted.

    `providers` are the inputs of the default providers by package, which no render holds: the engine makes these
    providers itself, from the stack's configuration (`default_providers`).
    """
    before = {resource.urn: resource for resource in _without_stack(base.resources if base else ())}
    after = _without_stack(head.resources if head else ())
    matched = _matched(before, after)
    renamed = {old.urn: urn for urn, old in matched.items()}
    steps: list[Step] = []
    replaced: set[str] = set()
    for resource in after:
        old = matched.get(resource.urn)
        step = (
            _create(resource)
            if old is None
            else _compared(_waiting_for(old, renamed), resource, replaced, _provider(after, resource, providers or {}))
        )
        if step.op is Op.REPLACE:
            replaced.add(resource.urn)
        steps.append(step)
    environment = next((side.environment for side in (head, base) if side), "")
    kept = {old.urn for old in matched.values()}
    steps += [_delete(old) for urn, old in reversed(before.items()) if urn not in kept]
    return Plan(
        environment=environment,
        origin=Origin.RENDERS,
        steps=tuple(steps),
        exports_before=base.exports if base else {},
        exports_after=head.exports if head else {},
        secret_exports=frozenset().union(*(side.secret_exports for side in (base, head) if side)),
    )


def _without_stack(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(resource for resource in resources if resource.type != STACK_TYPE)


def default_providers(config: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The default providers' inputs in a stack's configuration: `kubernetes:context` is the package's `context`."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in config.items():
        package, _, name = key.partition(":")
        found.setdefault(package, {})[name] = value
    return found


def _provider(
    resources: Sequence[Resource], resource: Resource, default: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The inputs of a resource's provider."""
    urn = resource.provider.rsplit("::", 1)[0] if resource.provider else ""
    package = resource.type.split(":")[0]
    return next((provider.inputs for provider in resources if provider.urn == urn), default.get(package, {}))


def _matched(before: Mapping[str, Resource], after: Sequence[Resource]) -> Mapping[str, Resource]:
    """By new URN the old resource: the same URN, or one that the resource or an ancestor declares as an alias."""
    found: dict[str, Resource] = {}
    former = former_urns(after)
    for resource in after:
        candidates = [resource.urn, *sorted(former[resource.urn])]
        old = next((before[urn] for urn in candidates if urn in before), None)
        if old is not None:
            found[resource.urn] = old
    return found


def former_urns(resources: Sequence[Resource]) -> Mapping[str, set[str]]:
    """By URN those that a resource may have had before, by its own aliases and its ancestors'; parents come first."""
    former: dict[str, set[str]] = {}
    for resource in resources:
        former[resource.urn] = set(_former_urns(resource, former)) if resource.parent else set()
    return former


def _former_urns(resource: Resource, former: Mapping[str, set[str]]) -> Iterator[str]:
    """The URNs that a resource had before, parents first: `former` holds those of the ones already seen."""
    names, types = {resource.name}, {resource.type}
    for alias in resource.aliases:
        if alias.startswith("urn:pulumi:"):
            yield alias
        elif ":" in alias:
            types.add(alias)
        else:
            names.add(alias)
    parents = {resource.parent, *former.get(resource.parent, ())}
    parent_name = resource.parent.rsplit("::", 1)[-1]
    for parent in parents:
        # A child that is named after its parent was named after the parent's former name.
        renamed = {
            parent.rsplit("::", 1)[-1] + name.removeprefix(parent_name)
            for name in names
            if name.startswith(parent_name) and parent != resource.parent
        }
        for name in names | renamed:
            for type_ in types:
                yield _urn(parent, type_, name)


def _urn(parent: str, type_: str, name: str) -> str:
    stack, _, chain, _ = parent.split("::", 3)
    qualified = type_ if chain == STACK_TYPE else f"{chain}${type_}"
    return "::".join((stack, PROJECT, qualified, name))


def _create(resource: Resource) -> Step:
    known_as = resource.options.get("import")
    notes = (f"the one that is called {known_as}",) if known_as else ()
    return Step(
        op=Op.IMPORT if known_as else Op.CREATE,
        urn=resource.urn,
        old=None,
        new=resource,
        imported=bool(known_as),
        notes=notes,
    )


def _delete(resource: Resource) -> Step:
    notes = ("it is protected: the update stops here",) if resource.protect else ()
    op = Op.FORGET if resource.options.get("retainOnDelete") else Op.DELETE
    return Step(op=op, urn=resource.urn, old=resource, new=None, notes=notes)


def _compared(old: Resource, new: Resource, replaced: set[str], provider: Mapping[str, Any]) -> Step:
    found = [change for change in changes(old.inputs, new.inputs) if not is_ignored(change, new)]
    reasons = {reason for change in found if (reason := _forces(change.path, new, provider))}
    depends = [key for key, urns in new.property_dependencies.items() if replaced & set(urns)]
    open_keys = [key for key in depends if _has_unknown(new.inputs.get(key))]
    reasons |= {reason for key in open_keys if (reason := _forces((key,), new, provider))}
    if _other_provider(old, new):
        reasons.add("provider")
    options = tuple(changed_options(old, new))
    notes = [*_notes(old, new, found, reasons), *changed_timeouts(old, new), *options]
    if open_keys and not reasons:
        notes.append(f"{', '.join(open_keys)} may change: what it is made from is replaced (only the engine can say)")
    op = Op.REPLACE if reasons else Op.UPDATE if found or open_keys else Op.SAME
    return Step(
        op=op,
        urn=new.urn,
        old=old,
        new=new,
        replace_reasons=tuple(sorted(reasons)),
        deleted_first=op is Op.REPLACE
        and (
            bool(new.options.get("deleteBeforeReplace")) or replacements.deleted_first(new.type, old.inputs, new.inputs)
        ),
        new_options=bool(options) or (old.protect and not new.protect),
        notes=tuple(notes),
    )


def _waiting_for(old: Resource, renamed: Mapping[str, str]) -> Resource:
    """A resource as it was, with its dependencies under their present names."""
    waits = sorted(renamed.get(urn, urn) for urn in old.options.get("dependsOn", ()))
    return dataclasses.replace(old, options={**old.options, "dependsOn": waits}) if waits else old


def _forces(path: Path, resource: Resource, provider: Mapping[str, Any]) -> str | None:
    paths = selected(resource, "replaceOnChanges").items()
    named = next((text for text, wanted in paths if contains(wanted, path)), None)
    return named or replacements.forcing_property(resource.type, path, resource.inputs, provider)


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_unknown(item) for item in value)
    return value == UNKNOWN or (isinstance(value, str) and is_made_up(value))


def _other_provider(old: Resource, new: Resource) -> bool:
    """A resource moved to another explicitly declared provider; a new version of a default one moves nothing."""
    names = [provider.rsplit("::", 1)[0] for provider in (old.provider, new.provider)]
    return names[0] != names[1] and all(names)


def _notes(old: Resource, new: Resource, found: Sequence[PropertyChange], reasons: set[str]) -> Iterator[str]:
    if old.urn != new.urn:
        yield f"known as {old.name} before"
    yield from changed_protection(old, new)
    if reasons and new.protect:
        yield "it is protected: the update stops here"
    if found and not replacements.is_known(new.type) and new.custom:
        yield "whether this replaces it only the engine can say: its type isn't in the table"
