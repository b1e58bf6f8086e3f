"""The Services of a rendered stack: where each one answers, and how pods find it.

A Service of several pods, or of a Deployment, is on 127.0.0.1 behind a balancer; one of a named pod is that pod's
address.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.problem import Problem
from local.workloads import SERVERS, Workload, distinct_number
from stack.resource import Resource

SERVICE_ADDRESS = "127.0.0.1"
_NAMED_POD = "statefulset.kubernetes.io/pod-name"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A Service: where it answers and the pods behind it. `balanced`: through the balancer."""

    name: str
    address: str
    ports: tuple[tuple[str, int, int], ...]  # name, port, port on the pods
    pods: tuple[str, ...]
    balanced: bool

    def variables(self) -> dict[str, str]:
        """The variables that the kubelet gives every pod of the namespace for this Service."""
        if not self.ports:
            return {}
        prefix = self.name.upper().replace("-", "_")
        first = self.ports[0][1]
        found = {
            f"{prefix}_SERVICE_HOST": self.address,
            f"{prefix}_SERVICE_PORT": str(first),
            f"{prefix}_PORT": f"tcp://{self.address}:{first}",
        }
        for name, port, _ in self.ports:
            if name:
                found[f"{prefix}_SERVICE_PORT_{name.upper().replace('-', '_')}"] = str(port)
            link = f"{prefix}_PORT_{port}_TCP"
            found |= {
                link: f"tcp://{self.address}:{port}",
                f"{link}_PROTO": "tcp",
                f"{link}_PORT": str(port),
                f"{link}_ADDR": self.address,
            }
        return found


def services(
    kubernetes: Iterable[Resource], workloads: Iterable[Workload], reserved: Iterable[int]
) -> tuple[Service, ...]:
    """Every Service among the stack's Kubernetes resources. `reserved`: ports of 127.0.0.1 that none may take."""
    servers = [(workload, pod) for workload in workloads if workload.kind in SERVERS for pod in workload.addresses]
    taken = {(SERVICE_ADDRESS, port) for port in reserved}
    networks: set[int] = set()
    found: list[Service] = []
    for resource in kubernetes:
        if resource.kind != "Service":
            continue
        name, spec = resource.object_name, resource.inputs["spec"]
        selector = dict(spec.get("selector") or {})
        chosen = [
            (workload, pod)
            for workload, pod in servers
            if selector and selector.items() <= workload.labels(pod).items()
        ]
        headless = spec.get("clusterIP") == "None"
        ports = () if headless else tuple(_port(port, chosen, name) for port in spec.get("ports") or [])
        balanced = bool(chosen) and _NAMED_POD not in selector and not headless
        address = "" if headless else SERVICE_ADDRESS
        if balanced:
            if any((address, port) in taken for _, port, _ in ports):
                address = f"127.0.2.{distinct_number(name, networks, 1, 254)}"
            taken |= {(address, port) for _, port, _ in ports}
        elif chosen and not headless:
            workload, pod = chosen[0]
            address = workload.addresses[pod]
        pods = tuple(pod for _, pod in chosen)
        found.append(Service(name=name, address=address, ports=ports, pods=pods, balanced=balanced))
    return tuple(found)


def _port(port: Mapping[str, Any], chosen: Sequence[tuple[Workload, str]], service: str) -> tuple[str, int, int]:
    number = int(port["port"])
    target = port.get("targetPort", number)
    if isinstance(target, str) and not target.isdigit():
        named = {name: each for workload, _ in reversed(chosen) for _, name, each in workload.ports}
        if chosen and target not in named:
            raise Problem(f"Service {service}: no container of its pods has a port named {target!r}")
        target = named.get(target, number)
    return port.get("name") or "", number, int(target)


def hosts(found: Iterable[Service], workloads: Iterable[Workload], namespace: str) -> str:
    """Cluster DNS as a hosts file: `pgbouncer`, `pgbouncer.NAMESPACE.svc.cluster.local`, …, and the name that each pod
    of a StatefulSet has under its governing Service: `redis-data-0.redis-data`.
    """
    base = f".{namespace}"
    suffixes = ("", base, f"{base}.svc", f"{base}.svc.cluster.local")
    names = [(each.name, each.address) for each in found if each.address]
    for workload in workloads:
        if workload.governing:
            names += [(f"{pod}.{workload.governing}", address) for pod, address in workload.addresses.items()]
    lines = [" ".join([address, *(name + suffix for suffix in suffixes)]) for name, address in names]
    return "".join(f"{line}\n" for line in lines)
