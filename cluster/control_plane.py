"""`python -m cluster.control_plane`: etcd, API server, controllers and scheduler, in one PID namespace."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from cluster import cgroups
from cluster.layout import CONTROL, CONTROL_NAMESPACE, KUBECONFIG, LOGS, PKI, PROGRAMS, STATE
from cluster.network import inside
from cluster.pki import AGGREGATOR
from cluster.processes import wait

NAME = "control-plane"
READY_SECONDS = 180
_KUBE = str(PROGRAMS / "kube")
_ETCD = "127.0.0.1:2379"


def command() -> list[str]:
    """The command that starts it."""
    namespaces = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    return inside(CONTROL_NAMESPACE, "unshare", *namespaces, sys.executable, "-m", "cluster.control_plane")


def kubectl(*arguments: str, kubeconfig: object = KUBECONFIG) -> list[str]:
    """A kubectl command that reaches the cluster from anywhere on this machine."""
    return inside(CONTROL_NAMESPACE, _KUBE, "kubectl", f"--kubeconfig={kubeconfig}", *arguments)


def ready() -> bool:
    """Whether the API server answers that it is."""
    asked = kubectl("get", "--raw=/readyz", "--request-timeout=5s")
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _start(name: str, *arguments: str) -> None:
    with open(LOGS / f"{name}.log", "ab") as log:
        subprocess.Popen([_KUBE, name, *arguments], stdout=log, stderr=log)


def _as(name: str) -> Sequence[str]:
    """A component's arguments for its own identity and for authenticating its callers."""
    config = f"{PKI}/{name}.conf"
    kinds = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [*(f"--{kind}={config}" for kind in kinds), "--leader-elect=false"]


def main() -> None:
    """Start its processes and reap those that end, until it is ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _start("etcd", str(STATE / "etcd"), _ETCD, "127.0.0.1:2380")
    _start(
        "kube-apiserver",
        *(f"--etcd-servers=http://{_ETCD}", f"--bind-address={CONTROL}", f"--advertise-address={CONTROL}"),
        *("--secure-port=443", f"--cert-dir={STATE}/apiserver", "--allow-privileged=true"),
        *(f"--tls-cert-file={PKI}/apiserver.crt", f"--tls-private-key-file={PKI}/apiserver.key"),
        *(f"--client-ca-file={PKI}/ca.crt", f"--token-auth-file={PKI}/tokens.csv"),
        *("--service-cluster-ip-range=172.20.0.0/16", "--authorization-mode=Node,RBAC"),
        *("--enable-admission-plugins=NodeRestriction",),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        *(f"--service-account-key-file={PKI}/accounts.pub", f"--service-account-signing-key-file={PKI}/accounts.key"),
        *(f"--kubelet-client-certificate={PKI}/kubelet-client.crt", f"--kubelet-client-key={PKI}/kubelet-client.key"),
        "--kubelet-preferred-address-types=InternalIP",
        *(f"--proxy-client-cert-file={PKI}/aggregator.crt", f"--proxy-client-key-file={PKI}/aggregator.key"),
        *(f"--requestheader-client-ca-file={PKI}/ca.crt", f"--requestheader-allowed-names={AGGREGATOR}"),
        *("--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group"),
        # From here pods' addresses can be reached, Services' can't.
        "--enable-aggregator-routing=true",
    )
    wait("the API server", READY_SECONDS, ready)
    _start(
        "kube-controller-manager",
        *_as("controllers"),
        *(f"--service-account-private-key-file={PKI}/accounts.key", f"--root-ca-file={PKI}/ca.crt"),
        *("--use-service-account-credentials=true", "--bind-address=127.0.0.1", "--controllers=*,-nodeipam"),
        # A lost node's pods are replaced after 20 s: the grace is 40 s by default, which a test would only wait for.
        "--node-monitor-grace-period=20s",
    )
    _start("kube-scheduler", *_as("scheduler"), "--bind-address=127.0.0.1")
    while True:
        os.wait()


if __name__ == "__main__":
    cgroups.enter("control")
    main()
