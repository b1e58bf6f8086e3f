"""What the monitoring programs are made from."""

from dataclasses import dataclass

import pulumi

from components.images import Images
from components.monitoring.settings import MonitoringSettings
from components.platform import Platform
from components.secrets import MonitoringSecrets, Password


@dataclass(frozen=True, kw_only=True)
class WatchedDatabase:
    """Postgres itself, not pgBouncer: statistics need a session of their own."""

    host: pulumi.Input[str]
    name: str
    exporter_password: Password
    """Of the database role `exporter` (pg_monitor)."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The platform, the section's settings and secrets, and the database that is watched."""

    platform: Platform
    settings: MonitoringSettings
    secrets: MonitoringSecrets
    images: Images
    database: WatchedDatabase
