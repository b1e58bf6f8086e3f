"""The composition root: an environment's settings in, components declared, exports out."""

from pathlib import Path

import pulumi

from app import caching_policy
from components.gateway import Gateway, GatewayArgs
from components.gateway.services import GatewayServices, GatewayServicesArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.network import Network, NetworkArgs
from components.platform import Platform
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
        ),
    )

    pulumi.export("namespace", platform.namespace)


try:
    declare(read())
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
