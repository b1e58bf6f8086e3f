"""The stack on a real Kubernetes: all of it ready, kept as declared, and nothing to do for a second deployment."""

import base64
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from running_cluster import Cluster, is_ready

from cluster import stack
from stack.environments import ROOT
from testing.kept import differences

# What the API server changes by itself in what it is given.
WRITE_ONLY = {"stringData"}


def test_every_pod_is_ready_and_none_has_restarted(cluster: Cluster) -> None:
    waiting = [pod["metadata"]["name"] for pod in cluster.pods() if not is_ready(pod)]
    assert (waiting, cluster.restarts()) == ([], {})


def test_nothing_is_pending_or_refused(cluster: Cluster) -> None:
    """Quota, Pod Security and scheduling stop a pod before it is one: it is missing, and an event says why."""
    refused = [
        f"{event['involvedObject']['name']}: {event['message']}"
        for event in cluster.items("events", "--field-selector=type=Warning")
        if event["reason"] in ("FailedCreate", "FailedScheduling", "FailedMount", "FailedAttachVolume")
        and "failed to sync" not in event["message"]  # a kubelet that is still fetching it tries again
    ]
    claims = [claim["metadata"]["name"] for claim in cluster.items("pvc") if claim["status"]["phase"] != "Bound"]
    assert (refused, claims) == ([], [])


def test_each_job_succeeds_at_its_first_try(cluster: Cluster) -> None:
    jobs = [job for job in cluster.items("jobs") if not job["metadata"].get("ownerReferences")]
    assert jobs
    tried = {job["metadata"]["name"]: (job["status"].get("succeeded"), job["status"].get("failed", 0)) for job in jobs}
    assert set(tried.values()) == {(1, 0)}, tried


def test_what_is_kept_is_what_the_offline_render_declares(own_nodes: Cluster) -> None:
    faults: list[str] = []
    for resource in stack.declared().resources:
        if not resource.type.startswith("kubernetes:"):
            continue
        manifest = _given(resource.inputs)
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        kept = own_nodes.get(manifest["kind"], manifest["metadata"]["name"])
        faults += differences({key: value for key, value in manifest.items() if key not in WRITE_ONLY}, kept, name)
        for key, text in (manifest.get("stringData") or {}).items():
            if base64.b64decode(kept["data"][key]).decode() != text:
                faults.append(f"{name}.stringData.{key} is kept as another")
    assert faults == []


def _given(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A manifest without what the Pulumi provider keeps to itself."""
    metadata = {key: value for key, value in inputs["metadata"].items() if key != "annotations"}
    return {**inputs, "metadata": metadata}


def test_make_cluster_finds_nothing_to_do(own_nodes: Cluster) -> None:
    own_nodes.settled()
    done = subprocess.run(
        [sys.executable, "-m", "cluster", "up"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(done.stdout.strip().splitlines()[-1])
    assert (done.returncode, "nothing to do" in done.stderr) == (0, True), done.stderr


def test_a_second_deployment_and_a_refresh_find_nothing_to_do(own_nodes: Cluster) -> None:
    project = stack.project()
    for arguments in (
        ("preview", "--expect-no-changes"),
        ("up", "--yes", "--skip-preview", "--expect-no-changes"),
        ("refresh", "--yes", "--skip-preview", "--expect-no-changes"),
    ):
        result = project.run(*arguments)
        assert result.code == 0, f"pulumi {arguments[0]}: {result.stdout[-3000:]}{result.stderr[-1000:]}"
