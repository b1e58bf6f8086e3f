"""A real Kubernetes API server (tools/api_server): it checks, admits and keeps objects, and runs nothing."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from stack.environments import ROOT
from stack.values import UNKNOWN
from testing.servers import process
from testing.waits import PATIENCE, eventually, free_port

PROGRAM = ROOT / ".tools" / "bin" / "api-server"


@contextmanager
def running(directory: Path) -> "Generator[Cluster]":
    """A server of its own with an empty store in `directory`."""
    ports = [str(free_port()) for _ in range(3)]
    client = httpx.Client(
        base_url=f"https://127.0.0.1:{ports[0]}",
        headers={"Authorization": "Bearer admin"},
        verify=False,
        timeout=PATIENCE,
    )
    with process([str(PROGRAM), str(directory), *ports], {}, directory / "log"), client:
        eventually(lambda: client.get("/readyz").is_success, "the API server is ready")
        yield Cluster(client)


@dataclass(frozen=True)
class ApplyResult:
    """What the server says to an object: the object as it is kept, or why it is refused; and its warnings."""

    kept: Mapping[str, Any]
    refused: str
    warnings: tuple[str, ...]


class Cluster:
    """The server's API, as the Pulumi provider uses it: server-side apply with strict fields."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._resources: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def apply(self, manifest: Mapping[str, Any]) -> ApplyResult:
        """Create or change an object."""
        parameters = {"fieldManager": "pulumi-kubernetes", "fieldValidation": "Strict"}
        return _answer(
            self._client.patch(
                f"{self._path(manifest)}/{manifest['metadata']['name']}",
                params=parameters,
                json=manifest,
                headers={"Content-Type": "application/apply-patch+yaml"},
            )
        )

    def create(self, manifest: Mapping[str, Any]) -> ApplyResult:
        """Create an object, as the cluster's controllers create pods."""
        return _answer(self._client.post(self._path(manifest), params={"fieldValidation": "Strict"}, json=manifest))

    def _path(self, manifest: Mapping[str, Any]) -> str:
        version, kind = manifest["apiVersion"], manifest["kind"]
        base = "/api/v1" if version == "v1" else f"/apis/{version}"
        if base not in self._resources:
            listed = self._client.get(base).raise_for_status().json()["resources"]
            self._resources[base] = {
                each["kind"]: (each["name"], each["namespaced"]) for each in listed if "/" not in each["name"]
            }
        plural, namespaced = self._resources[base][kind]
        return f"{base}/namespaces/{manifest['metadata']['namespace']}/{plural}" if namespaced else f"{base}/{plural}"


def _answer(response: httpx.Response) -> ApplyResult:
    warnings = tuple(response.headers.get_list("warning"))
    if response.is_success:
        return ApplyResult(response.json(), "", warnings)
    return ApplyResult({}, response.json()["message"], warnings)


def deployed(value: Any) -> Any:
    """A rendered value with what is known only after a deployment filled in."""
    if isinstance(value, Mapping):
        return {key: deployed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [deployed(item) for item in value]
    return value.replace(UNKNOWN, "later.example.com") if isinstance(value, str) else value


def pod_of(workload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first pod that a workload's controller would create."""
    spec = workload["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    name, namespace = workload["metadata"]["name"], workload["metadata"]["namespace"]
    claims = [
        {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-0"}}
        for claim in spec.get("volumeClaimTemplates", ())
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": f"{name}-first", "namespace": namespace},
        "spec": {**template["spec"], "volumes": [*template["spec"].get("volumes", ()), *claims]},
    }
