"""`make environment` makes an environment that every command knows, or nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from testing.tree import Tree, copy
from tools import environment
from tools.environment import DEPLOY, deploy_workflow, main, stack_file

pytestmark = pytest.mark.timeout(1800)  # each command renders; how long that takes is the machine's affair


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A copy of the repository in which `staging` was made from `dev`."""
    tree = copy(tmp_path_factory.mktemp("tree"))
    made = tree.run("tools.environment", "staging", "--from", "dev")
    assert made.returncode == 0, made.stderr
    assert re.search(r"simone:edge\.zone_id: is dev's", made.stdout)
    return tree


@pytest.mark.full
def test_the_new_environment_passes_the_gate(tree: Tree) -> None:
    judged = tree.run("review", "gate", "staging")
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.full
def test_its_urns_are_pinned_and_the_generated_pages_know_it(tree: Tree) -> None:
    pinned = (tree.root / "tests/components/pinned/staging.txt").read_text().splitlines()
    assert all(urn.startswith("urn:pulumi:staging::") for urn in pinned)
    assert len(pinned) == len((tree.root / "tests/components/pinned/dev.txt").read_text().splitlines())
    assert tree.run("tools.docs", "--check").returncode == 0
    assert ", staging: " in (tree.root / "docs/policies.md").read_text()


@pytest.mark.full
def test_nothing_of_it_is_named_after_the_environment_that_it_was_made_from(tree: Tree) -> None:
    previewed = tree.run("review", "preview", "staging", "--format", "json")
    assert previewed.returncode == 0, previewed.stderr
    assert "simone-staging-redis-backups" in previewed.stdout
    # The account's ids, which nobody can make up, are in capitals.
    assert not re.search(r"[^\n]{0,60}(?<![\w/])dev(?![\w/])[^\n]{0,60}", previewed.stdout)


@pytest.mark.full
def test_a_deployment_that_would_overwrite_another_environment_is_refused(tree: Tree) -> None:
    planned = tree.run("tools.deploy", "plan", "staging")
    assert planned.returncode == 2
    assert "simone:edge.zone_id is dev's" in planned.stderr
    assert "simone:aws.oidc_provider_arn with simone:namespace is dev's" in planned.stderr


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("Staging", "dev", "NAME is 'Staging': must match [a-z][a-z0-9-]{1,15}"),
        ("../x", "dev", "NAME is '../x': must match"),
        ("", "dev", "NAME is '': must match"),
        ("dev", "prod", "there is an environment 'dev' already"),
        ("staging", "deev", "FROM is 'deev', which is no environment; there are: dev, prod"),
        ("staging", "", "FROM is '', which is no environment"),
        ("staging", "local", "FROM is local, which runs on this machine"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(name: str, source: str, message: str) -> None:
    command = typer.Typer()
    command.command()(main)
    refused = CliRunner().invoke(command, [name, "--from", source])
    assert refused.exit_code == 2
    assert message in refused.output
    assert not (environment.ROOT / "Pulumi.staging.yaml").exists()


def jobs(workflow: str) -> dict[str, Any]:
    return {name: job.get("needs") for name, job in yaml.safe_load(workflow)["jobs"].items()}


@pytest.mark.parametrize("source", ["dev", "prod"])
def test_it_is_deployed_between_the_environments_that_are_there_and_production_stays_last(source: str) -> None:
    assert jobs(deploy_workflow(DEPLOY.read_text(), "staging", source)) == {
        "plan-dev": None,
        "apply-dev": "plan-dev",
        "plan-staging": "apply-dev",
        "apply-staging": "plan-staging",
        "plan-prod": "apply-staging",
        "apply-prod": "plan-prod",
    }


def test_an_environment_that_the_workflow_does_not_deploy_changes_nothing_there() -> None:
    assert deploy_workflow(DEPLOY.read_text(), "mine", "yours") == DEPLOY.read_text()


def test_what_only_the_other_stack_can_decrypt_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    given = Path("Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "encryptionsalt: v1:c2FsdA==\n"
        + given
        + "  cloudflare:apiToken:\n    secure: djEtYQ==\n  simone:secrets:\n    redis:\n      app: {secure: djEtYg==}\n"
    )
    assert yaml.safe_load(stack_file("staging", "dev")) == yaml.safe_load(
        given.replace("environment: dev", "environment: staging")
        .replace("simone-dev-", "simone-staging-")
        .replace("simone-webshop-dev.", "simone-webshop-staging.")
    )


def test_a_host_that_is_not_named_after_its_environment_gets_the_new_name(tmp_path: Path) -> None:
    edge = yaml.safe_load(stack_file("staging", "prod"))["config"]["simone:edge"]
    assert edge["hostname"] == "www.staging.simone-webshop.com"
    assert edge["load_balancing"]["origins"]["eu"] == ["origin-eu.staging.simone-webshop.com"]
