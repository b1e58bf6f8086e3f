"""A real Kubernetes API server (tools/api_server): it checks, admits and keeps objects, and runs nothing."""

import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from stack.environments import ROOT
from stack.values import UNKNOWN

PROGRAM = ROOT / ".tools" / "bin" / "api-server"
PATIENCE = 90
"""Seconds for the server to be ready."""


def _free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running(directory: Path) -> "Generator[Cluster]":
    """A server of its own with an empty store in `directory`."""
    ports = _free_ports(3)
    with (directory / "log").open("w") as log, subprocess.Popen([PROGRAM, directory, *ports], stderr=log) as server:
        try:
            client = httpx.Client(
                base_url=f"https://127.0.0.1:{ports[0]}",
                headers={"Authorization": "Bearer admin"},
                verify=False,
                timeout=30,
            )
            cluster = Cluster(client)
            cluster.wait(time.monotonic() + PATIENCE)
            yield cluster
        finally:
            server.terminate()


@dataclass(frozen=True)
class Answer:
    """What the server says to an object: the object as it is kept, or why it is refused; and its warnings."""

    kept: Mapping[str, Any]
    refused: str
    warnings: tuple[str, ...]


class Cluster:
    """The server's API, as the Pulumi provider uses it: server-side apply with strict fields."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._resources: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def wait(self, deadline: float) -> None:
        """Until it is ready."""
        while True:
            try:
                if self._client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "the API server isn't ready"
            time.sleep(0.2)

    def apply(self, manifest: Mapping[str, Any]) -> Answer:
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

    def create(self, manifest: Mapping[str, Any]) -> Answer:
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


def _answer(response: httpx.Response) -> Answer:
    warnings = tuple(response.headers.get_list("warning"))
    if response.is_success:
        return Answer(response.json(), "", warnings)
    return Answer({}, response.json()["message"], warnings)


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
