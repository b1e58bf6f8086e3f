"""`make rotate` with the real Pulumi CLI: each step is written, deployed and then followed by the next.

What deploys is a stand-in that puts the stack file's steps into the state's outputs.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from stack import environments
from tools import deploy, rotate
from tools.engine import build

ENVIRONMENT = "try"
COMMAND = typer.Typer()
COMMAND.command()(rotate.main)


@dataclass
class Project:
    """A Pulumi project of its own, with a stack and two secrets."""

    directory: Path
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """At each deployment: how far redis.app is, and its two values."""
    fails: Callable[[int], bool] = lambda _: False
    """Whether the deployment of this number comes to nothing."""

    def pulumi(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            ["pulumi", *arguments], input=given, capture_output=True, text=True, check=True, cwd=self.directory
        )
        return done.stdout

    def secrets(self) -> dict[str, Any]:
        shown = self.pulumi("config", "--stack", ENVIRONMENT, "--show-secrets", "--json")
        return json.loads(json.loads(shown)["simone:secrets"]["value"])

    def up(self, environment: str, *, yes: bool) -> None:
        assert (environment, yes) == (ENVIRONMENT, True)
        secrets = self.secrets()["redis"]
        rotation = secrets.get("rotation", {}).get("app", {})
        self.seen.append((rotation.get("accepted", "main"), secrets["app"], rotation.get("alternate", "")))
        if self.fails(len(self.seen)):
            raise typer.Exit(2)
        state = json.loads(self.pulumi("stack", "export", "--stack", ENVIRONMENT))
        stack = f"urn:pulumi:{ENVIRONMENT}::simone::pulumi:pulumi:Stack::simone-{ENVIRONMENT}"
        outputs = {"rotations": json.dumps({"redis.app": self.seen[-1][0]})}
        state["deployment"]["resources"] = [{"urn": stack, "type": "pulumi:pulumi:Stack", "outputs": outputs}]
        self.pulumi("stack", "import", "--stack", ENVIRONMENT, given=json.dumps(state))

    def rotate(self, *arguments: str) -> Result:
        return CliRunner().invoke(COMMAND, [ENVIRONMENT, *arguments])

    @property
    def steps(self) -> list[str]:
        return [step for step, _, _ in self.seen]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    program = build.find()
    assert program is not None
    monkeypatch.setenv("PATH", f"{program.parent}:{Path('/usr/bin')}:{Path('/bin')}")
    for name in ("state", "home", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'state'}")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of the tests")
    made = Project(tmp_path / "project")
    (made.directory / "Pulumi.yaml").write_text("name: simone\nruntime: python\nconfig: {}\n")
    monkeypatch.setattr(environments, "ROOT", made.directory)
    monkeypatch.chdir(made.directory)
    made.pulumi("stack", "init", ENVIRONMENT)
    for name in ("redis.app", "postgres.owner"):
        key = f"simone:secrets.{name}"
        made.pulumi("config", "set", "--stack", ENVIRONMENT, "--secret", "--path", key, given="the-first-value-of-it")
    monkeypatch.setattr(deploy, "up", made.up)
    monkeypatch.setattr(deploy, "wait_for_roll_out", lambda environment: None)
    return made


@pytest.mark.full
def test_three_deployments_replace_a_secret_and_three_more_replace_it_again(project: Project) -> None:
    for first, second in (("main", "alternate"), ("alternate", "main")):
        done = project.rotate("redis.app", "--yes")
        assert done.exit_code == 0, done.output
        assert project.steps == [f"{first} then {second}", f"{second} after {first}", second]
        values = {(main, other) for _, main, other in project.seen}
        assert len(values) == 1, "the new value is made once"
        project.seen.clear()
        written = (project.directory / f"Pulumi.{ENVIRONMENT}.yaml").read_text()
        assert not [value for value in values.pop() if value in done.output + written], (
            "no value is to be read anywhere"
        )
    secrets = project.secrets()["redis"]
    assert len({secrets["app"], secrets["rotation"]["app"]["alternate"], "the-first-value-of-it"}) == 3


@pytest.mark.parametrize(
    "number", [pytest.param(1, marks=pytest.mark.full), 2, pytest.param(3, marks=pytest.mark.full)]
)
def test_a_deployment_that_fails_is_done_again_before_the_next_step(project: Project, number: int) -> None:
    project.fails = lambda deployment: deployment == number
    failed = project.rotate("redis.app", "--yes")
    assert failed.exit_code == 2
    went_on = project.rotate("redis.app", "--yes")
    assert went_on.exit_code == 0, went_on.output
    steps = ["main then alternate", "alternate after main", "alternate"]
    assert project.steps == [*steps[:number], *steps[number - 1 :]]
    assert len({(main, other) for _, main, other in project.seen}) == 1


def test_one_step_at_a_time_waits_until_the_one_before_is_deployed(project: Project) -> None:
    assert project.rotate("redis.app", "--step").exit_code == 0
    early = project.rotate("redis.app", "--step")
    assert early.exit_code == 2
    assert "isn't deployed yet (redis.app: main then alternate): deploy it" in early.output
    said: list[str] = []
    for _ in range(2):
        project.up(ENVIRONMENT, yes=True)
        said.append(project.rotate("redis.app", "--step").output)
    assert project.steps == ["main then alternate", "alternate after main"]
    assert "then run this again" in said[0]
    assert "that was the last step" in said[1]


def test_what_nobody_else_shows_is_replaced_at_once(project: Project) -> None:
    done = project.rotate("postgres.owner", "--yes")
    assert done.exit_code == 0, done.output
    assert project.secrets()["postgres"]["owner"] != "the-first-value-of-it"
    assert len(project.seen) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["redis.ap"], "redis.ap isn't made here (redis.app, "),
        (["api.cloudflare_token"], "then revoke the old value where it was given out"),
        (["postgres.owner", "redis.app"], "postgres.owner takes one deployment and the others three"),
    ],
)
def test_what_cannot_be_replaced_so_is_told_what_to_do(project: Project, arguments: list[str], said: str) -> None:
    refused = project.rotate(*arguments, "--yes")
    assert refused.exit_code == 2
    assert said in re.sub(r"\s+", " ", refused.output)
    assert not project.seen


def test_secrets_at_different_steps_are_refused(project: Project) -> None:
    assert project.rotate("redis.app", "--step").exit_code == 0
    refused = project.rotate("redis.app", "postgres.app", "--yes")
    assert refused.exit_code == 2
    assert "aren't at the same step (redis.app: main then alternate, postgres.app: main)" in refused.output


def test_how_far_each_is_needs_no_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.rotate("redis.app", "--step").exit_code == 0
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert "redis.app: main then alternate\n" in project.rotate().output
    assert "redis.exporter: main\n" in project.rotate().output
