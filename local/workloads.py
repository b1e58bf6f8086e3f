"""The workloads of a rendered stack: each one's pod template, and its replicas' names, addresses and labels.

Every pod has a loopback address of its own.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stack.resource import Resource

BATCH = ("Job", "CronJob")
SERVERS = ("StatefulSet", "Deployment", "DaemonSet")
DEFAULT_RETRIES = 6  # a Job's backoffLimit where it says none (Kubernetes API reference, JobSpec)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A pod template with its replicas' addresses by name. `claims`: its volume claim templates' names."""

    urn: str
    kind: str
    name: str
    template: Mapping[str, Any]
    claims: tuple[str, ...]
    addresses: Mapping[str, str]
    retries: int = 0
    governing: str = ""  # the headless Service of a StatefulSet, under which its pods have names

    @property
    def pod(self) -> Mapping[str, Any]:
        """The pod's spec, the same for each replica."""
        return self.template["spec"]

    @property
    def ports(self) -> tuple[tuple[str, str, int], ...]:
        """Container, port name and number of each port that its containers declare."""
        return tuple(
            (container["name"], port.get("name") or "", int(port["containerPort"]))
            for container in self.pod["containers"]
            for port in container.get("ports") or []
        )

    def metadata(self, what: str) -> dict[str, str]:
        """The template's `labels` or `annotations`."""
        return dict((self.template.get("metadata") or {}).get(what) or {})

    def labels(self, pod: str) -> dict[str, str]:
        """A replica's labels, with the one that the StatefulSet controller adds."""
        own = {"statefulset.kubernetes.io/pod-name": pod} if self.kind == "StatefulSet" else {}
        return self.metadata("labels") | own


def distinct_number(name: str, taken: set[int], lowest: int, highest: int) -> int:
    """A number for a name, added to `taken`: the same in every run, unless two names collide."""
    span = highest - lowest + 1
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % span
    while lowest + number in taken:
        number = (number + 1) % span
    taken.add(lowest + number)
    return lowest + number


def workloads(kubernetes: Sequence[Resource]) -> list[Workload]:
    """Every workload among the stack's Kubernetes resources, in the stack's order."""
    declared = [each for each in kubernetes if each.is_workload]
    taken: set[int] = set()
    # A Job's name changes with what it runs: it takes nobody's address.
    in_order = sorted(declared, key=lambda each: (each.kind in BATCH, each.kind, each.object_name))
    networks = {each.urn: distinct_number(f"{each.kind}/{each.object_name}", taken, 10, 249) for each in in_order}
    minimum = {
        each.get("spec", "scaleTargetRef", "name"): int(each.get("spec", "minReplicas") or 1)
        for each in kubernetes
        if each.kind == "HorizontalPodAutoscaler"
    }
    return [_workload(each, networks[each.urn], minimum) for each in declared]


def _workload(resource: Resource, network: int, minimum: Mapping[str, int]) -> Workload:
    name, spec = resource.object_name, resource.inputs["spec"]
    if resource.kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    replicas = spec.get("replicas")
    number = int(minimum.get(name, 1) if replicas is None else replicas)
    names = [name] if resource.kind in BATCH else [f"{name}-{each}" for each in range(number)]
    return Workload(
        urn=resource.urn,
        kind=resource.kind,
        name=name,
        template=spec["template"],
        claims=tuple(claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or []),
        addresses={each: f"127.0.{network}.{position}" for position, each in enumerate(names, 1)},
        governing=spec.get("serviceName") or "",
        retries=int(spec.get("backoffLimit", DEFAULT_RETRIES)) if resource.kind in BATCH else 0,
    )
