"""What others' tools say of what we declare: checkov of the manifests, hadolint of the Dockerfiles."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from review.render import Rendered
from tools.images import ROOT, dockerfiles

ADVICE = ROOT / ".tools" / "advice" / "bin"
pytestmark = pytest.mark.skipif(
    not (ADVICE / "checkov").exists(), reason="checkov and hadolint aren't installed: make .tools/advice/installed"
)

# What we do otherwise than checkov advises, with the reason.
EXCEPTIONS = {
    "CKV_K8S_11": "no CPU limits by default: they throttle latency on an idle node (components/workload.py, Resources)",
    "CKV_K8S_15": "images have fixed versions or digests, so IfNotPresent pulls the same and survives a lost registry",
    "CKV_K8S_35": "redis-cli and the Redis exporter take a password from their environment only, here by secretKeyRef",
    "CKV_K8S_38": "Prometheus discovers pods through the cluster's API, with a role that may only read them",
    "CKV_K8S_40": "the official images' own users: 999 in redis, 472 in grafana; their files belong to these",
    "CKV_K8S_43": "digests are pinned by the images workflow (simone:images.digests); official images by version",
}


def test_checkov_finds_nothing_but_the_explained(rendered: Callable[[str], Rendered], tmp_path: Path) -> None:
    for resource in rendered("prod").resources:
        if resource.type.startswith("kubernetes:"):
            (tmp_path / f"{resource.name}.yaml").write_text(yaml.safe_dump(dict(resource.inputs)))
    command = [ADVICE / "checkov", "--directory", tmp_path, "--framework", "kubernetes", "--compact", "--quiet"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    found: dict[str, list[str]] = defaultdict(list)
    for failure in report["results"]["failed_checks"]:
        found[f"{failure['check_id']} {failure['check_name']}"].append(failure["resource"])
    unexplained = {check: where for check, where in found.items() if check.split(" ")[0] not in EXCEPTIONS}
    assert unexplained == {}
    unused = set(EXCEPTIONS) - {check.split(" ")[0] for check in found}
    assert unused == set(), "an exception that nothing needs any more"


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
