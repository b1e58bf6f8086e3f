"""Who may talk to whom, by real connections from every system's pod to every other's: the declared table, no more."""

import json
import subprocess
import sys
from collections.abc import Mapping

from running_cluster import Cluster

from cluster import inside_pods
from cluster.layout import CLOUD, CONTROL, NODES
from components.kubernetes import flows

NAME = "app.kubernetes.io/name"
WAIT = 2.0  # seconds: what is dropped never answers, and what is let through answers in milliseconds
_CONNECT = f"""
import asyncio, json, sys
async def one(host, port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), {WAIT})
        writer.close()
        return "open"
    except OSError as error:
        return "refused" if isinstance(error, ConnectionRefusedError) else "dropped"
    except TimeoutError:
        return "dropped"
async def all():
    targets = json.load(sys.stdin)
    print(json.dumps(await asyncio.gather(*(one(host, port) for host, port in targets))))
asyncio.run(all())
"""


def connections(uid: str, targets: list[tuple[str, int]]) -> list[str]:
    """What becomes of a connection from a pod's network to each address and port."""
    command = ["nsenter", f"--net={inside_pods.network(uid)}", sys.executable, "-c", _CONNECT]
    done = subprocess.run(command, input=json.dumps(targets), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _one_pod_each(cluster: Cluster) -> Mapping[str, Mapping[str, str]]:
    """The last pod of each system: its UID and its address."""
    return {
        pod["metadata"]["labels"][NAME]: {"uid": pod["metadata"]["uid"], "address": pod["status"]["podIP"]}
        for pod in sorted(cluster.pods(), key=lambda each: each["metadata"]["name"])
        if NAME in pod["metadata"]["labels"]
    }


def test_exactly_the_declared_pairs_can_connect(own_nodes: Cluster) -> None:
    own_nodes.settled()
    pods = _one_pod_each(own_nodes)
    # Of a system with several pods the first one is the target, so that a pod never only meets itself.
    first = {
        pod["metadata"]["labels"][NAME]: pod["status"]["podIP"]
        for pod in sorted(own_nodes.pods(), key=lambda each: each["metadata"]["name"], reverse=True)
    }
    outside = {
        flows.POSTGRES: (CONTROL, flows.POSTGRES_PORT),
        flows.HTTPS: (CLOUD, 443),
        flows.KUBELET: (NODES[0].address, flows.KUBELET_PORT),
    }
    ports = sorted({flow.port for flow in flows.FLOWS if flow.target in first})
    faults: list[str] = []
    tried = 0
    for source, pod in pods.items():
        targets = {
            (system, port): (address, port)
            for system, address in first.items()
            for port in ports
            if address != pod["address"]
        }
        targets |= {(peer, address[1]): address for peer, address in outside.items()}
        allowed = {(flow.target, flow.port) for flow in flows.FLOWS if flow.source == source}
        found = dict(zip(targets, connections(pod["uid"], list(targets.values())), strict=True))
        tried += len(found)
        faults += [f"{source} -> {to}: {how}, declared" for to, how in found.items() if to in allowed and how != "open"]
        faults += [
            f"{source} -> {to}: open, not declared" for to, how in found.items() if to not in allowed and how == "open"
        ]
    print(f"{tried} pairs tried from {len(pods)} systems")
    assert faults == []
