"""The Sentinels: one StatefulSet that watches all pairs."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.platform import Platform
from components.redis.pods import (
    Peers,
    governing_service,
    operations_env,
    script_probe,
    stateful_set,
)
from components.redis.settings import RedisSettings
from components.redis.texts import sentinel_files
from components.redis.topology import (
    SENTINEL_PORT,
    SENTINEL_SYSTEM,
    addresses,
    node_names,
    sentinel_names,
)
from components.settings.images import Images

SENTINEL_SECRETS = "redis-sentinel"


def peers_of(settings: RedisSettings, images: Images) -> Peers:
    """The Sentinels as a set of servers."""
    return Peers(
        system=SENTINEL_SYSTEM,
        name=SENTINEL_SYSTEM,
        replicas=settings.sentinels.count,
        port=SENTINEL_PORT,
        image=images.redis,
        exporter_image=images.redis_exporter,
        exporter=settings.exporter,
        storage=settings.sentinels.storage,
        # The next one goes only when this one has been heard by the others.
        min_ready_seconds=10,
        grace_seconds=15,
        tls=settings.tls,
        labels={},
    )


def _server(settings: RedisSettings, image: str) -> k8s.core.v1.ContainerArgs:
    all_nodes = [node for pair in settings.pairs() for node in node_names(pair)]
    probe = "/etc/sentinel/probe.sh"
    return k8s.core.v1.ContainerArgs(
        name="sentinel",
        image=image,
        command=["sh", "/etc/sentinel/start-sentinel.sh"],
        env=[
            workload.pod_ip_env(),
            workload.field_env("POD_NAME", "metadata.name"),
            workload.env("PORT", str(SENTINEL_PORT)),
            workload.env("MASTER_NAMES", " ".join(settings.pairs())),
            workload.env("NODES", addresses(all_nodes)),
            workload.env("SENTINELS", addresses(sentinel_names(settings))),
            *operations_env(settings, "/etc/sentinel"),
        ],
        ports=[k8s.core.v1.ContainerPortArgs(name=SENTINEL_SYSTEM, container_port=SENTINEL_PORT)],
        resources=settings.sentinels.resources.requirements(),
        security_context=workload.container_security(),
        startup_probe=script_probe(probe, "started", period=2, timeout=5, failures=30),
        liveness_probe=script_probe(probe, "live", period=10, timeout=5, failures=3),
        readiness_probe=script_probe(probe, "quorum", period=5, timeout=5, failures=2),
        volume_mounts=[
            workload.mount("data", "/data"),
            workload.mount("config", "/etc/sentinel", read_only=True),
            workload.mount("secrets", "/etc/sentinel-secrets", read_only=True),
        ],
    )


def declare_sentinels(
    prefix: str,
    platform: Platform,
    settings: RedisSettings,
    images: Images,
    *,
    secret_files: Mapping[str, str],
    before: Sequence[pulumi.Resource],
    service_account: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.StatefulSet:
    """ConfigMap, StatefulSet and disruption budget of the Sentinels; `before` as for a pair."""
    peers = peers_of(settings, images)
    texts = sentinel_files(settings)
    config = workload.config_map(f"{prefix}-sentinel-config", platform, SENTINEL_SYSTEM, peers.name, texts, opts=opts)
    headless = governing_service(prefix, platform, peers, opts=opts)
    workload.disruption_budget(f"{prefix}-sentinel-budget", platform, SENTINEL_SYSTEM, opts=opts)
    return stateful_set(
        f"{prefix}-sentinels",
        platform,
        peers,
        checksum=workload.files_checksum(texts, secret_files),
        server=_server(settings, peers.image),
        volumes=[workload.config_volume("config", peers.name), workload.secret_volume("secrets", SENTINEL_SECRETS)],
        service_account=service_account,
        opts=workload.after(
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True)), config, headless, *before
        ),
    )
