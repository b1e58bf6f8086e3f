"""A pair: master and replica as a StatefulSet of two pods with an address and a volume each."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.platform import Platform
from components.redis.pods import (
    Peers,
    governing_service,
    operations_env,
    pod_services,
    script_probe,
    stateful_set,
)
from components.redis.settings import Pair, RedisSettings
from components.redis.texts import node_files
from components.redis.topology import (
    NODES_PER_PAIR,
    PORT,
    SYSTEM,
    addresses,
    node_names,
    sentinel_names,
)
from components.settings.images import Images
from components.settings.quantities import MIB

PAIR_LABEL = "simone.shop/redis-pair"
NODE_SECRETS = "redis-nodes"
# A planned stop hands over first (1.3 s measured; one refused attempt may follow another failover by 20 s).
HANDOVER_SECONDS, GRACE_SECONDS = 40, 60
# A second failover within 19 s of the first is aborted (measured), so a roll-out waits longer than that.
MIN_READY_SECONDS = 30
# Loading an AOF: 20 MiB/s is what the slowest volumes give, gp3 does six times as much.
LOAD_RATE, STARTUP_PERIOD, SHORTEST_STARTUP = 20 * MIB, 5, 120


def labels_of(pair: str) -> dict[str, str]:
    """What tells a pair's pods from those of the other pairs."""
    return {PAIR_LABEL: pair}


def peers_of(pair_name: str, settings: RedisSettings, images: Images) -> Peers:
    """The pair as a set of servers."""
    return Peers(
        system=SYSTEM,
        name=f"redis-{pair_name}",
        replicas=NODES_PER_PAIR,
        port=PORT,
        image=images.redis,
        exporter_image=images.redis_exporter,
        exporter=settings.exporter,
        storage=settings.pairs()[pair_name].volume,
        min_ready_seconds=MIN_READY_SECONDS,
        grace_seconds=GRACE_SECONDS,
        tls=settings.tls,
        labels=labels_of(pair_name),
    )


def _startup_seconds(pair: Pair) -> int:
    """How long a node may load its data."""
    return max(SHORTEST_STARTUP, pair.volume // LOAD_RATE)


def _server(pair_name: str, pair: Pair, settings: RedisSettings, image: str) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="redis",
        image=image,
        command=["sh", "/etc/redis/start.sh"],
        env=[
            workload.pod_ip_env(),
            workload.field_env("POD_NAME", "metadata.name"),
            workload.env("PORT", str(PORT)),
            workload.env("MASTER_NAME", pair_name),
            workload.env("NODES", addresses(node_names(pair_name))),
            workload.env("SENTINELS", addresses(sentinel_names(settings))),
            workload.env("HANDOVER_SECONDS", str(HANDOVER_SECONDS)),
            *operations_env(settings, "/etc/redis"),
        ],
        ports=[k8s.core.v1.ContainerPortArgs(name=SYSTEM, container_port=PORT)],
        resources=pair.resources.requirements(),
        security_context=workload.container_security(),
        startup_probe=script_probe(
            "/etc/redis/probe.sh",
            "started",
            period=STARTUP_PERIOD,
            timeout=5,
            failures=_startup_seconds(pair) // STARTUP_PERIOD,
        ),
        liveness_probe=script_probe("/etc/redis/probe.sh", "live", period=10, timeout=5, failures=3),
        readiness_probe=script_probe("/etc/redis/probe.sh", "ready", period=5, timeout=5, failures=2),
        lifecycle=k8s.core.v1.LifecycleArgs(
            pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                exec_=k8s.core.v1.ExecActionArgs(command=["sh", "/etc/redis/stop.sh"])
            )
        ),
        volume_mounts=[
            workload.mount("data", "/data"),
            workload.mount("config", "/etc/redis", read_only=True),
            workload.mount("secrets", "/etc/redis-secrets", read_only=True),
            workload.mount("run", "/srv/redis"),
        ],
    )


def declare_pair(
    prefix: str,
    pair_name: str,
    platform: Platform,
    settings: RedisSettings,
    images: Images,
    *,
    secret_files: Mapping[str, str],
    before: Sequence[pulumi.Resource],
    service_account: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.StatefulSet:
    """ConfigMap, StatefulSet and disruption budget of a pair.

    `before` are the Secrets that the pods read, and the Services whose addresses they announce and ask: a container
    sees those only that exist before it starts.
    """
    pair = settings.pairs()[pair_name]
    peers = peers_of(pair_name, settings, images)
    texts = node_files(settings, pair)
    config = workload.config_map(f"{prefix}-{pair_name}-config", platform, SYSTEM, peers.name, texts, opts=opts)
    headless = governing_service(prefix, platform, peers, opts=opts)
    workload.disruption_budget(
        f"{prefix}-{pair_name}-budget",
        platform,
        SYSTEM,
        object_name=peers.name,
        match_labels={**workload.selector(SYSTEM), **peers.labels},
        opts=opts,
    )
    return stateful_set(
        f"{prefix}-{pair_name}-nodes",
        platform,
        peers,
        checksum=workload.files_checksum(texts, secret_files),
        server=_server(pair_name, pair, settings, peers.image),
        volumes=[
            workload.config_volume("config", peers.name),
            workload.secret_volume("secrets", NODE_SECRETS),
            workload.empty_dir("run", MIB),
        ],
        service_account=service_account,
        opts=workload.after(
            workload.patient(
                pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True)),
                NODES_PER_PAIR * (_startup_seconds(pair) + MIN_READY_SECONDS + GRACE_SECONDS),
            ),
            config,
            headless,
            *before,
        ),
    )


def declare_services(
    prefix: str, platform: Platform, settings: RedisSettings, images: Images, *, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """The Services of all nodes, one for each pod."""
    return [
        service
        for pair in settings.pairs()
        for service in pod_services(prefix, platform, peers_of(pair, settings, images), opts=opts)
    ]
