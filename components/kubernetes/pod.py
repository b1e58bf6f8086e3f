"""The pod builder: every pod of this program is made here.

The security contexts satisfy the Pod Security Standard "restricted"
(https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.configuration import CHECKSUM_ANNOTATION, files_checksum
from components.kubernetes.scope import Scope, labels
from components.platform import Priority
from components.settings.pods import Resources
from components.settings.quantities import kubernetes_cpu, kubernetes_memory

TMP = "/tmp"  # noqa: S108 - the container's own


@dataclass(frozen=True)
class PodField:
    """A variable's value from the pod's own fields (downward API)."""

    path: str


@dataclass(frozen=True)
class SecretKey:
    """A variable's value from a Secret's key, for programs that can't read a file."""

    secret: str
    key: str


Value = pulumi.Input[str] | PodField | SecretKey | None
"""Of an environment variable: `$(OTHER)` in a text is expanded by the kubelet, and None leaves the variable out."""

POD_IP: Mapping[str, Value] = {"POD_IP": PodField("status.podIP")}
"""The address that a server binds to and that probes and sidecars dial."""


@dataclass(frozen=True)
class ConfigFiles:
    """A ConfigMap's keys as files; read-only."""

    config_map: str


@dataclass(frozen=True)
class SecretFiles:
    """A Secret's keys as files that only the pod's group may read; read-only."""

    secret: str


@dataclass(frozen=True)
class Scratch:
    """A directory of at most `size` bytes that goes with the pod; `read_only` where it is filled from outside."""

    size: int
    read_only: bool = False


Volume = ConfigFiles | SecretFiles | Scratch


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container that can neither gain privileges nor write to its image.

    `ports` are by name; Prometheus scrapes the one named `metrics`. `mounts` are directories by the name of the pod's
    volume (or of its StatefulSet's claim); those of configuration and secrets are read-only. `before_stop` is run when
    the pod is told to stop.
    """

    name: str
    image: str
    resources: Resources
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    working_directory: str | None = None
    env: Mapping[str, Value] = field(default_factory=dict[str, Value])
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    mounts: Mapping[str, str] = field(default_factory=dict[str, str])
    startup: k8s.core.v1.ProbeArgs | None = None
    liveness: k8s.core.v1.ProbeArgs | None = None
    readiness: k8s.core.v1.ProbeArgs | None = None
    before_stop: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Pod:
    """Pods of one kind, under their system's service account unless `account` names another.

    `files` are the texts that the containers read: the pods roll when one changes. `scraped` pods tell Prometheus so.
    `grace_period` is in seconds and includes whatever the containers do before they stop. `placement`: anywhere, spread
    over zones and nodes but never at the cost of not running, or never two on one node. `component` and `extra_labels`
    stand on the pods and on their controller; the latter tell a system's pods of different controllers apart.
    """

    uid: int
    containers: Sequence[Container]
    volumes: Mapping[str, Volume] = field(default_factory=dict[str, Volume])
    files: Sequence[Mapping[str, str]] = ()
    account: pulumi.Input[str] | None = None
    priority: Priority = "serving"
    scraped: bool = True
    component: str = ""
    extra_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    grace_period: int | None = None
    placement: Literal["anywhere", "spread", "anti-affinity"] = "anywhere"
    mounts_token: bool = False
    restarts: Literal["Never"] | None = None
    service_links: bool | None = None


def drain(seconds: int, mark: str = "") -> Sequence[str]:
    """`before_stop` of a server: it serves on for a while, since load balancers still send requests until then.

    `mark` is a file that tells the server so.
    """
    return ["sh", "-c", f"touch {mark} && sleep {seconds}"] if mark else ["sleep", str(seconds)]


def http_probe(
    path: str,
    port: int | str,
    *,
    period: int = 10,
    failures: int | None = 3,
    timeout: int | None = 2,
) -> k8s.core.v1.ProbeArgs:
    """A probe by HTTP GET on the pod's own address; `period` and `timeout` in seconds, None: Kubernetes's default."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port=port),
        period_seconds=period,
        failure_threshold=failures,
        timeout_seconds=timeout,
    )


def tcp_probe(port: int, *, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    """A probe that opens a connection; `period` in seconds."""
    return k8s.core.v1.ProbeArgs(
        tcp_socket=k8s.core.v1.TCPSocketActionArgs(port=port), period_seconds=period, failure_threshold=failures
    )


def command_probe(*command: str, period: int, failures: int, timeout: int = 5) -> k8s.core.v1.ProbeArgs:
    """A probe that runs a command in the container; `period` and `timeout` in seconds."""
    return k8s.core.v1.ProbeArgs(
        exec_=k8s.core.v1.ExecActionArgs(command=list(command)),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def pod_template(scope: Scope, pod: Pod) -> k8s.core.v1.PodTemplateSpecArgs:
    """The pods as a controller's template."""
    annotations: dict[str, str] = {}
    if pod.files:
        annotations[CHECKSUM_ANNOTATION] = files_checksum(*pod.files)
    if pod.scraped:
        annotations["prometheus.io/scrape"] = "true"
    match = {**scope.selector, **pod.extra_labels}
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            labels={**labels(scope.platform, scope.system, pod.component), **pod.extra_labels},
            annotations=annotations or None,
        ),
        spec=k8s.core.v1.PodSpecArgs(
            restart_policy=pod.restarts,
            service_account_name=scope.system if pod.account is None else pod.account,
            automount_service_account_token=pod.mounts_token,
            enable_service_links=pod.service_links,
            priority_class_name=scope.platform.priority(pod.priority),
            security_context=_pod_security(pod.uid),
            termination_grace_period_seconds=pod.grace_period,
            affinity=_anti_affinity(match) if pod.placement == "anti-affinity" else None,
            topology_spread_constraints=_spread(match, pod.placement),
            containers=[_container(container, pod.volumes) for container in pod.containers],
            volumes=[_volume(name, volume) for name, volume in pod.volumes.items()] or None,
        ),
    )


def _container(container: Container, volumes: Mapping[str, Volume]) -> k8s.core.v1.ContainerArgs:
    stop = k8s.core.v1.ExecActionArgs(command=list(container.before_stop))
    return k8s.core.v1.ContainerArgs(
        name=container.name,
        image=container.image,
        command=list(container.command) or None,
        args=list(container.args) or None,
        working_dir=container.working_directory,
        env=[_variable(name, value) for name, value in container.env.items() if value is not None] or None,
        ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in container.ports.items()]
        or None,
        resources=_requirements(container.resources),
        security_context=k8s.core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            privileged=False,
            read_only_root_filesystem=True,
            run_as_non_root=True,
            capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
            seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        startup_probe=container.startup,
        liveness_probe=container.liveness,
        readiness_probe=container.readiness,
        lifecycle=k8s.core.v1.LifecycleArgs(pre_stop=k8s.core.v1.LifecycleHandlerArgs(exec_=stop))
        if container.before_stop
        else None,
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=_is_read_only(volumes.get(name)) or None)
            for name, path in container.mounts.items()
        ]
        or None,
    )


def _is_read_only(volume: Volume | None) -> bool:
    """A StatefulSet's claim is none of the pod's volumes, and is written to."""
    return volume.read_only if isinstance(volume, Scratch) else volume is not None


def _requirements(resources: Resources) -> k8s.core.v1.ResourceRequirementsArgs:
    """The memory limit equals the request: no overcommit, no surprise."""
    limits = {"memory": kubernetes_memory(resources.memory)}
    if resources.cpu_limit is not None:
        limits["cpu"] = kubernetes_cpu(resources.cpu_limit)
    requests = {"cpu": kubernetes_cpu(resources.cpu), "memory": kubernetes_memory(resources.memory)}
    return k8s.core.v1.ResourceRequirementsArgs(requests=requests, limits=limits)


def _variable(name: str, value: pulumi.Input[str] | PodField | SecretKey) -> k8s.core.v1.EnvVarArgs:
    if isinstance(value, PodField):
        source = k8s.core.v1.EnvVarSourceArgs(field_ref=k8s.core.v1.ObjectFieldSelectorArgs(field_path=value.path))
        return k8s.core.v1.EnvVarArgs(name=name, value_from=source)
    if isinstance(value, SecretKey):
        selected = k8s.core.v1.SecretKeySelectorArgs(name=value.secret, key=value.key)
        return k8s.core.v1.EnvVarArgs(name=name, value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=selected))
    return k8s.core.v1.EnvVarArgs(name=name, value=value)


def _volume(name: str, volume: Volume) -> k8s.core.v1.VolumeArgs:
    match volume:
        case ConfigFiles():
            source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=volume.config_map)
            return k8s.core.v1.VolumeArgs(name=name, config_map=source)
        case SecretFiles():
            source = k8s.core.v1.SecretVolumeSourceArgs(secret_name=volume.secret, default_mode=0o440)
            return k8s.core.v1.VolumeArgs(name=name, secret=source)
        case Scratch():
            source = k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=kubernetes_memory(volume.size))
            return k8s.core.v1.VolumeArgs(name=name, empty_dir=source)


def _pod_security(uid: int) -> k8s.core.v1.PodSecurityContextArgs:
    """Runs as `uid`, and a group of the same number, which owns the volumes."""
    return k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=uid,
        fs_group=uid,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def _anti_affinity(match: Mapping[str, str]) -> k8s.core.v1.AffinityArgs:
    return k8s.core.v1.AffinityArgs(
        pod_anti_affinity=k8s.core.v1.PodAntiAffinityArgs(
            required_during_scheduling_ignored_during_execution=[
                k8s.core.v1.PodAffinityTermArgs(
                    label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(match)),
                    topology_key="kubernetes.io/hostname",
                )
            ]
        )
    )


def _spread(
    match: Mapping[str, str], placement: Literal["anywhere", "spread", "anti-affinity"]
) -> Sequence[k8s.core.v1.TopologySpreadConstraintArgs] | None:
    keys = {
        "anywhere": (),
        "spread": ("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
        "anti-affinity": ("topology.kubernetes.io/zone",),
    }[placement]
    return [
        k8s.core.v1.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(match)),
        )
        for key in keys
    ] or None
