"""The networks: one for the control plane with a bridge, and one for each node; nothing of the machine's own."""

import subprocess
from pathlib import Path

from cluster.layout import CLOUD, CONTROL, CONTROL_NAMESPACE, NODES, VISITOR
from cluster.processes import run

_FILES = Path("/run/netns")


def inside(namespace: str, *command: str | Path) -> list[str]:
    """A command line that runs in that network. Not `ip netns exec`, which hides the cgroups behind a new /sys."""
    return ["nsenter", f"--net={_FILES / namespace}", *map(str, command)]


def _ip(namespace: str, *arguments: str) -> None:
    run(["ip", "-n", namespace, *arguments], f"the network {namespace}")


def _forwards(namespace: str) -> None:
    run(inside(namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1"), f"the network {namespace}")


def create() -> None:
    """Create the networks; incomplete ones of an interrupted run are created again."""
    if all((_FILES / name).exists() for name in _all()) and _whole():
        return
    remove()
    for name in _all():
        run(["ip", "netns", "add", name], f"the network {name}")
        _ip(name, "link", "set", "lo", "up")
    _ip(CONTROL_NAMESPACE, "link", "add", "nodes", "type", "bridge")
    _ip(CONTROL_NAMESPACE, "link", "set", "nodes", "up")
    for address in (f"{CONTROL}/24", f"{CLOUD}/24", f"{VISITOR}/32"):
        _ip(CONTROL_NAMESPACE, "addr", "add", address, "dev", "nodes")
    _forwards(CONTROL_NAMESPACE)
    for node in NODES:
        link = ("type", "veth", "peer", "name", "eth0", "netns", node.namespace)
        _ip(CONTROL_NAMESPACE, "link", "add", node.name, *link)
        _ip(CONTROL_NAMESPACE, "link", "set", node.name, "master", "nodes", "up")
        _ip(node.namespace, "addr", "add", f"{node.address}/24", "dev", "eth0")
        _ip(node.namespace, "link", "set", "eth0", "up")
        _ip(node.namespace, "route", "add", "default", "via", CONTROL)
        _forwards(node.namespace)
        _ip(CONTROL_NAMESPACE, "route", "add", node.pods, "via", node.address)
        for other in NODES:
            if other != node:
                _ip(node.namespace, "route", "add", other.pods, "via", other.address)


def _whole() -> bool:
    """Whether the last step of `create` was done."""
    last = NODES[-1]
    routes = subprocess.run(["ip", "-n", last.namespace, "route"], capture_output=True, text=True, check=False).stdout
    return all(other.pods in routes for other in NODES if other != last)


def remove() -> None:
    """Remove the networks with all that is in them."""
    for name in _all():
        if (_FILES / name).exists():
            run(["ip", "netns", "del", name], f"the network {name}")


def _all() -> tuple[str, ...]:
    return (CONTROL_NAMESPACE, *(node.namespace for node in NODES))
