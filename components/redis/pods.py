"""What Redis nodes and Sentinels have in common as Kubernetes objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.platform import Platform
from components.redis.settings import RedisSettings
from components.redis.tls import client_options
from components.redis.topology import EXPORTER_PORT, UID
from components.settings.quantities import kubernetes_memory
from components.workload import Resources

CREDENTIALS = "redis-credentials"
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"


@dataclass(frozen=True, kw_only=True)
class Peers:
    """Redis servers that each have a stable address and a volume: one StatefulSet. `labels` tell its pods from those
    of other StatefulSets of the same system.
    """

    system: str
    name: str
    replicas: int
    port: int
    image: str
    exporter_image: str
    exporter: Resources
    storage: int
    min_ready_seconds: int
    grace_seconds: int
    tls: bool
    labels: Mapping[str, str]


def pod_services(
    prefix: str, platform: Platform, peers: Peers, *, opts: pulumi.ResourceOptions
) -> list[k8s.core.v1.Service]:
    """A Service for each pod, named as the pod. Its address survives the pod and is what the pod announces;
    it is reachable before the pod is ready, since Sentinels must see a node that still loads.
    """
    pods = [f"{peers.name}-{ordinal}" for ordinal in range(peers.replicas)]
    return [
        workload.service(
            f"{prefix}-{pod.removeprefix('redis-')}",
            platform,
            peers.system,
            peers.port,
            object_name=pod,
            match_labels={**workload.selector(peers.system), POD_NAME_LABEL: pod},
            publish_not_ready=True,
            opts=opts,
        )
        for pod in pods
    ]


def governing_service(
    prefix: str, platform: Platform, peers: Peers, *, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Service:
    """The headless Service that a StatefulSet requires; nothing dials it."""
    return k8s.core.v1.Service(
        f"{prefix}-{peers.name.removeprefix('redis-')}",
        metadata=workload.metadata(platform, peers.name, peers.system, annotations={"pulumi.com/skipAwait": "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            cluster_ip="None",
            selector={**workload.selector(peers.system), **peers.labels},
            publish_not_ready_addresses=True,
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=peers.port, target_port=peers.port)],
        ),
        opts=opts,
    )


def operations_env(settings: RedisSettings, texts: str) -> list[k8s.core.v1.EnvVarArgs]:
    """How scripts log in as the operations user: redis-cli reads the password from REDISCLI_AUTH. `texts` is the
    directory of the mounted texts.
    """
    return [
        workload.secret_env("REDISCLI_AUTH", CREDENTIALS, "operations"),
        *(workload.env(name, value) for name, value in client_options(settings, texts).items()),
    ]


def script_probe(script: str, argument: str, *, period: int, timeout: int, failures: int) -> k8s.core.v1.ProbeArgs:
    """A probe that runs a script with an argument."""
    return k8s.core.v1.ProbeArgs(
        exec_=k8s.core.v1.ExecActionArgs(command=["sh", script, argument]),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def exporter_sidecar(peers: Peers) -> k8s.core.v1.ContainerArgs:
    """redis_exporter beside the server, logged in as the exporter user."""
    health = k8s.core.v1.HTTPGetActionArgs(path="/health", port="metrics")
    return k8s.core.v1.ContainerArgs(
        name="exporter",
        image=peers.exporter_image,
        env=[
            workload.pod_ip_env(),
            workload.env("REDIS_ADDR", f"{'rediss' if peers.tls else 'redis'}://$(POD_IP):{peers.port}"),
            # Its own pod's address, which no certificate names.
            *([workload.env("REDIS_EXPORTER_SKIP_TLS_VERIFICATION", "true")] if peers.tls else []),
            workload.env("REDIS_USER", "exporter"),
            workload.secret_env("REDIS_PASSWORD", CREDENTIALS, "exporter"),
            workload.env("REDIS_EXPORTER_WEB_LISTEN_ADDRESS", f"$(POD_IP):{EXPORTER_PORT}"),
        ],
        ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=EXPORTER_PORT)],
        resources=peers.exporter.requirements(),
        security_context=workload.container_security(),
        readiness_probe=k8s.core.v1.ProbeArgs(http_get=health, period_seconds=10),
        liveness_probe=k8s.core.v1.ProbeArgs(http_get=health, period_seconds=20, failure_threshold=3),
    )


def stateful_set(
    resource_name: str,
    platform: Platform,
    peers: Peers,
    *,
    checksum: str,
    server: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    service_account: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.StatefulSet:
    """Servers with an exporter each: never two on one node, spread over zones, volumes kept when pods go."""
    match = {**workload.selector(peers.system), **peers.labels}
    return k8s.apps.v1.StatefulSet(
        resource_name,
        metadata=workload.metadata(platform, peers.name, peers.system, extra_labels=peers.labels),
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            service_name=peers.name,
            replicas=peers.replicas,
            pod_management_policy="Parallel",
            min_ready_seconds=peers.min_ready_seconds,
            revision_history_limit=5,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=match),
            persistent_volume_claim_retention_policy=(
                k8s.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
                    when_deleted="Retain", when_scaled="Retain"
                )
            ),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=workload.pod_metadata(
                    platform, peers.system, checksum=checksum, scrape=True, extra_labels=peers.labels
                ),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=service_account,
                    automount_service_account_token=False,
                    enable_service_links=True,
                    priority_class_name=platform.priority("data"),
                    termination_grace_period_seconds=peers.grace_seconds,
                    security_context=workload.pod_security(UID),
                    affinity=workload.apart(match),
                    topology_spread_constraints=workload.spread(match, nodes=False),
                    containers=[server, exporter_sidecar(peers)],
                    volumes=list(volumes),
                ),
            ),
            volume_claim_templates=[
                k8s.core.v1.PersistentVolumeClaimArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(name="data", labels=match),
                    spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                        access_modes=["ReadWriteOnce"],
                        resources=k8s.core.v1.VolumeResourceRequirementsArgs(
                            requests={"storage": kubernetes_memory(peers.storage)}
                        ),
                    ),
                )
            ],
        ),
        opts=opts,
    )
