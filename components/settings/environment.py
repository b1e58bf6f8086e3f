"""An environment's whole configuration: read from its stack file, typed and checked before anything is declared.

Every section is one `simone:<section>` key of `Pulumi.<environment>.yaml`. A key that isn't known here, a value out
of its range, a missing unit, two settings that contradict each other: each is one line that names the key, the value
and what is allowed, and nothing is declared.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import ValidationError

from components.api.settings import ApiSettings
from components.edge.settings import EdgeSettings
from components.gateway.settings import GatewaySettings
from components.monitoring.settings import MonitoringSettings
from components.network.settings import NetworkSettings
from components.pgbouncer.settings import PgBouncerSettings
from components.platform import PROJECT, Aws
from components.postgres.settings import PostgresSettings
from components.redis.settings import RedisSettings
from components.settings.errors import describe, valid_settings
from components.settings.images import Images
from components.settings.relations import RELATIONS
from components.settings.renamed import with_new_names
from components.settings.secrets import Secrets
from components.settings.section import Section, group, setting
from components.storefront.settings import StorefrontSettings

NAME: Final = r"[a-z][a-z0-9-]{1,15}"
"""An environment's name: short, as the names of buckets and roles (63 and 64 characters) hold it."""


class SettingsError(Exception):
    """The stack file is wrong. The message has one line for each fault."""


class Settings(Section):
    """Everything that an environment can set."""

    environment: str = setting(why="part of every cloud resource's name", pattern=NAME)
    owner: str = setting(why="who answers for the environment; a tag on everything", min_length=1)
    namespace: str = setting(PROJECT, why="the Kubernetes namespace to create", pattern=r"[a-z][a-z0-9-]{0,62}")
    aws: Aws = setting(why="what the AWS account has already")
    images: Images = setting(why="container images")
    network: NetworkSettings = group(NetworkSettings, why="namespace and its borders")
    redis: RedisSettings = setting(why="sessions and caches")
    postgres: PostgresSettings = group(PostgresSettings, why="the database")
    pgbouncer: PgBouncerSettings = group(PgBouncerSettings, why="connection pools in front of the database")
    api: ApiSettings = group(ApiSettings, why="the Python API")
    gateway: GatewaySettings = group(GatewaySettings, why="nginx: origin shield and entrance")
    edge: EdgeSettings | None = setting(None, why="the Cloudflare zone; unset: no edge, the gateway faces the internet")
    storefront: StorefrontSettings = group(StorefrontSettings, why="the Next.js shop")
    monitoring: MonitoringSettings = group(MonitoringSettings, why="Prometheus, alerts, exporters")
    secrets: Secrets = setting(why="passwords, tokens and keys")


def read() -> Settings:
    """Settings of the stack that the engine is previewing or bringing up. Raises `SettingsError`."""
    raw: dict[str, Any] = {**get_config_env(), **CONFIG.get()}
    return parse({key: _value(value) for key, value in raw.items()}, pulumi.get_stack())


def _value(text: Any) -> Any:
    """The engine passes objects, numbers and booleans as JSON and strings as they are."""
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse(config: Mapping[str, Any], environment: str) -> Settings:
    """Settings from a stack's configuration: `simone:<section>` keys with plain Python values, `aws:region` beside.

    Raises `SettingsError` with every fault found: in each setting, within each section, and between sections.
    """
    prefix = f"{PROJECT}:"
    renamed, warnings, faults = with_new_names(config)
    for warning in warnings:
        pulumi.log.warn(f"Pulumi.{environment}.yaml: {warning}")
    own = {key.removeprefix(prefix): value for key, value in renamed.items() if key.startswith(prefix)}
    if own.setdefault("environment", environment) != environment:
        faults.append(
            f"simone:environment is {own['environment']!r}: this stack would change that one's cloud resources; "
            f"write {environment}"
        )
    if isinstance(own.get("aws"), dict) and "aws:region" in config:
        own["aws"] = {"region": config["aws:region"], **own["aws"]}
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(own)
    except ValidationError as error:
        faults += describe(error, Settings)
    valid = valid_settings(own, Settings, {path for relation in RELATIONS for path in relation.between})
    faults += [complaint for relation in RELATIONS if (complaint := relation.judge(valid))]
    if settings is None or faults:
        raise SettingsError("\n".join(f"Pulumi.{environment}.yaml: {fault}" for fault in faults))
    return settings
