"""Where the cluster keeps its files, and its addresses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.environments import ROOT

ENVIRONMENT: Final = "cluster"
"""The stack file that is applied: Pulumi.cluster.yaml."""

SOURCES: Final = ROOT / "cluster"
HOME: Final = ROOT / ".tools" / "cluster"
"""What takes long to make; `make clean` and `make cluster-down` keep it."""
PROGRAMS: Final = HOME / "bin"
DEBIAN: Final = HOME / "debian"
"""Debian packages, unpacked and not installed: an installed containerd would be a service of the machine."""
IMAGES: Final = HOME / "images"
PKI: Final = HOME / "pki"
"""Kept too, because the images hold the CA that signed the database's certificate."""
BUNDLE: Final = IMAGES / "bundle.tar"
STATE: Final = HOME / "state"
"""What belongs to one cluster; `make cluster-down` removes it."""
LOGS: Final = STATE / "logs"
STACK: Final = STATE / "stack"
VOLUMES: Final = STATE / "volumes"
KUBECONFIG: Final = PKI / "admin.conf"

# 10.10.0.0/16 and 172.20.0.0/16 are the stack file's aws.vpc_cidr and aws.service_cidr.
CONTROL_NAMESPACE: Final = "simone-control"
CONTROL: Final = "10.10.0.1"
"""API server, database and webhook."""
CLOUD: Final = "10.10.0.2"
"""The stand-in for AWS, at port 443 like AWS: the declared policies let pods go there."""
VISITOR: Final = "173.245.48.7"
"""A visitor's address: one that the policies take for Cloudflare's."""
REGISTRY_PAUSE: Final = "registry.k8s.io/pause:3.10"
DNS_IMAGE: Final = "localhost/coredns:1"
METRICS_IMAGE: Final = "localhost/metrics-server:1"
OWN_IMAGES: Final = (DNS_IMAGE, METRICS_IMAGE, REGISTRY_PAUSE)
"""The images of the cluster's add-ons."""
DNS: Final = "172.20.0.10"
KUBERNETES: Final = "172.20.0.1"
CGROUP: Final = "simone-cluster"


@dataclass(frozen=True)
class Node:
    """One node: `number` is 1, 2 or 3."""

    number: int

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def namespace(self) -> str:
        """Its network namespace."""
        return f"simone-{self.name}"

    @property
    def address(self) -> str:
        return f"10.10.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return f"10.10.{100 + self.number}.0/24"

    @property
    def zone(self) -> str:
        return f"eu-central-1{'abc'[self.number - 1]}"

    @property
    def directory(self) -> Path:
        return STATE / self.name


NODES: Final = tuple(Node(number) for number in (1, 2, 3))
