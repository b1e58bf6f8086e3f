"""A Kubernetes with the stack on it, looked at with kubectl: that of `make cluster`, or one that KUBECONFIG names."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.layout import KUBECONFIG, PROGRAMS, STATE
from stack.environments import ROOT
from testing.waits import eventually

NAMESPACE = "simone"
Object = Mapping[str, Any]


class Cluster:
    """Its objects, and what can be done with them."""

    def __init__(self, kubeconfig: str) -> None:
        self.kubeconfig = kubeconfig
        self.ours = kubeconfig == str(KUBECONFIG)
        """Whether its nodes are this machine's, so that they can be taken away."""
        self._kubectl = [str(PROGRAMS / "kube"), "kubectl"] if self.ours else ["kubectl"]

    def command(self, *arguments: str) -> list[str]:
        return [*self._kubectl, f"--kubeconfig={self.kubeconfig}", "--namespace", NAMESPACE, *arguments]

    def run(self, *arguments: str, given: str | None = None, may_fail: bool = False) -> str:
        done = subprocess.run(self.command(*arguments), input=given, capture_output=True, text=True, check=False)
        assert may_fail or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def exec(self, pod: str, *command: str, container: str = "", may_fail: bool = False) -> str:
        chosen = ["--container", container] if container else []
        return self.run("exec", pod, *chosen, "--", *command, may_fail=may_fail)

    def get(self, kind: str, name: str) -> Object:
        return json.loads(self.run("get", kind, name, "-o", "json"))

    def items(self, kind: str, *arguments: str) -> Sequence[Object]:
        return json.loads(self.run("get", kind, "-o", "json", *arguments))["items"]

    def pods(self, system: str = "") -> Sequence[Object]:
        """The pods of a system (`app.kubernetes.io/name`), or all of them; without Jobs' that have ended."""
        chosen = ["--selector", f"app.kubernetes.io/name={system}"] if system else []
        return [
            each for each in self.items("pods", *chosen) if each["status"].get("phase") not in ("Succeeded", "Failed")
        ]

    def names(self, system: str) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.pods(system)]

    def addresses_on(self, node: str) -> set[str]:
        """Of a node's pods."""
        return {pod["status"].get("podIP", "") for pod in self.pods() if pod["spec"].get("nodeName") == node}

    def restarts(self) -> dict[str, int]:
        """Restarts of containers, by pod and container; only those that there were."""
        return {
            f"{pod['metadata']['name']}/{status['name']}": status["restartCount"]
            for pod in self.pods()
            for status in pod["status"].get("containerStatuses") or ()
            if status["restartCount"]
        }

    def start(self) -> None:
        """Start what doesn't run of our own cluster. By a process that ends, so that nothing of it is this one's."""
        subprocess.run([sys.executable, "-m", "cluster", "start"], cwd=ROOT, check=True)

    def settled(self, seconds: int = 600) -> None:
        """Wait until every workload has rolled out."""
        for kind in ("statefulset", "deployment"):
            for name in self.run("get", kind, "-o", "name").split():
                self.run("rollout", "status", name, f"--timeout={seconds}s")
        eventually(lambda: all(map(is_ready, self.pods())), "all pods are ready", within=seconds)


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready and stays."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions") or ()}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def chosen() -> str:
    """The kubeconfig of the cluster to be tested; empty where there is none."""
    return os.environ.get("KUBECONFIG") or (str(KUBECONFIG) if STATE.exists() else "")
