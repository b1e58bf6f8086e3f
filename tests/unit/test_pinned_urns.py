"""An upgrade never deletes by accident: every URN is pinned, and a rename needs an alias."""

from review.render import Rendered
from tools.pins import DIRECTORY


def test_every_urn_is_the_pinned_one_or_has_it_as_an_alias(environment: Rendered) -> None:
    pinned = {line.split(" ")[0] for line in (DIRECTORY / f"{environment.environment}.txt").read_text().splitlines()}
    declared = {resource.urn for resource in environment.resources}
    aliased = {alias for resource in environment.resources for alias in resource.aliases}
    gone = sorted(pinned - declared - aliased)
    new = sorted(declared - pinned)
    assert not gone, f"would be deleted; give its successor an alias, or `make pins` if that is meant: {gone}"
    assert not new, f"not pinned yet: make pins {new}"


def test_components_are_the_only_children_of_the_stack(environment: Rendered) -> None:
    stack = next(resource.urn for resource in environment.resources if resource.parent == "")
    top = {resource.type for resource in environment.resources if resource.parent == stack}
    assert top == {resource.type for resource in environment.resources if resource.type.startswith("simone:")}


def test_every_child_is_named_after_its_component(environment: Rendered) -> None:
    names = {resource.urn: resource.name for resource in environment.resources}
    for resource in environment.resources:
        if resource.custom:
            assert resource.name.startswith(f"{names[resource.parent]}-"), resource.urn
