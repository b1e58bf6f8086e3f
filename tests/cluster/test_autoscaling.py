"""Autoscalers on a real Kubernetes: they see what pods use, add pods under load and take them away again."""

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

from running_cluster import Cluster
from visitors import Visitors

from cluster import inside_pods
from testing.waits import eventually

_BUSY = """
import time
end = time.monotonic() + 600
while time.monotonic() < end:
    until = time.monotonic() + 0.03
    while time.monotonic() < until:
        pass
    time.sleep(0.07)
"""
"""Three tenths of a processor, twice what an API pod requests; more would take it from the three nodes' other pods."""
SETTLING = 300
"""Seconds, a bound: the autoscaler's rounds, the new pods' starts and the shortened stabilization."""
STABILIZATION, SHORT = 300, 30
"""Seconds, declared and during the test: what makes the autoscaler wait isn't what is tested."""


def replicas(cluster: Cluster) -> int:
    return cluster.get("deployment", "api")["status"].get("readyReplicas", 0)


@contextmanager
def stabilization(cluster: Cluster, seconds: int) -> Generator[None]:
    """Another wait of the API's autoscaler before it takes pods away, during the block."""

    def change(value: int) -> None:
        patch = {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": value}}}}
        cluster.run("patch", "hpa", "api", "--type=merge", f"--patch={json.dumps(patch)}")

    change(seconds)
    try:
        yield
    finally:
        change(STABILIZATION)


def test_the_api_grows_under_load_and_shrinks_again(visitors: Visitors, own_nodes: Cluster) -> None:
    """A second process in each of its containers is the load: a client's would be the whole machine's."""
    declared = own_nodes.get("hpa", "api")["spec"]
    assert (declared["minReplicas"], declared["maxReplicas"]) == (2, 4)
    assert declared["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == STABILIZATION
    with stabilization(own_nodes, SHORT), visitors.running():
        busy = [
            subprocess.Popen(own_nodes.command("exec", pod, "--", "python", "-c", _BUSY))
            for pod in own_nodes.names("api")
        ]
        try:
            eventually(lambda: replicas(own_nodes) == declared["maxReplicas"], "four pods", within=SETTLING)
        finally:
            for pod in own_nodes.pods("api"):
                for process in inside_pods.processes(pod["metadata"]["uid"], "python"):
                    if _BUSY in process.cmdline():
                        process.kill()
            for each in busy:
                each.kill()
                each.wait()
        eventually(lambda: replicas(own_nodes) == declared["minReplicas"], "two pods again", within=SETTLING)
    print(f"2, 4 and 2 pods of the API: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])
