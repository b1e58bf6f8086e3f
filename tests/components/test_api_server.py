"""What is declared for Kubernetes, put to a real API server: taken, kept as declared, and its pods admitted."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from api_server import PROGRAM, Cluster, deployed, pod_of, running

from stack.environments import deployed_environments
from stack.render import Rendered
from testing.kept import differences

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not PROGRAM.exists(), reason="NO API SERVER: make .tools/bin/api-server builds it (needs Go)"),
]
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")
# The server's own words on any headless Service.
EXPECTED = "spec.SessionAffinity is ignored for headless services"


@pytest.fixture(scope="module", params=deployed_environments())
def objects(request: pytest.FixtureRequest, rendered: Callable[[str], Rendered]) -> list[Mapping[str, Any]]:
    """An environment's objects, in the order in which they are created."""
    resources = rendered(request.param).resources
    return [deployed(resource.inputs) for resource in resources if resource.type.startswith("kubernetes:")]


@pytest.fixture(scope="module")
def cluster(objects: list[Mapping[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of each environment's own."""
    with running(tmp_path_factory.mktemp("cluster")) as server:
        yield server


def test_the_server_takes_and_keeps_everything_as_declared(cluster: Cluster, objects: list[Mapping[str, Any]]) -> None:
    faults: list[str] = []
    for manifest in objects:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        answer = cluster.apply(manifest)
        faults += [f"{name}: {warning}" for warning in answer.warnings if EXPECTED not in warning]
        if answer.refused:
            faults.append(f"{name}: {answer.refused}")
            continue
        write_only = {"stringData"}
        declared = {key: value for key, value in manifest.items() if key not in write_only}
        faults += differences(declared, answer.kept, name)
        again = cluster.apply(manifest)
        if again.kept["metadata"]["resourceVersion"] != answer.kept["metadata"]["resourceVersion"]:
            faults.append(f"{name}: the same again is a change")
    assert faults == []


def test_every_pod_is_admitted_under_the_restricted_standard(
    cluster: Cluster, objects: list[Mapping[str, Any]]
) -> None:
    pods = [pod_of(manifest) for manifest in objects if manifest["kind"] in WORKLOADS]
    answers = {pod["metadata"]["name"]: cluster.create(pod) for pod in pods}
    assert len(answers) > 20
    assert {name: (a.refused, a.warnings) for name, a in answers.items() if a.refused or a.warnings} == {}


def test_a_pod_that_could_take_the_node_is_not(cluster: Cluster, objects: list[Mapping[str, Any]]) -> None:
    pod = deployed(pod_of(next(manifest for manifest in objects if manifest["kind"] == "Deployment")))
    pod["metadata"]["name"] = "harmful"
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert 'violates PodSecurity "restricted' in cluster.create(pod).refused


def test_what_the_review_calls_a_replacement_the_server_refuses_to_change(
    cluster: Cluster, objects: list[Mapping[str, Any]]
) -> None:
    nodes = deployed(next(m for m in objects if m["kind"] == "StatefulSet" and m["metadata"]["name"] == "redis-data"))
    nodes["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "999Gi"
    assert "updates to statefulset spec" in cluster.apply(nodes).refused
