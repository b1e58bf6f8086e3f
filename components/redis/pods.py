"""What Redis nodes and Sentinels have in common as Kubernetes objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.budget import disruption_budget
from components.kubernetes.configuration import config_map
from components.kubernetes.flows import REDIS_EXPORTER_PORT
from components.kubernetes.pod import POD_IP, Container, Pod, SecretKey, Value, Volume, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.service import headless_service, pod_service
from components.kubernetes.stateful_set import stateful_set
from components.platform import Platform
from components.redis.settings import RedisSettings
from components.redis.tls import client_options
from components.redis.topology import UID
from components.settings.images import Images
from components.settings.secrets import RedisSecrets

CREDENTIALS = "redis-credentials"


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """What the pairs are made from."""

    platform: Platform
    settings: RedisSettings
    secrets: RedisSecrets
    images: Images


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a set of servers finds in the cluster: `before` are the Secrets that its pods read, and the Services whose
    addresses they announce and ask. A container sees those only that exist before it starts.
    """

    account: pulumi.Input[str]
    before: Sequence[pulumi.Resource]


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Redis servers that each have a stable address and a volume `data`: one StatefulSet, named `name` as are its
    governing Service and its ConfigMap. `extra_labels` tell its pods from those of other sets of the same system.
    """

    name: str
    server: Container
    volumes: Mapping[str, Volume]
    texts: Mapping[str, str]
    secret_files: Mapping[str, str]
    replicas: int
    port: int
    storage: int
    min_ready_seconds: int
    grace_seconds: int
    extra_labels: Mapping[str, str]


def operations_env(settings: RedisSettings, texts: str) -> Mapping[str, Value]:
    """How scripts log in as the operations user: redis-cli reads the password from REDISCLI_AUTH. `texts` is the
    directory of the mounted texts.
    """
    return {"REDISCLI_AUTH": SecretKey(CREDENTIALS, "operations"), **client_options(settings, texts)}


def declare_addresses(scope: Scope, servers: Servers) -> list[k8s.core.v1.Service]:
    """A Service for each pod, named as the pod: its address is what the pod announces. Sentinels must see a node that
    still loads. The last one is the governing Service.
    """
    suffix = servers.name.removeprefix("redis-")
    pods = [
        pod_service(scope, f"{suffix}-{ordinal}", f"{servers.name}-{ordinal}", servers.port)
        for ordinal in range(servers.replicas)
    ]
    governing = headless_service(
        scope, suffix, servers.port, name=servers.name, extra_selector=servers.extra_labels, before_ready=True
    )
    return [*pods, governing]


def declare_servers(
    scope: Scope,
    servers: Servers,
    args: RedisArgs,
    needs: Needs,
    *,
    patience: int = 0,
    aliases: Sequence[pulumi.Alias] = (),
) -> None:
    """ConfigMap, disruption budget and StatefulSet: each server with an exporter, never two on one node, volumes kept
    when pods go. The engine waits for `patience` seconds.
    """
    config = config_map(scope, "config", servers.name, servers.texts)
    disruption_budget(scope, name=servers.name, extra_selector=servers.extra_labels)
    pod = Pod(
        uid=UID,
        account=needs.account,
        priority="data",
        grace_period=servers.grace_seconds,
        placement="anti-affinity",
        service_links=True,
        extra_labels=servers.extra_labels,
        files=[servers.texts, servers.secret_files],
        containers=[servers.server, _exporter(servers.port, args)],
        volumes=servers.volumes,
    )
    stateful_set(
        scope,
        "nodes",
        pod,
        name=servers.name,
        replicas=servers.replicas,
        claims={"data": servers.storage},
        parallel=True,
        min_ready_seconds=servers.min_ready_seconds,
        keeps_volumes=True,
        opts=scope.options(after=[config, *needs.before], patience=patience, protect=True, aliases=aliases),
    )


def _exporter(port: int, args: RedisArgs) -> Container:
    """redis_exporter beside the server, logged in as the exporter user."""
    tls = args.settings.tls
    return Container(
        name="exporter",
        image=args.images.redis_exporter,
        env={
            **POD_IP,
            "REDIS_ADDR": f"{'rediss' if tls else 'redis'}://$(POD_IP):{port}",
            # Its own pod's address, which no certificate names.
            "REDIS_EXPORTER_SKIP_TLS_VERIFICATION": "true" if tls else None,
            "REDIS_USER": "exporter",
            "REDIS_EXPORTER_CONFIG_COMMAND": "-",  # asks for none, which its user may not read
            "REDIS_PASSWORD": SecretKey(CREDENTIALS, "exporter"),
            "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": f"$(POD_IP):{REDIS_EXPORTER_PORT}",
        },
        ports={"metrics": REDIS_EXPORTER_PORT},
        resources=args.settings.exporter,
        readiness=http_probe("/health", "metrics", failures=None, timeout=None),
        liveness=http_probe("/health", "metrics", period=20, timeout=None),
    )
