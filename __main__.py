"""The composition root: an environment's settings in, components declared, exports out."""

from pathlib import Path

import pulumi

from app import caching_policy
from components.gateway import Gateway, GatewayArgs
from components.gateway.services import GatewayServices, GatewayServicesArgs
from components.monitoring import Monitoring, MonitoringArgs, WatchedDatabase
from components.network import Network, NetworkArgs
from components.pgbouncer import PgBouncer, PgBouncerArgs
from components.platform import Platform
from components.postgres import Postgres, PostgresArgs
from components.postgres.roles import DATABASE
from components.redis import Redis, RedisArgs
from components.settings import Settings, SettingsError
from components.stack_config import read

CACHING_POLICY = Path(__file__).parent / "app" / "caching.yaml"


def declare(settings: Settings) -> None:
    """Declares the whole environment."""
    given = Platform(
        environment=settings.environment,
        owner=settings.owner,
        namespace=settings.namespace,
        aws=settings.aws,
    )
    network = Network("network", NetworkArgs(platform=given, settings=settings.network))
    platform = given.within(network.namespace)
    redis = Redis(
        "redis",
        RedisArgs(
            platform=platform,
            settings=settings.redis,
            secrets=settings.secrets.redis,
            images=settings.images,
        ),
    )
    postgres = Postgres(
        "postgres",
        PostgresArgs(
            platform=platform,
            settings=settings.postgres,
            secrets=settings.secrets.postgres,
            images=settings.images,
        ),
    )
    PgBouncer(
        "pgbouncer",
        PgBouncerArgs(
            platform=platform,
            settings=settings.pgbouncer,
            secrets=settings.secrets.postgres,
            images=settings.images,
            database_host=postgres.address,
            after=[postgres.resource],
        ),
    )
    edge_cidrs = settings.network.edge_cidrs
    gateway_services = GatewayServices(
        "gateway-services",
        GatewayServicesArgs(platform=platform, settings=settings.gateway, edge_cidrs=edge_cidrs),
    )
    Gateway(
        "gateway",
        GatewayArgs(
            platform=platform,
            settings=settings.gateway,
            policy=caching_policy.load(CACHING_POLICY),
            secrets=settings.secrets.edge,
            image=settings.images.ours("gateway"),
            edge_cidrs=edge_cidrs,
            after=gateway_services.all,
        ),
    )
    Monitoring(
        "monitoring",
        MonitoringArgs(
            platform=platform,
            settings=settings.monitoring,
            secrets=settings.secrets.monitoring,
            images=settings.images,
            database=WatchedDatabase(
                host=postgres.address, name=DATABASE, exporter_password=settings.secrets.postgres.exporter
            ),
        ),
    )

    pulumi.export("namespace", platform.namespace)
    pulumi.export("database_address", postgres.address)
    pulumi.export("backup_bucket", redis.backup_bucket)


try:
    declare(read())
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
