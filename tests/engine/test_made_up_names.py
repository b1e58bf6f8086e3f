"""A resource whose name the provider makes up is replaced by another beside it, and the review says so."""

import dataclasses
from collections.abc import Iterator

import pytest
from replayed import Replayed, replaying

from review import engine_events
from review.compare import compare
from review.markdown import markdown
from review.plan import Op, Origin, Plan, Step
from review.report import build
from stack.render import Rendered
from stack.resource import Resource
from tools.engine.project import read_events

GROUP, CLAIM = "aws:ec2/securityGroup:SecurityGroup", "kubernetes:core/v1:PersistentVolumeClaim"
STACK = "urn:pulumi:prod::simone::pulumi:pulumi:Stack::simone-prod"
FIRST, AFTER = "deleted first, so it is missing until the new one is ready", "the new one is created first"


def _stack(text: str) -> Rendered:
    """Four resources, of which this text replaces three: two whose names are made up, and one whose isn't."""
    metadata = {"namespace": "simone"}
    declared = (
        (GROUP, "made-up", {"description": text}),
        (GROUP, "fixed", {"description": text, "name": "fixed"}),
        (CLAIM, "claim-made-up", {"metadata": metadata, "spec": {"storageClassName": text}}),
        (CLAIM, "claim-fixed", {"metadata": {**metadata, "name": "claim"}, "spec": {"storageClassName": text}}),
    )
    return Rendered(
        environment="prod",
        resources=tuple(
            Resource(
                urn=f"urn:pulumi:prod::simone::{type_}::{name}", type=type_, name=name, inputs=inputs, parent=STACK
            )
            for type_, name, inputs in declared
        ),
    )


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    with replaying(tmp_path_factory.mktemp("named")) as stack:
        stack.declare(_stack("before"))
        up = stack.project.up()
        assert up.code == 0, up.stdout[-3000:] + up.stderr
        yield stack


def _by_name(plan: Plan) -> dict[str, Step]:
    return {step.resource.name: step for step in plan.steps if step.op is not Op.SAME}


def test_a_made_up_name_stays_while_nothing_replaces_its_resource(replayed: Replayed) -> None:
    names = {each["urn"].rpartition("::")[2]: each.get("inputs", {}) for each in replayed.project.state()["resources"]}
    assert str(names["made-up"]["name"]).startswith("made-up-")
    assert names["made-up"]["__defaults"] == ["name"]
    assert _by_name(replayed.preview(_stack("before"))) == {}


def test_its_replacement_is_created_first_and_said_to_be(replayed: Replayed) -> None:
    steps = _by_name(replayed.preview(_stack("after")))
    offline = _by_name(compare(_stack("before"), _stack("after")))
    for found in (steps, offline):
        assert {name: step.op for name, step in found.items()} == dict.fromkeys(found, Op.REPLACE)
        assert {name: step.deleted_first for name, step in found.items()} == {
            "made-up": False,
            "fixed": True,
            "claim-made-up": False,
            "claim-fixed": True,
        }
    for name, step in steps.items():
        plan = Plan(environment="prod", origin=Origin.ENGINE, steps=(step,), exports_after=None)
        told = markdown(build([plan]))
        assert (AFTER in told, FIRST in told) == (not step.deleted_first, step.deleted_first), name
    old, new = steps["made-up"].old, steps["made-up"].new
    assert old
    assert new
    assert old.inputs["name"] != new.inputs["name"]


def test_the_engine_does_it_in_the_order_that_is_said(replayed: Replayed) -> None:
    steps = _by_name(replayed.preview(_stack("after")))
    log = replayed.project.directory / "up.json"
    up = replayed.project.up("--event-log", str(log))
    assert up.code == 0, up.stdout[-3000:] + up.stderr
    events = engine_events.payloads(read_events(log), "resourcePreEvent")
    order: dict[str, list[str]] = {}
    for event in events:
        order.setdefault(event["metadata"]["urn"].rpartition("::")[2], []).append(event["metadata"]["op"])
    for name, step in steps.items():
        parts = [op for op in order[name] if op in ("create-replacement", "delete-replaced")]
        assert (parts[0] == "delete-replaced") is step.deleted_first, (name, parts)


def test_another_name_for_a_kubernetes_object_needs_no_gap(replayed: Replayed) -> None:
    renamed = _stack("after")
    (claim,) = [one for one in renamed.resources if one.name == "claim-fixed"]
    inputs = {**claim.inputs, "metadata": {"namespace": "simone", "name": "another"}}
    resources = tuple(dataclasses.replace(one, inputs=inputs) if one is claim else one for one in renamed.resources)
    step = _by_name(replayed.preview(dataclasses.replace(renamed, resources=resources)))["claim-fixed"]
    assert (step.op, step.deleted_first) == (Op.REPLACE, False)
