"""What the monitoring programs are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pydantic import SecretStr

from components.monitoring.settings import MonitoringSettings
from components.platform import Platform
from components.settings.images import Images
from components.settings.secrets import MonitoringSecrets, PostgresSecrets


@dataclass(frozen=True, kw_only=True)
class WatchedDatabase:
    """Postgres itself, not pgBouncer: statistics need a session of their own. `instance` is its name in RDS."""

    host: pulumi.Input[str]
    instance: str
    instance_arn: pulumi.Input[str]
    name: str
    secrets: PostgresSecrets
    """Of which the login of the role `exporter` (pg_monitor) is taken."""


@dataclass(frozen=True, kw_only=True)
class WatchedBackups:
    """The bucket that should hold a fresh backup of each pair, below `prefix`."""

    bucket: str
    prefix: str
    pairs: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class WatchedEdge:
    """The zone whose analytics are read. `origin_has_tls`: the gateway presents a certificate of its own; `after` are
    the Services whose addresses the exporter is given, `certificates` those (PEM, by name) whose ends it watches too;
    a stand-in's API shows none.
    """

    zone_id: str
    hostname: str
    analytics_token: SecretStr
    origin_has_tls: bool
    stand_in_api: str | None
    after: Sequence[pulumi.Resource]
    certificates: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The platform, the section's settings and secrets, and what is watched; `edge` is unset where there is none."""

    platform: Platform
    settings: MonitoringSettings
    secrets: MonitoringSecrets
    images: Images
    database: WatchedDatabase
    backups: WatchedBackups
    edge: WatchedEdge | None = None
