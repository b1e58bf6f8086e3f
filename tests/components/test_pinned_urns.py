"""An upgrade never deletes by accident: every URN is pinned, and a rename needs an alias."""

import dataclasses
import re
from collections.abc import Callable

import pytest

from review.compare import former_urns
from stack.environments import ROOT, environments
from stack.render import Rendered
from stack.resource import Resource
from tools.pins import DIRECTORY


def _pinned(environment: str) -> set[str]:
    path = DIRECTORY / f"{environment}.txt"
    assert path.exists(), f"no URN of {environment} is pinned yet (tests/components/pinned/{path.name}): make pins"
    return {line.split(" ")[0] for line in path.read_text().splitlines()}


def _gone(pinned: set[str], rendered: Rendered) -> list[str]:
    """Pinned URNs that nothing has or had."""
    former = former_urns(rendered.resources)
    return sorted(pinned - former.keys() - {urn for urns in former.values() for urn in urns})


def test_every_urn_is_the_pinned_one_or_has_it_as_an_alias(environment: Rendered) -> None:
    pinned = _pinned(environment.environment)
    gone = _gone(pinned, environment)
    new = sorted({resource.urn for resource in environment.resources} - pinned)
    assert not gone, f"would be deleted; give its successor an alias, or `make pins` if that is meant: {gone}"
    assert not new, f"not pinned yet: make pins {new}"


@pytest.mark.parametrize("aliases", [(), ("pgbouncer",)], ids=["without an alias", "with an alias"])
def test_a_renamed_component_keeps_its_resources_only_with_an_alias(
    aliases: tuple[str, ...], rendered: Callable[[str], Rendered]
) -> None:
    before = rendered("prod")
    component = next(resource for resource in before.resources if resource.name == "pgbouncer")
    chain = component.urn.removesuffix("::pgbouncer")
    renamed: list[Resource] = []
    for resource in before.resources:
        if resource.urn == component.urn:
            renamed.append(dataclasses.replace(resource, name="pooler", urn=f"{chain}::pooler", aliases=aliases))
        elif resource.parent == component.urn:
            name = resource.name.replace("pgbouncer", "pooler", 1)
            urn = resource.urn.removesuffix(resource.name) + name
            renamed.append(dataclasses.replace(resource, name=name, urn=urn, parent=f"{chain}::pooler"))
        else:
            renamed.append(resource)
    family = {r.urn for r in before.resources if component.urn in (r.urn, r.parent)}
    gone = _gone(_pinned("prod"), dataclasses.replace(before, resources=tuple(renamed)))
    assert set(gone) == (set() if aliases else family)


def test_everything_belongs_to_a_component(environment: Rendered) -> None:
    """The stack has components as children and nothing else; a part with an identity is a component in another."""
    stack = next(resource.urn for resource in environment.resources if resource.parent == "")
    components = {resource.urn for resource in environment.resources if resource.type.startswith("simone:")}
    for resource in environment.resources:
        if resource.urn in components:
            assert resource.parent in {stack, *components}, resource.urn
        elif resource.urn != stack:
            assert resource.parent in components, resource.urn


def test_every_component_is_declared_somewhere(rendered: Callable[[str], Rendered]) -> None:
    declared = {resource.type for name in environments() for resource in rendered(name).resources}
    forgotten = [
        f"{path.relative_to(ROOT)} has the component {type_}, which no environment declares: call it in "
        "components/stack.py, or in the component that it is a part of"
        for path in sorted((ROOT / "components").rglob("*.py"))
        for type_ in re.findall(r'"(simone:\w+:\w+)"', path.read_text())
        if type_ not in declared
    ]
    assert not forgotten, forgotten


def test_every_child_is_named_after_its_component(environment: Rendered) -> None:
    names = {resource.urn: resource.name for resource in environment.resources}
    for resource in environment.resources:
        if resource.custom:
            assert resource.name.startswith(f"{names[resource.parent]}-"), resource.urn
