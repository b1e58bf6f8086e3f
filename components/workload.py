"""What every pod of this program has in common: labels, a restricted security context, spread, budgets, checksums.

The security contexts satisfy the Pod Security Standard "restricted"
(https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.platform import PROJECT, Platform
from components.settings.quantities import Bytes, Cpu, kubernetes_cpu, kubernetes_memory
from components.settings.section import Section, setting

CHECKSUM_ANNOTATION = "simone.shop/config-checksum"


class Resources(Section):
    """What a container asks for and may use. The memory limit equals the request: no overcommit, no surprise."""

    cpu: Cpu = setting("100m", unit="cores", why="what the scheduler sets aside", ge=1, le=64_000)
    cpu_limit: Cpu | None = setting(
        None, unit="cores", why="none by default: a CPU limit throttles latency even on an idle node"
    )
    memory: Bytes = setting("128MiB", unit="bytes", why="request and limit", ge=2**20)

    def requirements(self) -> k8s.core.v1.ResourceRequirementsArgs:
        limits = {"memory": kubernetes_memory(self.memory)}
        if self.cpu_limit is not None:
            limits["cpu"] = kubernetes_cpu(self.cpu_limit)
        requests = {"cpu": kubernetes_cpu(self.cpu), "memory": kubernetes_memory(self.memory)}
        return k8s.core.v1.ResourceRequirementsArgs(requests=requests, limits=limits)


def selector(system: str) -> dict[str, str]:
    """The labels that find a system's pods; they never change (a Deployment's selector is immutable)."""
    return {"app.kubernetes.io/name": system, "app.kubernetes.io/part-of": PROJECT}


def labels(platform: Platform, system: str, component: str = "") -> dict[str, str]:
    """The recommended labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/)."""
    return {
        **selector(system),
        "app.kubernetes.io/component": component or system,
        "app.kubernetes.io/instance": f"{PROJECT}-{platform.environment}",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def metadata(
    platform: Platform,
    name: str,
    system: str,
    *,
    component: str = "",
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
    extra_labels: Mapping[str, str] | None = None,
) -> k8s.meta.v1.ObjectMetaArgs:
    """Metadata of a namespaced object with a fixed name."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=platform.namespace,
        labels={**labels(platform, system, component), **(extra_labels or {})},
        annotations=dict(annotations) if annotations else None,
    )


def pod_metadata(
    platform: Platform,
    system: str,
    *,
    checksum: str = "",
    scrape: bool = False,
    component: str = "",
    extra_labels: Mapping[str, str] | None = None,
) -> k8s.meta.v1.ObjectMetaArgs:
    """Metadata of a pod template. `checksum` restarts the pods when their configuration changes; `scrape` lets
    Prometheus read the container port named `metrics`.
    """
    annotations: dict[str, str] = {}
    if checksum:
        annotations[CHECKSUM_ANNOTATION] = checksum
    if scrape:
        annotations["prometheus.io/scrape"] = "true"
    return k8s.meta.v1.ObjectMetaArgs(
        labels={**labels(platform, system, component), **(extra_labels or {})},
        annotations=annotations or None,
    )


def checksum(*texts: str) -> str:
    """A short fingerprint of configuration texts, for the annotation that rolls pods."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def files_checksum(*file_sets: Mapping[str, str]) -> str:
    """`checksum` of whole file sets, independent of their order."""
    return checksum(*(part for files in file_sets for pair in sorted(files.items()) for part in pair))


def after(opts: pulumi.ResourceOptions, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
    """`opts`, and declared only once these are there. Pods come after all that they read: a text that changes is in
    the cluster before the pods that its checksum rolls, and an address exists before the pod that is told it.
    """
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(resources)))


def patient(opts: pulumi.ResourceOptions, seconds: int) -> pulumi.ResourceOptions:
    """`opts`, and waited for so long; the engine's own ten minutes would call what is still at work a failure."""
    waiting = pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=waiting))


def pod_security(uid: int) -> k8s.core.v1.PodSecurityContextArgs:
    """A pod that runs as `uid` (and a group of the same number, which owns its volumes)."""
    return k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=uid,
        fs_group=uid,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> k8s.core.v1.SecurityContextArgs:
    """A container that can neither gain privileges nor write to its image."""
    return k8s.core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def env(name: str, value: pulumi.Input[str]) -> k8s.core.v1.EnvVarArgs:
    """An environment variable with a plain value; `$(OTHER)` in it is expanded by the kubelet."""
    return k8s.core.v1.EnvVarArgs(name=name, value=value)


def field_env(name: str, field_path: str) -> k8s.core.v1.EnvVarArgs:
    """An environment variable from the pod's own fields (downward API)."""
    return k8s.core.v1.EnvVarArgs(
        name=name,
        value_from=k8s.core.v1.EnvVarSourceArgs(field_ref=k8s.core.v1.ObjectFieldSelectorArgs(field_path=field_path)),
    )


def pod_ip_env() -> k8s.core.v1.EnvVarArgs:
    """`POD_IP`: the address that a server binds to and that probes and sidecars dial."""
    return field_env("POD_IP", "status.podIP")


def secret_env(name: str, secret: str, key: str) -> k8s.core.v1.EnvVarArgs:
    """An environment variable from a Secret's key, for programs that can't read a file."""
    return k8s.core.v1.EnvVarArgs(
        name=name,
        value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=k8s.core.v1.SecretKeySelectorArgs(name=secret, key=key)),
    )


def http_probe(path: str, port: int, *, period: int, failures: int, timeout: int = 2) -> k8s.core.v1.ProbeArgs:
    """A probe by HTTP GET on the pod's own address; `period` and `timeout` in seconds."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port=port),
        period_seconds=period,
        failure_threshold=failures,
        timeout_seconds=timeout,
    )


def drain(seconds: int) -> k8s.core.v1.LifecycleArgs:
    """Keeps serving for a while after the pod was told to stop: until then load balancers still send requests."""
    return k8s.core.v1.LifecycleArgs(
        pre_stop=k8s.core.v1.LifecycleHandlerArgs(exec_=k8s.core.v1.ExecActionArgs(command=["sleep", str(seconds)]))
    )


def empty_dir(name: str, size: int, *, in_memory: bool = False) -> k8s.core.v1.VolumeArgs:
    """A scratch directory of at most `size` bytes that goes with the pod."""
    return k8s.core.v1.VolumeArgs(
        name=name,
        empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(
            size_limit=kubernetes_memory(size), medium="Memory" if in_memory else None
        ),
    )


def config_volume(name: str, config_map_name: str) -> k8s.core.v1.VolumeArgs:
    """A ConfigMap's keys as files."""
    return k8s.core.v1.VolumeArgs(name=name, config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map_name))


def secret_volume(name: str, secret_name: str) -> k8s.core.v1.VolumeArgs:
    """A Secret's keys as files that only the pod's group may read."""
    return k8s.core.v1.VolumeArgs(
        name=name, secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=secret_name, default_mode=0o440)
    )


def mount(volume: str, path: str, *, read_only: bool = False) -> k8s.core.v1.VolumeMountArgs:
    """Where a container sees a volume."""
    return k8s.core.v1.VolumeMountArgs(name=volume, mount_path=path, read_only=read_only or None)


def service_account(
    name: str,
    platform: Platform,
    system: str,
    *,
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
    object_name: str = "",
    mounts_token: bool = False,
) -> k8s.core.v1.ServiceAccount:
    """A service account of the system's own. Its token is mounted only where a pod talks to the cluster's API."""
    return k8s.core.v1.ServiceAccount(
        name,
        metadata=metadata(platform, object_name or system, system, annotations=annotations),
        automount_service_account_token=mounts_token,
        opts=opts,
    )


def config_map(
    name: str,
    platform: Platform,
    system: str,
    object_name: str,
    files: Mapping[str, str],
    *,
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.ConfigMap:
    """Configuration texts by file name. Put `files_checksum(files)` on the pods that mount it."""
    return k8s.core.v1.ConfigMap(name, metadata=metadata(platform, object_name, system), data=dict(files), opts=opts)


def secret(
    name: str,
    platform: Platform,
    system: str,
    object_name: str,
    files: Mapping[str, str],
    *,
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Secret:
    """Secret texts by file name, secret in previews and state too."""
    return k8s.core.v1.Secret(
        name,
        metadata=metadata(platform, object_name, system),
        type="Opaque",
        string_data=pulumi.Output.secret(dict(files)),
        opts=opts,
    )


def service(
    name: str,
    platform: Platform,
    system: str,
    port: int,
    *,
    opts: pulumi.ResourceOptions,
    object_name: str = "",
    match_labels: Mapping[str, str] | None = None,
    publish_not_ready: bool = False,
) -> k8s.core.v1.Service:
    """A cluster address for the matching pods, on their own port.

    It is declared before its pods, which find each other by its environment variables; so the engine must not wait
    for its endpoints (`skipAwait`).
    """
    return k8s.core.v1.Service(
        name,
        metadata=metadata(platform, object_name or system, system, annotations={"pulumi.com/skipAwait": "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            selector=dict(match_labels or selector(system)),
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=port, target_port=port, protocol="TCP")],
            publish_not_ready_addresses=publish_not_ready or None,
        ),
        opts=opts,
    )


def apart(match_labels: Mapping[str, str]) -> k8s.core.v1.AffinityArgs:
    """Hard anti-affinity: no two pods with these labels on one node."""
    return k8s.core.v1.AffinityArgs(
        pod_anti_affinity=k8s.core.v1.PodAntiAffinityArgs(
            required_during_scheduling_ignored_during_execution=[
                k8s.core.v1.PodAffinityTermArgs(
                    label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(match_labels)),
                    topology_key="kubernetes.io/hostname",
                )
            ]
        )
    )


def spread(
    match_labels: Mapping[str, str], *, nodes: bool = True
) -> Sequence[k8s.core.v1.TopologySpreadConstraintArgs]:
    """Even over zones, and over nodes unless `apart` already sees to that; never at the cost of not running."""
    keys = ["topology.kubernetes.io/zone", *(["kubernetes.io/hostname"] if nodes else [])]
    return [
        k8s.core.v1.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(match_labels)),
        )
        for key in keys
    ]


def disruption_budget(
    name: str,
    platform: Platform,
    system: str,
    *,
    opts: pulumi.ResourceOptions,
    object_name: str = "",
    match_labels: Mapping[str, str] | None = None,
    max_unavailable: int = 1,
) -> k8s.policy.v1.PodDisruptionBudget:
    """How many of the matching pods a node drain may take at once."""
    return k8s.policy.v1.PodDisruptionBudget(
        name,
        metadata=metadata(platform, object_name or system, system),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=max_unavailable,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(match_labels or selector(system))),
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=opts,
    )


class Autoscaling(Section):
    """How many pods, and when more."""

    minimum: int = setting(2, unit="pods", why="two, so that one can be lost or drained", ge=1, le=100)
    maximum: int = setting(10, unit="pods", why="the most that the database's connections allow for", ge=1, le=500)
    cpu_percent: int = setting(
        70,
        unit="% of the CPU request",
        why="leaves room for a pod's loss while a new one starts",
        ge=10,
        le=95,
    )

    def contradictions(self) -> Iterable[str]:
        if self.minimum > self.maximum:
            yield (f"minimum is {self.minimum}, more than maximum {self.maximum}; lower minimum or raise maximum")


def autoscaler(
    name: str, platform: Platform, system: str, scaling: Autoscaling, *, opts: pulumi.ResourceOptions
) -> k8s.autoscaling.v2.HorizontalPodAutoscaler:
    """Scales the Deployment of the system's name by CPU; the Deployment itself then states no replicas."""
    return k8s.autoscaling.v2.HorizontalPodAutoscaler(
        name,
        metadata=metadata(platform, system, system),
        spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            min_replicas=scaling.minimum,
            max_replicas=scaling.maximum,
            scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=system
            ),
            metrics=[
                k8s.autoscaling.v2.MetricSpecArgs(
                    type="Resource",
                    resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(
                        name="cpu",
                        target=k8s.autoscaling.v2.MetricTargetArgs(
                            type="Utilization", average_utilization=scaling.cpu_percent
                        ),
                    ),
                )
            ],
            behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_down=k8s.autoscaling.v2.HPAScalingRulesArgs(stabilization_window_seconds=300)
            ),
        ),
        opts=opts,
    )
