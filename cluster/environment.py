"""The whole cluster: brought up in steps, of which a second run skips those that are done; removed as a whole."""

import base64
import contextlib
import hashlib
import json
import shutil
import string
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cluster import (
    cgroups,
    cloud_controllers,
    control_plane,
    database,
    images,
    network,
    node,
    pki,
    preflight,
    processes,
    programs,
    stack,
)
from cluster.control_plane import kubectl
from cluster.layout import (
    BUNDLE,
    CLOUD,
    CONTROL,
    CONTROL_NAMESPACE,
    DEBIAN,
    DNS,
    DNS_IMAGE,
    ENVIRONMENT,
    HOME,
    METRICS_IMAGE,
    NODES,
    SOURCES,
    STATE,
    Node,
)
from local import builds
from local import database as declared_database
from local.problem import Problem
from stack.environments import ROOT

T = TypeVar("T")
Say = Callable[[str], None]
MOTO = "moto"
_APPLIED = STATE / "applied"
"""A hash of what the running cluster was made from; written once everything has rolled out."""
_SOURCES = (
    *("Pulumi.yaml", f"Pulumi.{ENVIRONMENT}.yaml", "__main__.py"),
    *("app", "cluster", "components", "images", "local", "requirements", "stack", "tools"),
)
NODE_READY, ROLLED_OUT = 300, 900  # seconds, at most


@dataclass(frozen=True)
class Applied:
    """The result of `make cluster`."""

    resources: Mapping[str, int]
    seconds: Mapping[str, float]


class Environment:
    """One cluster on this machine."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.seconds: dict[str, float] = {}

    def up(self) -> Applied:
        """Bring up the cluster with the stack, from any state. Raises Problem when a step fails; a second run
        continues.
        """
        inputs = _inputs()
        applied = json.loads(_APPLIED.read_text()) if _APPLIED.exists() else {}
        if applied.get("inputs") == inputs and self._is_whole():
            self._say("nothing to do: what it is made of has not changed, and all of it runs")
            return Applied({"unchanged": applied["resources"]}, self.seconds)
        _APPLIED.unlink(missing_ok=True)
        self._timed("programs", self.build)
        self._timed("images", self.make_images)
        self._timed("nodes", self.start)
        resources = self._timed("stack", self.apply)
        _APPLIED.write_text(json.dumps({"inputs": inputs, "resources": len(stack.declared().resources)}))
        return Applied(resources, self.seconds)

    def _is_whole(self) -> bool:
        """Whether every process runs, every node is ready and every workload has all of its pods."""
        names = (database.NAME, control_plane.NAME, MOTO, cloud_controllers.NAME, *(node.name for node in NODES))
        if not all(map(processes.running, names)):
            return False
        listed = kubectl("-n", "simone", "get", "deployments,statefulsets,nodes", "-o", "json", "--request-timeout=10s")
        done = subprocess.run(listed, capture_output=True, text=True, check=False)
        return done.returncode == 0 and all(map(_is_whole, json.loads(done.stdout)["items"]))

    def _timed(self, name: str, step: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return step()
        finally:
            self.seconds[name] = time.monotonic() - began

    def build(self) -> None:
        """Build the programs that are missing."""
        preflight.check()
        programs.ensure(self._say)
        STATE.mkdir(parents=True, exist_ok=True)
        STATE.chmod(0o711)
        pki.ensure(stack.database_host(), stack.hosts())

    def make_images(self) -> None:
        """Make the stack's images, as one bundle."""
        builds.ensure_storefront(self._say)
        images.ensure(images.declared(stack.declared().resources), self._say)
        processes.unmount(HOME)  # buildah leaves mounts

    def start(self) -> None:
        """Start networks, control plane, database, stand-in cloud and nodes; wait until all are ready."""
        before = STATE / "before.json"
        if not before.exists():
            before.write_text(json.dumps(preflight.settings()))
        self._say("networks")
        network.create()
        self.start_database()
        processes.start(control_plane.NAME, control_plane.command(), _environment())
        moto = ("moto.server", "-H", CLOUD, "-p", "443")
        processes.start(MOTO, network.inside(CONTROL_NAMESPACE, sys.executable, "-m", *moto), _moto_environment())
        self._say("control plane")
        processes.wait(
            "the API server", control_plane.READY_SECONDS, control_plane.ready, [control_plane.NAME, database.NAME]
        )
        self.start_nodes()
        processes.start(cloud_controllers.NAME, cloud_controllers.command(), _environment())
        apply(addons())
        processes.wait("the cluster's DNS", NODE_READY, dns_ready, [cloud_controllers.NAME])

    def start_database(self) -> None:
        """Start the declared database, unless it runs."""
        if processes.running(database.NAME):
            return
        secrets = stack.plain_secrets()
        instance = declared_database.declared(stack.declared().resources, secrets["postgres"]["owner"])
        if instance is None:
            raise Problem("the stack declares no database, and the shop needs one")
        declared_database.fetch(instance, self._say)
        database.prepare(instance, secrets["postgres"]["owner"][::-1])
        processes.start(database.NAME, database.command(instance.major), _environment())

    def start_nodes(self) -> None:
        """Start all nodes; wait until they are ready, and give them all images."""
        for each in NODES:
            if not processes.running(each.name):
                # A machine starts without those of its last pods. The kubelet would ask for each, for three seconds.
                cgroups.remove(each.name)
                cgroups.create(each.name)
            processes.start(each.name, node.command(each), _environment())
        for number, each in enumerate(NODES):
            self._say(f"nodes ({number} of {len(NODES)})")
            needs = [each.name, control_plane.NAME]
            processes.wait(f"{each.name}'s containerd", node.CONTAINERD_SECONDS, lambda each=each: serves(each), needs)
            import_images(each)
        for each in NODES:
            processes.wait(f"{each.name}", NODE_READY, lambda each=each: is_ready(each.name), [each.name])

    def apply(self) -> Mapping[str, int]:
        """Apply the stack; wait until every workload has rolled out. Returns the number of resources by operation."""
        rendered = stack.declared()
        self._say("stand-in for AWS")
        processes.run(
            network.inside(CONTROL_NAMESPACE, sys.executable, "-m", "cluster", "cloud"),
            "the stand-in for AWS",
            cwd=ROOT,
        )
        project = stack.project()
        total = len(rendered.resources)
        said = -1

        def progress(_: str, done: int) -> None:
            nonlocal said
            if done != said:
                said = done
                self._say(f"stack ({done} of {total} resources)")

        counts = stack.up(project, progress)
        self._say("roll-out")
        for kind in ("statefulset", "deployment"):
            listed = kubectl("-n", "simone", "get", kind, "-o", "name")
            for name in processes.run(listed, f"the {kind}s").split():
                wait = ["-n", "simone", "rollout", "status", name, f"--timeout={ROLLED_OUT}s"]
                processes.run(kubectl(*wait), f"{name} doesn't roll out")
        return counts

    def down(self) -> None:
        """End and remove all of it: processes, mounts, networks, control groups, state. Programs and images stay."""
        for name in (*(each.name for each in NODES), control_plane.NAME):
            processes.end(name, kill=True)
        for name in processes.names():
            processes.end(name)
        network.remove()
        deadline = time.monotonic() + 30
        while cgroups.left() and time.monotonic() < deadline:
            cgroups.remove()
            time.sleep(processes.POLL)
        if left := cgroups.left():
            raise Problem(f"these control groups are still used: {', '.join(map(str, left))}; see cgroup.procs in them")
        processes.unmount(HOME)
        shutil.rmtree(STATE, ignore_errors=True)
        if STATE.exists():
            raise Problem(f"{STATE} can't be removed; is something of it mounted? see: grep {STATE.name} /proc/mounts")


def _is_whole(each: Mapping[str, Any]) -> bool:
    status = each["status"]
    if each["kind"] == "Node":
        return any(one["type"] == "Ready" and one["status"] == "True" for one in status["conditions"])
    wanted = each["spec"]["replicas"]
    current = status.get("observedGeneration") == each["metadata"]["generation"]
    return current and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == wanted


def _inputs() -> str:
    """A hash of all that a cluster is made from. `cluster` covers the programs, which are built from it."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_SOURCES]
    digest = hashlib.sha256()
    for line in filter(None, sorted(set(processes.run(listed, "the sources").split("\0")))):
        path = ROOT / line
        digest.update(f"{line} {hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}\n".encode())
    return digest.hexdigest()


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT)}


def _moto_environment() -> dict[str, str]:
    return {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}


def gateway_address() -> str:
    """A gateway pod's address, or a placeholder for it."""
    chosen = ("-l", "app.kubernetes.io/name=gateway", "-o", "jsonpath={.items[0].status.podIP}")
    asked = kubectl("-n", "simone", "get", "pods", *chosen, "--request-timeout=10s")
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout or "GATEWAY_POD"


def addons() -> str:
    """The cluster's add-ons as YAML."""
    template = string.Template((SOURCES / "addons.yaml").read_text())
    return template.substitute(
        database_address=CONTROL,
        database=stack.database_host(),
        dns=DNS,
        dns_image=DNS_IMAGE,
        metrics_image=METRICS_IMAGE,
        webhook=f"https://{CONTROL}:{cloud_controllers.WEBHOOK_PORT}/mutate",
        authority=base64.b64encode(pki.AUTHORITY.read_bytes()).decode(),
    )


def apply(manifests: str) -> None:
    """`kubectl apply`."""
    processes.run(kubectl("apply", "-f", "-"), "the cluster's own objects", given=manifests)


def is_ready(name: str) -> bool:
    """Whether a node reports that it is ready."""
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    asked = kubectl("get", "node", name, "-o", f"jsonpath={path}")
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout == "True"


def dns_ready() -> bool:
    """Whether all DNS servers are ready."""
    asked = kubectl("-n", "kube-system", "get", "deployment", "coredns", "-o", "jsonpath={.status.readyReplicas}")
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "2"


def in_node(each: Node, *command: str | Path) -> list[str]:
    """A command line that runs in a node's mount, PID and network namespaces."""
    outer = processes.running(each.name)
    inner = outer.children() if outer else []
    if not inner:
        raise Problem(f"{each.name} doesn't run: {processes.last_words(each.name)}")
    return ["nsenter", f"--target={inner[0].pid}", "--mount", "--net", "--pid", *map(str, command)]


def _ctr(each: Node, *arguments: str | Path) -> list[str]:
    return in_node(each, DEBIAN / "usr/bin/ctr", "--address", node.SOCKET, "--namespace", "k8s.io", *arguments)


def serves(each: Node) -> bool:
    """Whether a node's containerd answers."""
    with contextlib.suppress(Problem):
        return subprocess.run(_ctr(each, "version"), capture_output=True, check=False).returncode == 0
    return False


def tag_images(each: Node, registry: str, version: str) -> None:
    """Tag a node's images of a registry (our own) with another version too."""
    for name in processes.run(_ctr(each, "images", "list", "-q"), f"{each.name}'s images").splitlines():
        if name.startswith(registry) and "@" not in name:
            again = f"{name.rpartition(':')[0]}:{version}"
            if again != name:
                processes.run(_ctr(each, "images", "tag", "--force", name, again), f"{each.name}'s image {again}")


def import_images(each: Node) -> None:
    """Import the bundle into a node, unless it has this one."""
    mark = each.directory / "images"
    made = str(BUNDLE.stat().st_mtime_ns)
    if mark.exists() and mark.read_text() == made:
        return
    processes.run(_ctr(each, "images", "import", "--all-platforms", BUNDLE), f"{each.name}'s images")
    mark.write_text(made)
