"""A pair: master and replica as a StatefulSet of two pods with an address and a volume each."""

import pulumi

from components.aliases import taken_in
from components.kubernetes.flows import REDIS_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, PodField, Scratch, SecretFiles, command_probe
from components.kubernetes.scope import Scope
from components.redis.pods import Needs, RedisArgs, Servers, declare_servers, operations_env
from components.redis.settings import Pair
from components.redis.texts import node_files, node_secret_files
from components.redis.topology import NODES_PER_PAIR, SYSTEM, addresses, node_names, sentinel_names
from components.settings.quantities import MIB

PAIR_LABEL = "simone.shop/redis-pair"
NODE_SECRETS = "redis-nodes"
# A planned stop hands over first (1.3 s measured; one refused attempt may follow another failover by 20 s).
HANDOVER_SECONDS, GRACE_SECONDS = 40, 60
# A second failover within 19 s of the first is aborted (measured), so a roll-out waits longer than that.
MIN_READY_SECONDS = 30
# Loading an AOF: 20 MiB/s is what the slowest volumes give, gp3 does six times as much.
LOAD_RATE, STARTUP_PERIOD, SHORTEST_STARTUP = 20 * MIB, 5, 120
PROBE = ("sh", "/etc/redis/probe.sh")


class RedisPair(pulumi.ComponentResource):
    """One pair's nodes, and all that belongs to them alone; their addresses are `Redis`'s."""

    def __init__(
        self, name: str, pair: str, args: RedisArgs, needs: Needs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("simone:redis:Pair", name, None, opts)
        settings = args.settings.pairs()[pair]
        roll_out = NODES_PER_PAIR * (_startup_seconds(settings) + MIN_READY_SECONDS + GRACE_SECONDS)
        own = Scope(name, args.platform, SYSTEM, taken_in(self, opts))
        declare_servers(own, pair_servers(pair, args), args, needs, patience=roll_out)
        self.register_outputs({})


def pair_servers(pair: str, args: RedisArgs) -> Servers:
    """The pair as a set of servers."""
    settings = args.settings.pairs()[pair]
    return Servers(
        name=f"redis-{pair}",
        server=_server(pair, settings, args),
        volumes={"config": ConfigFiles(f"redis-{pair}"), "secrets": SecretFiles(NODE_SECRETS), "run": Scratch(MIB)},
        texts=node_files(args.settings, settings),
        secret_files=node_secret_files(args.secrets),
        replicas=NODES_PER_PAIR,
        port=REDIS_PORT,
        storage=settings.volume,
        min_ready_seconds=MIN_READY_SECONDS,
        grace_seconds=GRACE_SECONDS,
        extra_labels={PAIR_LABEL: pair},
    )


def _startup_seconds(pair: Pair) -> int:
    """How long a node may load its data."""
    return max(SHORTEST_STARTUP, pair.volume // LOAD_RATE)


def _server(name: str, pair: Pair, args: RedisArgs) -> Container:
    return Container(
        name="redis",
        image=args.images.redis,
        command=["sh", "/etc/redis/start.sh"],
        env={
            **POD_IP,
            "POD_NAME": PodField("metadata.name"),
            "PORT": str(REDIS_PORT),
            "MASTER_NAME": name,
            "NODES": addresses(node_names(name)),
            "SENTINELS": addresses(sentinel_names(args.settings)),
            "HANDOVER_SECONDS": str(HANDOVER_SECONDS),
            **operations_env(args.settings, "/etc/redis"),
        },
        ports={SYSTEM: REDIS_PORT},
        resources=pair.resources,
        startup=command_probe(
            *PROBE, "started", period=STARTUP_PERIOD, failures=_startup_seconds(pair) // STARTUP_PERIOD
        ),
        liveness=command_probe(*PROBE, "live", period=10, failures=3),
        readiness=command_probe(*PROBE, "ready", period=5, failures=2),
        before_stop=["sh", "/etc/redis/stop.sh"],
        mounts={"data": "/data", "config": "/etc/redis", "secrets": "/etc/redis-secrets", "run": "/srv/redis"},
    )
