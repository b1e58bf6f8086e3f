"""The composition root: an environment's settings in, components declared, exports out."""

import pulumi

from components.monitoring import Monitoring, MonitoringArgs
from components.network import Network, NetworkArgs
from components.platform import Platform
from components.settings import Settings, SettingsError
from components.stack_config import read


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
