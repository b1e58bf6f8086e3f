"""`make deploy` under the real engine: what is applied is what was planned, and a broken policy stops it."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from replayed import Replayed, replaying

from stack.render import Rendered, render
from stack.stand_in_outputs import outputs
from stack.values import UNKNOWN
from tools.engine.project import Result

pytestmark = pytest.mark.full

WHERE = "out"


def _changed(rendered: Rendered, name: str, **inputs: Any) -> Rendered:
    """The stack with other inputs of one resource."""
    assert any(resource.name == name for resource in rendered.resources)
    return dataclasses.replace(
        rendered,
        resources=tuple(
            dataclasses.replace(resource, inputs={**resource.inputs, **inputs}) if resource.name == name else resource
            for resource in rendered.resources
        ),
    )


class Deploying(Replayed):
    """Production's stack, and `python -m tools.deploy` in its project."""

    def deploy(self, command: str, *arguments: str) -> Result:
        return self.project.run_module("tools.deploy", command, "prod", "--out", WHERE, *arguments)

    def report(self) -> Mapping[str, Any]:
        return json.loads((self.project.directory / WHERE / "review.json").read_text())

    def page(self, name: str) -> str:
        return (self.project.directory / WHERE / name).read_text()

    def has_plan(self) -> bool:
        return (self.project.directory / WHERE / "plan.json").exists()

    def stored(self, name: str) -> Mapping[str, Any]:
        (found,) = [r for r in self.project.state()["resources"] if r["urn"].endswith(f"::{name}")]
        return found["inputs"]


@pytest.fixture(scope="module")
def production() -> Rendered:
    """With every value known: a replay can't wait for what a cloud answers."""
    known = render("prod", resolve=outputs)
    assert UNKNOWN not in json.dumps([resource.inputs for resource in known.resources])
    return known


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, production: Rendered) -> Iterator[Deploying]:
    """Production, deployed by a plan that was looked at."""
    with replaying(tmp_path_factory.mktemp("deploying")) as replayed:
        stack = Deploying(replayed.project, replayed.snapshot)
        stack.declare(production)
        planned = stack.deploy("plan")
        assert planned.code == 0, planned.stdout + planned.stderr + stack.page("review.md")[:6000]
        # Whatever opens something is named, also where everything is new.
        assert stack.report()["verdict"] == "careful"
        applied = stack.deploy("apply")
        assert applied.code == 0, applied.stdout[-3000:] + applied.stderr
        yield stack


def test_a_plan_is_used_once(stack: Deploying) -> None:
    assert not stack.has_plan()
    again = stack.deploy("apply")
    assert again.code == 2
    assert "there is no saved plan in out; run: python -m tools.deploy plan prod" in again.stderr


def test_a_deployed_stack_has_nothing_to_deploy(stack: Deploying, production: Rendered) -> None:
    stack.declare(production)
    again = stack.deploy("up")
    assert again.code == 0, again.stdout + again.stderr
    assert again.stdout.startswith("No changes: ")


def test_a_broken_mandatory_policy_stops_before_anything_is_changed(stack: Deploying, production: Rendered) -> None:
    stack.declare(_changed(production, "postgres-instance", deletionProtection=False))
    stopped = stack.deploy("up", "--yes")
    assert stopped.code == 1, stopped.stdout + stopped.stderr
    assert stopped.stdout.startswith("Must not be deployed: prod (postgres-deletion-protection): ")
    assert not stack.has_plan()
    report = stack.report()
    (violation,) = report["sections"]["violations"]
    assert violation["item"]["subject"] == "postgres-deletion-protection"
    assert violation["item"]["sentences"][0] == "postgres-instance: the instance can be deleted"
    assert "errors" not in report["sections"]
    assert stack.stored("postgres-instance")["deletionProtection"] is True


def test_what_was_not_planned_is_not_applied(stack: Deploying, production: Rendered) -> None:
    stack.declare(_changed(production, "postgres-instance", backupRetentionPeriod=21))
    planned = stack.deploy("plan")
    assert planned.code == 0, planned.stdout + planned.stderr
    stack.declare(_changed(production, "postgres-instance", backupRetentionPeriod=35))
    refused = stack.deploy("apply")
    assert refused.code == 2
    assert "backupRetentionPeriod" in refused.stdout + refused.stderr
    assert stack.stored("postgres-instance")["backupRetentionPeriod"] == 14


def test_drift_is_told_with_its_resource(stack: Deploying, production: Rendered) -> None:
    stack.declare(production)
    same = stack.deploy("drift")
    assert (same.code, same.stdout) == (0, "prod is what the program declares\n"), stack.page("drift.md") + same.stderr
    stack.declare(_changed(production, "postgres-instance", backupRetentionPeriod=21))
    differs = stack.deploy("drift")
    assert differs.code == 1, differs.stdout + differs.stderr
    assert "`backupRetentionPeriod`: `14` → `21`" in stack.page("drift.md")


def test_a_destruction_is_refused_before_anything_is_deleted(stack: Deploying) -> None:
    before = {each["urn"] for each in stack.project.state()["resources"]}
    refused = stack.project.run_module("tools.deploy", "destroy", "prod", "--yes")
    assert refused.code == 1, refused.stdout + refused.stderr
    assert "so nothing was deleted:" in refused.stderr
    assert "  postgres-instance can't be deleted in AWS (postgres.deletion_protection)" in refused.stderr
    assert {each["urn"] for each in stack.project.state()["resources"]} == before


def test_what_is_not_protected_any_more_is_deleted_whole(stack: Deploying, production: Rendered) -> None:
    stack.declare(_changed(production, "postgres-instance", deletionProtection=False))
    assert stack.project.up().code == 0
    stack.project.run("state", "unprotect", "--all", "--yes")
    asked = stack.project.run_module("tools.deploy", "destroy", "prod")
    assert (asked.code, asked.stderr) == (1, "nothing was deleted; type the environment's name, or give --yes\n")
    deleted = stack.project.run_module("tools.deploy", "destroy", "prod", "--yes")
    assert deleted.code == 0, deleted.stdout + deleted.stderr
    assert [each["urn"] for each in stack.project.state().get("resources") or ()] == []
