"""How a resource's options steer what the comparison says, as they steer the engine."""

import dataclasses
from typing import Any

import pytest

from review.compare import compare
from review.plan import Op, Step
from stack.render import Rendered
from stack.resource import Resource

TYPE = "kubernetes:apps/v1:Deployment"


def _stack(image: str, count: int, **options: Any) -> Rendered:
    containers = [{"name": f"c{number}", "image": image} for number in range(count)]
    web = Resource(
        urn=f"urn:pulumi:prod::simone::{TYPE}::web",
        type=TYPE,
        name="web",
        inputs={"spec": {"template": {"spec": {"containers": containers}}}},
        options=options,
    )
    return Rendered(environment="prod", resources=(web,), exports={}, secret_exports=frozenset())


def _step(count: int = 1, **options: Any) -> Step:
    """A changed image, and as many containers as said."""
    return compare(_stack("a:1", 1, **options), _stack("a:2", count, **options)).steps[0]


ALL_OF_IT = (
    "*",
    "spec.*",
    "spec.template.spec.containers",
    'spec["template"].spec.containers',
    "spec.template.spec.containers[*].image",
    "spec.template.spec.containers.*.image",
    "spec.template.spec.containers[0].image",
)


@pytest.mark.parametrize("path", ALL_OF_IT)
def test_ignored_changes_are_none(path: str) -> None:
    assert _step(ignoreChanges=[path]).op is Op.SAME


@pytest.mark.parametrize("path", ALL_OF_IT)
def test_changes_that_replace_are_named_with_their_path(path: str) -> None:
    step = _step(replaceOnChanges=[path])
    assert (step.op, step.replace_reasons) == (Op.REPLACE, (path,))


@pytest.mark.parametrize("path", ["spec.template.spec.containers[1].image", "spec.selector.*", "spec..image", "x["])
def test_other_paths_and_unreadable_ones_change_nothing(path: str) -> None:
    assert _step(ignoreChanges=[path], replaceOnChanges=[path]).op is Op.UPDATE


@pytest.mark.parametrize("path", ["spec.template.spec.containers[*]", "spec.template.spec.containers[*].image"])
def test_an_added_element_is_not_ignored(path: str) -> None:
    assert _step(count=2, ignoreChanges=[path]).op is Op.UPDATE


def test_options_are_the_new_programs() -> None:
    before, after = _stack("a:1", 1), _stack("a:2", 1, ignoreChanges=["*"])
    assert compare(before, after).steps[0].op is Op.SAME


def _with_options(**more: Any) -> Rendered:
    (web,) = _stack("a:1", 1).resources
    return Rendered(
        environment="prod", resources=(dataclasses.replace(web, **more),), exports={}, secret_exports=frozenset()
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"options": {"dependsOn": ["urn:pulumi:prod::simone::x::database"]}}, "dependsOn changes: not set → database"),
        ({"aliases": ("old",)}, "aliases changes: not set → old"),
    ],
)
def test_what_the_engine_is_told_of_a_resource_is_compared(more: dict[str, Any], told: str) -> None:
    for before, after in ((_stack("a:1", 1), _with_options(**more)), (_with_options(**more), _stack("a:1", 1))):
        step = compare(before, after).steps[0]
        assert (step.op, step.new_options) == (Op.SAME, True)
    assert told in compare(_stack("a:1", 1), _with_options(**more)).steps[0].notes[0]


def test_changed_timeouts_are_told_and_harmless() -> None:
    step = compare(_stack("a:1", 1), _with_options(options={"customTimeouts": {"create": "10m"}})).steps[0]
    assert (step.new_options, step.notes) == (False, ("its timeouts change: not set → {'create': '10m'}",))


def test_what_is_imported_is_no_creation() -> None:
    step = compare(None, _with_options(options={"import": "simone/web"})).steps[0]
    assert (step.op, step.imported, step.notes) == (Op.IMPORT, True, ("the one that is called simone/web",))


def test_protection_is_told_when_it_comes() -> None:
    step = compare(_stack("a:1", 1), _with_options(protect=True)).steps[0]
    assert (step.new_options, step.notes) == (False, ("from now on it is protected",))
