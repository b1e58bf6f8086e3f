"""The program under the real engine: what it registers there is what the render says, and it can be deployed."""

from collections.abc import Mapping
from typing import Any

import pytest
from deployed import Deployed

from review import engine_preview
from review.plan import Op, Plan
from stack.properties import Path, format_path, value_at
from stack.resource import STACK_TYPE, Resource
from stack.values import HIDDEN, UNKNOWN, property_values


@pytest.fixture
def previewed(deployed: Deployed) -> Plan:
    """The engine's first preview of the environment."""
    assert deployed.preview.code == 0, deployed.preview.stdout[-3000:] + deployed.preview.stderr
    return engine_preview.parse(deployed.preview.stdout)


def _declared(deployed: Deployed) -> Mapping[str, Resource]:
    return {r.urn: r for r in deployed.rendered.resources if r.type != STACK_TYPE}


def _shown_inputs(resource: Resource) -> Any:
    """The inputs as a preview shows them: secrets hidden, at whatever depth they are."""

    def shown(value: Any, path: Path) -> Any:
        if format_path(path) in resource.secret_paths:
            return HIDDEN
        if isinstance(value, Mapping):
            return {key: shown(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [shown(item, (*path, index)) for index, item in enumerate(value)]
        return value

    return shown(resource.inputs, ())


def _compare(previewed: Plan, deployed: Deployed, facet: Any) -> None:
    engine = {resource.urn: facet(resource) for resource in previewed.after}
    rendered = {urn: facet(resource) for urn, resource in _declared(deployed).items()}
    assert engine == rendered


def test_the_engine_creates_exactly_the_rendered_resources(previewed: Plan, deployed: Deployed) -> None:
    assert {step.urn for step in previewed.steps} == set(_declared(deployed))
    assert {step.op for step in previewed.steps} == {Op.CREATE}


def test_parents_are_as_rendered(previewed: Plan, deployed: Deployed) -> None:
    _compare(previewed, deployed, lambda resource: resource.parent)


def test_inputs_are_as_rendered(previewed: Plan, deployed: Deployed) -> None:
    _compare(previewed, deployed, _shown_inputs)


def test_secret_values_are_as_rendered_or_known_once_deployed(deployed: Deployed) -> None:
    stored = {
        resource["urn"]: property_values(resource.get("inputs", {}))[0] for resource in deployed.state["resources"]
    }
    secret = {
        (resource.urn, path): value_at(resource.inputs, path)
        for resource in _declared(deployed).values()
        for path in resource.secret_paths
    }
    assert 0 < sum(value == UNKNOWN for value in secret.values()) < len(secret)
    for (urn, path), rendered in secret.items():
        value = value_at(stored[urn], path)
        if rendered == UNKNOWN:
            assert value
            assert value != UNKNOWN
        else:
            assert value == rendered, (urn, path)


def test_secret_inputs_are_as_rendered(previewed: Plan, deployed: Deployed) -> None:
    _compare(previewed, deployed, lambda resource: resource.secret_paths)


def test_dependencies_are_as_rendered(previewed: Plan, deployed: Deployed) -> None:
    _compare(previewed, deployed, lambda resource: (resource.dependencies, resource.property_dependencies))


def test_protection_is_as_rendered(previewed: Plan, deployed: Deployed) -> None:
    _compare(previewed, deployed, lambda resource: resource.protect)


def test_everything_is_brought_up(deployed: Deployed) -> None:
    assert deployed.up.code == 0, deployed.up.stdout[-3000:] + deployed.up.stderr
    stored = {resource["urn"] for resource in deployed.state["resources"]}
    assert set(_declared(deployed)) <= stored


def test_a_second_run_changes_nothing(deployed: Deployed) -> None:
    assert deployed.second_up.code == 0, deployed.second_up.stdout[-3000:]


def test_stored_state_holds_no_secret_in_plain_text(deployed: Deployed) -> None:
    secrets = {
        text
        for resource in _declared(deployed).values()
        for path in resource.secret_paths
        for text in _texts(resource, path)
        if len(text) >= 8
    }
    assert "placeholder-for-" not in deployed.stored_text
    assert not {text for text in secrets if text in deployed.stored_text}


def _texts(resource: Resource, path: str) -> set[str]:
    found: set[str] = set()

    def collect(inner: Any) -> None:
        if isinstance(inner, Mapping):
            for item in inner.values():
                collect(item)
        elif isinstance(inner, str):
            found.add(inner)

    collect(value_at(resource.inputs, path))
    return found


def test_protected_resources_stop_a_destruction(deployed: Deployed) -> None:
    assert deployed.destroy_protected.code != 0
    assert "protect" in deployed.destroy_protected.stdout + deployed.destroy_protected.stderr


def test_a_destruction_finds_an_order_for_everything(deployed: Deployed) -> None:
    assert deployed.destroy.code == 0, deployed.destroy.stdout[-3000:]
