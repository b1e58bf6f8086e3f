"""The Sentinels: one StatefulSet that watches all pairs."""

import pulumi

from components.aliases import former_name, taken_in
from components.kubernetes.flows import SENTINEL_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, PodField, SecretFiles, command_probe
from components.kubernetes.scope import Scope
from components.redis.pods import Needs, RedisArgs, Servers, declare_servers, operations_env
from components.redis.texts import sentinel_files, sentinel_secret_files
from components.redis.topology import SENTINEL_SYSTEM, addresses, node_names, sentinel_names

SENTINEL_SECRETS = "redis-sentinel"
PROBE = ("sh", "/etc/sentinel/probe.sh")


class Sentinels(pulumi.ComponentResource):
    """The Sentinels, and all that belongs to them alone; their addresses are `Redis`'s."""

    def __init__(self, name: str, args: RedisArgs, needs: Needs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:redis:Sentinels", name, None, opts)
        own = Scope(name, args.platform, SENTINEL_SYSTEM, taken_in(self, opts))
        declare_servers(own, sentinel_servers(args), args, needs, aliases=[former_name("redis-sentinels", opts)])
        self.register_outputs({})


def sentinel_servers(args: RedisArgs) -> Servers:
    """The Sentinels as a set of servers."""
    settings = args.settings.sentinels
    return Servers(
        name=SENTINEL_SYSTEM,
        server=_server(args),
        volumes={"config": ConfigFiles(SENTINEL_SYSTEM), "secrets": SecretFiles(SENTINEL_SECRETS)},
        texts=sentinel_files(args.settings),
        secret_files=sentinel_secret_files(args.settings, args.secrets),
        replicas=settings.count,
        port=SENTINEL_PORT,
        storage=settings.storage,
        # The next one goes only when this one has been heard by the others.
        min_ready_seconds=10,
        grace_seconds=15,
        extra_labels={},
    )


def _server(args: RedisArgs) -> Container:
    settings = args.settings
    return Container(
        name="sentinel",
        image=args.images.redis,
        command=["sh", "/etc/sentinel/start-sentinel.sh"],
        env={
            **POD_IP,
            "POD_NAME": PodField("metadata.name"),
            "PORT": str(SENTINEL_PORT),
            "MASTER_NAMES": " ".join(settings.pairs()),
            "NODES": addresses([node for pair in settings.pairs() for node in node_names(pair)]),
            "SENTINELS": addresses(sentinel_names(settings)),
            **operations_env(settings, "/etc/sentinel"),
        },
        ports={SENTINEL_SYSTEM: SENTINEL_PORT},
        resources=settings.sentinels.resources,
        startup=command_probe(*PROBE, "started", period=2, failures=30),
        liveness=command_probe(*PROBE, "live", period=10, failures=3),
        readiness=command_probe(*PROBE, "quorum", period=5, failures=2),
        mounts={"data": "/data", "config": "/etc/sentinel", "secrets": "/etc/sentinel-secrets"},
    )
