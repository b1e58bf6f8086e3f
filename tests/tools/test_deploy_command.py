"""`make deploy` refuses, before anything is asked of a cloud, what can't be meant."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

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


KUBECTL = """#!/bin/sh
printf '%s\\n' "$*"
case $* in *late*) exit 1 ;; esac
"""
PULUMI = """#!/bin/sh
case $2 in export) cat "$STATE" ;; esac
"""


def applied(monkeypatch: pytest.MonkeyPatch, directory: Path, *names: str) -> Result:
    """`apply` of a stack of Deployments with these names, by command-line tools that do nothing."""
    resources = [
        {"type": "kubernetes:apps/v1:Deployment", "outputs": {"metadata": {"name": name, "namespace": "shop"}}}
        for name in names
    ]
    resources.append({"type": "aws:s3/bucket:Bucket", "outputs": {}})
    (directory / "state.json").write_text(json.dumps({"deployment": {"resources": resources}}))
    (directory / "plan.json").write_text("{}")
    for name, script in (("kubectl", KUBECTL), ("pulumi", PULUMI)):
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/bin")
    monkeypatch.setenv("STATE", str(directory / "state.json"))
    return CliRunner().invoke(app, ["apply", "dev", "--out", str(directory)])


def test_a_deployment_ends_when_every_workload_has_rolled_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert applied(monkeypatch, tmp_path, "api", "storefront").exit_code == 0
    told = capfd.readouterr().out
    assert "-n shop rollout status deployment/api --timeout=15m" in told
    assert "-n shop rollout status deployment/storefront --timeout=15m" in told


def test_a_workload_that_does_not_roll_out_fails_the_deployment_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = applied(monkeypatch, tmp_path, "api", "late")
    assert result.exit_code == 2
    assert "dev is applied, but these have not rolled out: deployment/late" in result.output


def test_nothing_is_applied_whose_roll_out_nobody_could_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    monkeypatch.setenv("PATH", "/nowhere")
    result = CliRunner().invoke(app, ["apply", "dev", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "kubectl isn't on PATH" in result.output
    assert (tmp_path / "plan.json").exists()


def test_the_question_names_the_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho of-another-project\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert deploy.cluster_of("prod") == "kubectl's current cluster of-another-project"
    monkeypatch.setattr(deploy, "stack_config", lambda _: {"kubernetes:context": "shop"})
    assert deploy.cluster_of("prod") == "the cluster shop"
