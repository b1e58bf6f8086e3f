"""What others' tools say: checkov and actionlint of manifests and workflows, hadolint of the Dockerfiles."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from terraform import as_terraform

from stack.render import Rendered
from tools.images import ROOT, dockerfiles

ADVICE = ROOT / ".tools" / "advice" / "bin"
ACTIONLINT = shutil.which("actionlint") or ROOT / ".tools" / "bin" / "actionlint"
WORKFLOWS = ROOT / ".github" / "workflows"
pytestmark = pytest.mark.skipif(
    not (ADVICE / "shellcheck").exists(), reason="checkov and hadolint aren't installed: make .tools/advice/installed"
)
needs_actionlint = pytest.mark.skipif(
    not Path(ACTIONLINT).exists(), reason="NO ACTIONLINT: make .tools/bin/actionlint builds it (needs Go)"
)

# What we do otherwise than checkov advises, with the reason.
EXCEPTIONS = {
    "CKV_K8S_11": "no CPU limits by default: they throttle latency on an idle node (components/settings/pods.py)",
    "CKV_K8S_15": "images have fixed versions or digests, so IfNotPresent pulls the same and survives a lost registry",
    "CKV_K8S_35": "redis-cli and the Redis exporter take a password from their environment only, here by secretKeyRef",
    "CKV_K8S_38": "Prometheus discovers pods through the cluster's API, with a role that may only read them",
    "CKV_K8S_40": "the official images' own users: 999 in redis, 472 in grafana; their files belong to these",
    "CKV_K8S_43": "digests are pinned by the images workflow (simone:images.digests); official images by version",
}


AWS_EXCEPTIONS = {
    "CKV_AWS_18": "one role reads and writes the backups; who did is in the account's CloudTrail",
    "CKV_AWS_144": "backups of caches, and of sessions, which Postgres has too: another region is for the database's",
    "CKV_AWS_300": "it is set, in the rule for the prefix that backups are written to; the check wants none",
    "CKV_AWS_338": "how long Postgres's log is kept is a setting, 30 days: a year of it is personal data at a price",
    "CKV2_AWS_57": "passwords are set by the program, and replaced by `make rotate`",
    "CKV2_AWS_62": "nobody listens: the backup exporter looks at the bucket itself",
}


def _judge(report: Mapping[str, Any], exceptions: Mapping[str, str]) -> None:
    """Nothing is found but what is explained, and every explanation is needed."""
    found: dict[str, list[str]] = defaultdict(list)
    for failure in report["results"]["failed_checks"]:
        found[f"{failure['check_id']} {failure['check_name']}"].append(failure["resource"])
    unexplained = {check: where for check, where in found.items() if check.split(" ")[0] not in exceptions}
    assert unexplained == {}
    unused = set(exceptions) - {check.split(" ")[0] for check in found}
    assert unused == set(), "an exception that nothing needs any more"


@pytest.mark.full
def test_checkov_finds_nothing_but_the_explained(rendered: Callable[[str], Rendered], tmp_path: Path) -> None:
    for resource in rendered("prod").resources:
        if resource.type.startswith("kubernetes:"):
            (tmp_path / f"{resource.name}.yaml").write_text(yaml.safe_dump(dict(resource.inputs)))
    _judge(_checkov(tmp_path, "kubernetes"), EXCEPTIONS)


@pytest.mark.full
def test_checkov_finds_nothing_in_aws_but_the_explained(rendered: Callable[[str], Rendered], tmp_path: Path) -> None:
    (tmp_path / "main.tf.json").write_text(json.dumps(as_terraform(rendered("prod").resources)))
    _judge(_checkov(tmp_path, "terraform_json"), AWS_EXCEPTIONS)


def _checkov(directory: Path, framework: str) -> dict[str, Any]:
    command = [ADVICE / "checkov", "--directory", directory, "--framework", framework, "--skip-download"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    return report


@pytest.mark.full
def test_checkov_finds_nothing_in_the_workflows() -> None:
    assert _checkov(WORKFLOWS, "github_actions")["results"]["failed_checks"] == []


def _actionlint(*files: Path) -> str:
    done = subprocess.run(
        [ACTIONLINT, "-no-color", "-oneline", "-shellcheck", ADVICE / "shellcheck", "-pyflakes", "", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@needs_actionlint
def test_actionlint_finds_nothing() -> None:
    assert _actionlint(*sorted(WORKFLOWS.glob("*.yml"))) == ""


@needs_actionlint
@pytest.mark.parametrize(
    ("workflow", "old", "new", "finding"),
    [
        ("images.yml", "steps.build.outputs.digest", "steps.built.outputs.digest", "is not defined"),
        ("comment.yml", "pull-requests: write", "pull-request: write", "unknown permission scope"),
        ("deploy.yml", "needs: plan-dev", "needs: plan-def", "does not exist"),
        ("plan.yml", 'pulumi login "$STATE"', "pulumi login $STATE", "SC2086"),
        ("drift.yml", "17 3 * * *", "17 3 * *", "invalid CRON"),
    ],
)
def test_actionlint_sees_a_broken_workflow(workflow: str, old: str, new: str, finding: str, tmp_path: Path) -> None:
    text = (WORKFLOWS / workflow).read_text()
    assert old in text
    copies = tmp_path / ".github" / "workflows"
    shutil.copytree(WORKFLOWS, copies)
    (copies / workflow).write_text(text.replace(old, new))
    assert finding in _actionlint(copies / workflow)


def test_actions_are_pinned_by_digest() -> None:
    loose: set[str] = set()
    for path in WORKFLOWS.glob("*.yml"):
        for line in path.read_text().splitlines():
            action = line.partition("uses:")[2].split("#")[0].strip()
            if action and not action.startswith("./") and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action):
                loose.add(action)
    assert loose == set()


@pytest.mark.parametrize("path", dockerfiles().values(), ids=dockerfiles().keys())
def test_hadolint_finds_nothing(path: Path) -> None:
    done = subprocess.run([ADVICE / "hadolint", path], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_every_image_of_ours_that_is_declared_has_a_dockerfile(rendered: Callable[[str], Rendered]) -> None:
    text = json.dumps([resource.inputs for resource in rendered("prod").resources])
    registry = "dkr.ecr.eu-central-1.amazonaws.com/simone/"
    declared = {part.split(":")[0] for part in text.split(registry)[1:]}
    assert declared
    assert declared <= dockerfiles().keys()
