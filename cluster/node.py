"""`python -m cluster.node NUMBER`: one node, from inside of its namespaces: containerd, kubelet and kube-proxy.

It is the first process of its PID namespace, so whatever runs in the node ends with it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import yaml

from cluster import cgroups
from cluster.layout import CGROUP, CONTROL, DEBIAN, DNS, NODES, PKI, PROGRAMS, REGISTRY_PAUSE, Node
from cluster.network import inside
from cluster.processes import wait

_KUBELET = "/run/kubelet"
SOCKET = "/run/containerd/containerd.sock"
CONTAINERD_SECONDS = 60
RESTART_SECONDS = 1
_PATH = f"{PROGRAMS}:{DEBIAN}/usr/bin:{DEBIAN}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# The kubelet sets these for the whole machine, or refuses to start where they differ: it is shown files instead.
_MACHINE_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def command(node: Node) -> list[str]:
    """The command that starts the node. `unshare` ignores SIGTERM, so it is ended by SIGKILL."""
    namespaces = ("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
    own = ("--propagation", "private", sys.executable, "-m", "cluster.node", str(node.number))
    return inside(node.namespace, "unshare", *namespaces, *own)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _prepare(node: Node) -> None:
    home = node.directory
    subprocess.run(["hostname", node.name], check=True)
    for name in ("containerd", "kubelet", "cni", "cgroup", "settings", "log"):
        (home / name).mkdir(parents=True, exist_ok=True)
    # A new /sys shows this network's devices; the cgroups are mounted into it again.
    _mount("--rbind", "/sys/fs/cgroup", home / "cgroup")
    _mount("-t", "sysfs", "sysfs", "/sys")
    _mount("--rbind", home / "cgroup", "/sys/fs/cgroup")
    _mount("-t", "tmpfs", "tmpfs", "/run")
    for name, value in _MACHINE_SETTINGS.items():
        file = home / "settings" / name.replace("/", ".")
        file.write_text(f"{value}\n")
        _mount("--bind", file, f"/proc/sys/{name}")
    # The names of the kubelet's sockets need a short path.
    Path(_KUBELET).mkdir()
    _mount("--bind", home / "kubelet", _KUBELET)
    _mount("--make-rshared", _KUBELET)
    _mount("--bind", home / "log", "/var/log")
    (home / "resolv.conf").write_text(f"nameserver {CONTROL}\n")
    (home / "containerd.toml").write_text(_containerd(node))
    (home / "cni" / "10-ptp.conflist").write_text(json.dumps(_pod_network(node)))
    (home / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(node)))
    (home / "proxy.yaml").write_text(yaml.safe_dump(_proxy(node)))


def _containerd(node: Node) -> str:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{node.directory}/containerd"
state = "/run/containerd"
[grpc]
  address = "{SOCKET}"
[{cri}]
  sandbox_image = "{REGISTRY_PAUSE}"
  restrict_oom_score_adj = true
[{cri}.cni]
  bin_dir = "{DEBIAN}/usr/lib/cni"
  conf_dir = "{node.directory}/cni"
[{cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  BinaryName = "{_runc()}"
  SystemdCgroup = false
"""


def _runc() -> Path:
    """Debian 12 has it in /usr/sbin, and 13 in /usr/bin."""
    return next(path for place in ("sbin", "bin") if (path := DEBIAN / "usr" / place / "runc").is_file())


def _pod_network(node: Node) -> dict[str, object]:
    """Each pod has its own link to the node, which routes; there is no bridge."""
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": node.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "simone",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(node: Node) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "address": node.address,
        # Signed by the cluster's authority, as EKS's are: Prometheus checks it.
        "tlsCertFile": f"{PKI}/{node.name}.crt",
        "tlsPrivateKeyFile": f"{PKI}/{node.name}.key",
        "healthzBindAddress": "127.0.0.1",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}/{node.name}",
        "failCgroupV1": False,
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "resolvConf": f"{node.directory}/resolv.conf",
        "oomScoreAdj": 0,
        "enforceNodeAllocatable": ["pods"],
        # The three nodes share the machine's disk and memory.
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 60,
        "systemReserved": {"memory": "256Mi"},
    }


def _proxy(node: Node) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{PKI}/proxy.conf"},
        "mode": "nftables",
        "clusterCIDR": "10.10.100.0/22",
        "detectLocalMode": "ClusterCIDR",
        "hostnameOverride": node.name,
        # The connection table is the machine's, so its size isn't changed.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


class _Services:
    """The services of a node, each restarted when it ends, as systemd does on a real one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._running: dict[int, tuple[subprocess.Popen[bytes], str, Sequence[str | Path]]] = {}

    def start(self, name: str, arguments: Sequence[str | Path]) -> None:
        environment = {**os.environ, "PATH": _PATH}
        with open(self._node.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(word) for word in arguments], stdout=log, stderr=log, env=environment)
        self._running[process.pid] = process, name, arguments

    def keep(self) -> NoReturn:
        """Reap processes and restart services, until the node is ended."""
        while True:
            ended, _ = os.wait()
            if ended in self._running:
                time.sleep(RESTART_SECONDS)
                _, name, arguments = self._running.pop(ended)
                self.start(name, arguments)


def _serves() -> bool:
    asked = [f"{DEBIAN}/usr/bin/ctr", "--address", SOCKET, "version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def main(number: int) -> None:
    """Start the node and keep it running until it is ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = NODES[number - 1]
    _prepare(node)
    home = node.directory
    services = _Services(node)
    services.start("containerd", ["containerd", "-c", home / "containerd.toml"])
    wait(f"{node.name}'s containerd", CONTAINERD_SECONDS, _serves)
    region = node.zone[:-1]
    zones = f"topology.kubernetes.io/zone={node.zone},topology.kubernetes.io/region={region}"
    services.start(
        "kubelet",
        [
            *("kube", "kubelet", f"--config={home}/kubelet.yaml", f"--kubeconfig={PKI}/{node.name}.conf"),
            *(f"--hostname-override={node.name}", f"--node-ip={node.address}", f"--node-labels={zones}"),
            *(f"--root-dir={_KUBELET}", "--v=2"),
        ],
    )
    services.start("kube-proxy", ["kube", "kube-proxy", f"--config={home}/proxy.yaml"])
    services.keep()


if __name__ == "__main__":
    cgroups.enter("nodes")
    main(int(sys.argv[1]))
