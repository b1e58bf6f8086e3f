"""An environment's whole configuration: read from its stack file, typed and checked before anything is declared.

Every section is one `simone:<section>` key of `Pulumi.<environment>.yaml`. A key that isn't known here, a value out
of its range, a missing unit, two settings that contradict each other: each is one line that names the key, the value
and what is allowed, and nothing is declared.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError, model_validator

from components.api.settings import ApiSettings
from components.edge.settings import EdgeSettings
from components.gateway.settings import GatewaySettings
from components.images import Images
from components.monitoring.settings import MonitoringSettings
from components.network.settings import NetworkSettings
from components.pgbouncer.settings import PgBouncerSettings
from components.platform import PROJECT, Aws
from components.postgres.settings import PostgresSettings
from components.redis.settings import RedisSettings
from components.relations import (
    clients_fit_pools,
    cookies_stay_encrypted,
    monitoring_has_its_secrets,
    pools_fit_database,
    redis_has_its_certificate,
)
from components.secrets import Secrets
from components.settings_base import Section, group, setting
from components.settings_errors import describe
from components.storefront.settings import StorefrontSettings


class SettingsError(Exception):
    """The stack file is wrong. The message has one line for each fault."""


class Settings(Section):
    """Everything that an environment can set."""

    environment: str = setting(
        why="the environment's name, part of every cloud resource's name", pattern=r"[a-z][a-z0-9-]{1,15}"
    )
    owner: str = setting(why="who answers for the environment; a tag on everything", min_length=1)
    namespace: str = setting(PROJECT, why="the Kubernetes namespace to create", pattern=r"[a-z][a-z0-9-]{0,62}")
    aws: Aws = setting(why="the AWS account's given parts")
    images: Images = setting(why="container images")
    network: NetworkSettings = group(NetworkSettings, why="namespace and its borders")
    redis: RedisSettings = setting(why="sessions and caches")
    postgres: PostgresSettings = group(PostgresSettings, why="the database")
    pgbouncer: PgBouncerSettings = group(PgBouncerSettings, why="connection pools before the database")
    api: ApiSettings = group(ApiSettings, why="the Python API")
    gateway: GatewaySettings = group(GatewaySettings, why="nginx: origin shield and front door")
    edge: EdgeSettings | None = setting(None, why="the Cloudflare zone; unset: no edge, the gateway is the front door")
    storefront: StorefrontSettings = group(StorefrontSettings, why="the Next.js shop")
    monitoring: MonitoringSettings = group(MonitoringSettings, why="Prometheus, alerts, exporters")
    secrets: Secrets = setting(why="passwords, tokens and keys")

    @model_validator(mode="after")
    def _edge_can_be_purged(self) -> Self:
        if self.edge and not self.secrets.api.cloudflare_token:
            raise ValueError(
                "simone:edge is set, so simone:secrets.api.cloudflare_token must hold a token that may purge the zone "
                "(docs/edge.md says which rights it needs)"
            )
        return self

    @model_validator(mode="after")
    def _edge_can_be_watched(self) -> Self:
        if self.edge and not self.secrets.monitoring.analytics_token:
            raise ValueError(
                "simone:edge is set, so simone:secrets.monitoring.analytics_token must hold a token that may read the "
                "zone's analytics (permission Zone, Analytics: read); without it the edge's alerts would be blind"
            )
        return self

    @model_validator(mode="after")
    def _gateway_can_serve_tls(self) -> Self:
        edge = self.secrets.edge
        if self.gateway.tls and not (edge.origin_certificate and edge.origin_key):
            raise ValueError(
                "simone:gateway.tls is on, so simone:secrets.edge.origin_certificate and .origin_key must hold "
                "the gateway's certificate and key (docs/edge.md says how to make them)"
            )
        return self

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        complaints = [
            complaint
            for complaint in (
                pools_fit_database(self.pgbouncer, self.postgres),
                redis_has_its_certificate(self.redis, self.secrets.redis),
                monitoring_has_its_secrets(self.monitoring, self.secrets.monitoring),
                clients_fit_pools(self.api, self.pgbouncer),
                cookies_stay_encrypted(self.api, self.gateway, edge=self.edge is not None),
            )
            if complaint
        ]
        if complaints:
            raise ValueError("; ".join(complaints))
        return self


def parse(config: Mapping[str, Any], environment: str) -> Settings:
    """Settings from a stack's configuration: `simone:<section>` keys with plain Python values, `aws:region` beside.

    Raises `SettingsError` with every fault found.
    """
    prefix = f"{PROJECT}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    own.setdefault("environment", environment)
    if isinstance(own.get("aws"), dict) and "aws:region" in config:
        own["aws"] = {"region": config["aws:region"], **own["aws"]}
    try:
        return Settings.model_validate(own)
    except ValidationError as error:
        raise SettingsError(describe(error, Settings, f"Pulumi.{environment}.yaml")) from None
