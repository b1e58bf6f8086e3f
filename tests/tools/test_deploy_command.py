"""`make deploy` refuses, before anything is asked of a cloud, what can't be meant."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools import deploy
from tools.deploy import app


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ("local", "local is this machine's, and `make up` runs it; what can be deployed: dev, prod"),
        ("prodd", "there is no environment 'prodd'; there are: dev, prod"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "apply", "up", "drift"])
def test_an_environment_that_cannot_be_deployed_is_refused(command: str, environment: str, message: str) -> None:
    result = CliRunner().invoke(app, [command, environment])
    assert result.exit_code == 2
    assert message in result.output


def test_without_the_pulumi_cli_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = CliRunner().invoke(app, ["drift", "dev", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "the Pulumi CLI isn't on PATH" in result.output


def test_the_question_names_the_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho of-another-project\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert deploy.cluster_of("prod") == "kubectl's current cluster of-another-project"
    monkeypatch.setattr(deploy, "stack_config", lambda _: {"kubernetes:context": "shop"})
    assert deploy.cluster_of("prod") == "the cluster shop"
