"""Nothing names the environments by hand: a new stack file is enough."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stack import environments
from stack.environments import ROOT, RenderError, deployed_environments, stack_config
from tools.deploy import app


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one environment more."""
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    shutil.copy(tmp_path / "Pulumi.dev.yaml", tmp_path / "Pulumi.staging.yaml")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    return tmp_path


def test_those_with_a_stand_in_for_aws_are_not_deployed() -> None:
    assert "local" not in deployed_environments()
    assert {"dev", "prod"} <= set(deployed_environments())


def test_a_new_stack_file_is_deployed_and_looked_at_every_night(staging: Path) -> None:
    assert '"staging"' in CliRunner().invoke(app, ["list"]).stdout


def test_a_broken_stack_file_is_not_left_out(staging: Path) -> None:
    (staging / "Pulumi.staging.yaml").write_text("config: [")
    assert "staging" in deployed_environments()
    with pytest.raises(RenderError, match=r"Pulumi\.staging\.yaml is not valid YAML"):
        stack_config("staging")


def test_the_nightly_workflow_asks_for_the_environments() -> None:
    text = (ROOT / ".github" / "workflows" / "drift.yml").read_text()
    assert not re.findall(r"\b(?:dev|prod)\b", text)
