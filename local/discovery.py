"""Prometheus's targets as the cluster's API would give them: the same targets with the same `__meta_kubernetes_*`
labels.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from local.plan import PlannedPod

FILE_NAME = "pods.json"


def _label(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def targets(pods: Iterable[PlannedPod], namespace: str) -> list[dict[str, object]]:
    """One target per declared container port, as `kubernetes_sd_configs` with role `pod` makes them."""
    found: list[dict[str, object]] = []
    for pod in pods:
        common = {
            "__meta_kubernetes_namespace": namespace,
            "__meta_kubernetes_pod_name": pod.name,
            "__meta_kubernetes_pod_ip": pod.pod.address,
            "__meta_kubernetes_pod_host_ip": pod.pod.address,
            "__meta_kubernetes_pod_node_name": pod.name,
            "__meta_kubernetes_pod_phase": "Running",
            "__meta_kubernetes_pod_ready": "true",
            "__meta_kubernetes_pod_controller_kind": pod.kind,
            "__meta_kubernetes_pod_controller_name": pod.workload,
        }
        for kind, texts in (("label", pod.labels), ("annotation", pod.annotations)):
            for name, value in texts.items():
                common[f"__meta_kubernetes_pod_{kind}_{_label(name)}"] = value
                common[f"__meta_kubernetes_pod_{kind}present_{_label(name)}"] = "true"
        for container, port_name, number in pod.ports:
            labels = {
                **common,
                "__meta_kubernetes_pod_container_name": container,
                "__meta_kubernetes_pod_container_port_name": port_name,
                "__meta_kubernetes_pod_container_port_number": str(number),
                "__meta_kubernetes_pod_container_port_protocol": "TCP",
            }
            found.append({"targets": [f"{pod.pod.address}:{number}"], "labels": labels})
    return found


def write(directory: Path, pods: Iterable[PlannedPod], namespace: str) -> None:
    """Write the targets where the Prometheus pod finds them; an unchanged file stays untouched."""
    text = json.dumps(targets(pods, namespace), indent=1, sort_keys=True)
    file = directory / FILE_NAME
    if not file.exists() or file.read_text() != text:
        new = file.with_suffix(".new")
        new.write_text(text)
        new.replace(file)
