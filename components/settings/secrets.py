"""The secrets of an environment, each set with `pulumi config set --secret --path simone:secrets.<system>.<name>`."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from components.settings.section import Section, group, setting

MINIMUM_LENGTH = 24
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def _strong(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < MINIMUM_LENGTH:
        raise ValueError(f"has {len(text)} characters and needs at least {MINIMUM_LENGTH}")
    if not set(text) <= _ALLOWED:
        raise ValueError("may hold only letters, digits, '_' and '-': it stands unquoted in configuration files")
    return value


def _address(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value.get_secret_value()):
        raise ValueError("needs an address that begins with https:// or http://, without spaces")
    return value


Password = Annotated[SecretStr, AfterValidator(_strong)]
Address = Annotated[SecretStr, AfterValidator(_address)]


class RedisSecrets(Section):
    """One password for each Redis user; each user may do the least that it needs."""

    app: Password = setting(why="the shop's own commands")
    exporter: Password = setting(why="reads metrics")
    replication: Password = setting(why="a replica following its master")
    sentinel: Password = setting(why="Sentinels watching and promoting")
    operations: Password = setting(why="backup, restore, AOF rewrite, planned failover")
    tls_certificate: SecretStr | None = setting(None, why="PEM; nodes and Sentinels serve TLS with it")
    tls_key: SecretStr | None = setting(None, why="PEM; the certificate's private key")


class PostgresSecrets(Section):
    """One password for each database role."""

    owner: Password = setting(why="owns the schema, runs migrations; the RDS master user")
    app: Password = setting(why="the shop's own queries, through pgBouncer")
    exporter: Password = setting(why="reads statistics (pg_monitor)")


class ApiSecrets(Section):
    """What the API shares with those who call it."""

    admin_token: Password = setting(why="bearer token of the shop's administration; the database keeps its hash")
    revalidation_key: Password = setting(why="signs the webhook that makes the storefront build a page anew")
    cloudflare_token: SecretStr | None = setting(None, why="purges the edge; unset: no edge to purge")
    mail_password: SecretStr | None = setting(None, why="of api.mail.username; in SES an SMTP password")


class MonitoringSecrets(Section):
    """Where alerts go; unset: they stay in Alertmanager's own page."""

    alert_webhook_url: Address | None = setting(
        None, why="a chat's or ticket system's incoming webhook; monitoring.alertmanager.tickets says whose"
    )
    page_webhook_url: Address | None = setting(
        None, why="another webhook for alerts that page; monitoring.alertmanager.pages says whose"
    )
    pager_key: SecretStr | None = setting(None, why="PagerDuty's routing key for alerts that page")
    heartbeat_url: Address | None = setting(
        None, why="a service that calls when the dead man's switch stops arriving there"
    )
    remote_write_password: SecretStr | None = setting(None, why="of monitoring.prometheus.remote_write.username")
    analytics_token: SecretStr | None = setting(
        None, why="a Cloudflare token that may read the zone's analytics; unset: no edge to watch"
    )
    sign_in_client_secret: SecretStr | None = setting(
        None, why="of the client at the identity provider that monitoring.route signs people in with"
    )
    grafana_admin_password: Password = setting(why="of Grafana's user `admin`, where Grafana runs")


class EdgeSecrets(Section):
    """What gateway and Cloudflare show each other: a certificate of Cloudflare's Origin CA, and one of your own CA."""

    origin_certificate: SecretStr | None = setting(None, why="PEM; the gateway serves TLS with it")
    origin_key: SecretStr | None = setting(None, why="PEM; the certificate's private key")
    client_certificate: SecretStr | None = setting(
        None, why="PEM; Cloudflare shows it to the gateway, whose `gateway.edge_ca` must have signed it"
    )
    client_key: SecretStr | None = setting(None, why="PEM; that certificate's private key")


class Secrets(Section):
    """All secrets. They are plain text inside the program only, and secret in previews, state and cluster."""

    redis: RedisSecrets = setting(why="Redis users")
    postgres: PostgresSecrets = setting(why="database roles")
    api: ApiSecrets = setting(why="API")
    monitoring: MonitoringSecrets = setting(why="alert receivers")
    edge: EdgeSecrets = group(EdgeSecrets, why="origin certificate")
