"""Last of all: the stack is deleted, the cluster is ended, and the machine is as it was before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
from running_cluster import NAMESPACE, Cluster

from cluster import cgroups, environment, stack
from cluster.layout import CONTROL_NAMESPACE, HOME, NODES, STATE
from stack.environments import ROOT

_SETTINGS = "import json; from cluster import preflight; print(json.dumps(preflight.settings()))"


def _processes() -> list[str]:
    found: list[str] = []
    for each in psutil.process_iter(["cmdline"]):
        words = " ".join(each.info["cmdline"] or ())
        if str(HOME) in words or " cluster." in words:
            found.append(words)
    return found


def _in_the_machines_network(program: str) -> str:
    """The tests run in the cluster's, and what has started them (`python -m cluster test`) in the machine's."""
    command = ["nsenter", f"--net=/proc/{os.getppid()}/ns/net", sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_stack_without_protection_is_deleted_whole(own_nodes: Cluster) -> None:
    """As docs/deploy.md (Destroy) lets go of what is protected."""
    project = stack.project()
    let_go = project.run("state", "unprotect", "--all", "--yes")
    assert let_go.code == 0, let_go.stderr
    counts = stack.destroy(project, lambda _, __: None)
    print(f"deleted: {counts}")
    assert project.state().get("resources", []) == []
    assert NAMESPACE not in [each["metadata"]["name"] for each in own_nodes.items("namespaces")]
    # The cluster's volumes are kept by whoever made them, as those of a StorageClass that retains them.
    assert "Bound" not in {volume["status"]["phase"] for volume in own_nodes.items("persistentvolumes")}


def test_nothing_of_it_stays(own_nodes: Cluster) -> None:
    before = json.loads((STATE / "before.json").read_text())
    assert _processes()
    environment.Environment(print).down()
    assert _processes() == []
    assert not STATE.exists()
    assert cgroups.left() == []
    assert not [line for line in Path("/proc/mounts").read_text().splitlines() if str(HOME) in line]
    assert not [
        name for name in (CONTROL_NAMESPACE, *(node.namespace for node in NODES)) if Path("/run/netns", name).exists()
    ]
    after = json.loads(_in_the_machines_network(_SETTINGS))
    assert {
        name: (before.get(name), after.get(name)) for name in {*before, *after} if before.get(name) != after.get(name)
    } == {}
