"""The environment variables that the API's processes are configured by (app/api/settings.py reads them)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.api.settings import ApiSettings, MailSettings
from components.kubernetes.flows import API_PORT, APPLICATION_METRICS_PORT
from components.kubernetes.pod import POD_IP, Value
from components.postgres.roles import APP, DATABASE
from components.settings.secrets import PostgresSecrets, Secrets

SECRETS_DIRECTORY, DATABASE_PASSWORD = "/etc/api/secrets", "database-password"
DRAINING_FILE = "/tmp/draining"  # noqa: S108 - the container's own
CLOSING_SECONDS = 2
"""Of the grace period, kept for closing connections after the last request."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The systems that the API calls. A value may name a Service's variables, `$(REDIS_SENTINEL_0_SERVICE_HOST)`,
    which the kubelet fills in: so no address is known, or unknown, before the pod starts.

    `database_drain` is for how many seconds the pooler serves on after it was told to stop.
    """

    sentinels: Sequence[str]
    database_host: pulumi.Input[str]
    database_port: pulumi.Input[str]
    database_drain: int
    gateway_purge_urls: Sequence[str] = ()
    storefront_url: str = ""
    cloudflare_zone_id: str = ""
    cloudflare_plan: str = ""
    cloudflare_api_url: str = ""
    redis_ca: str = ""
    public_origin: str = ""


def variables(settings: ApiSettings, addresses: Addresses, secrets: PostgresSecrets) -> Mapping[str, Value]:
    """All variables of a pod that serves or works. Of `secrets` only names are taken."""
    password = secrets.shown_file(APP, DATABASE_PASSWORD)
    return {
        **POD_IP,
        "BIND_HOST": "$(POD_IP)",
        "PORT": str(API_PORT),
        "METRICS_PORT": str(APPLICATION_METRICS_PORT),
        "REDIS_SENTINELS": ",".join(addresses.sentinels),
        "REDIS_USERNAME": "app",
        "DATABASE_HOST": addresses.database_host,
        "DATABASE_PORT": addresses.database_port,
        "DATABASE_NAME": DATABASE,
        "DATABASE_USER": secrets.role(APP),
        "DATABASE_PASSWORD_NAME": None if password == DATABASE_PASSWORD else password,
        "DATABASE_POOL_SIZE": str(settings.pool_size),
        "DATABASE_PREPARED_STATEMENTS": "1" if settings.prepared_statements else "0",
        # Half of the drain: a connection to a pod that just began to drain is replaced before the drain ends, too.
        "DATABASE_CONNECTION_SECONDS": f"{addresses.database_drain / 2:g}",
        "DATABASE_TIMEOUT_SECONDS": str(settings.database_timeout),
        "REDIS_TIMEOUT_SECONDS": _seconds(settings.redis_timeout),
        "LOCAL_CACHE_BYTES": str(settings.local_cache),
        "LOCAL_CACHE_SECONDS": str(settings.local_cache_time),
        "WARM_PRODUCTS": str(settings.warm_products),
        "COOKIE_SECURE": "1" if settings.cookie_secure else "0",
        "PURGE_SECONDS": _seconds(settings.purge_wait),
        "DRAINING_FILE": DRAINING_FILE,
        "SHUTDOWN_SECONDS": str(settings.grace_period - CLOSING_SECONDS),
        "LOG_LEVEL": settings.log_level,
        "LOG_SAMPLE": str(settings.log_sample),
        "SLOW_REQUEST_SECONDS": _seconds(settings.slow_request),
        "SECRETS_DIR": SECRETS_DIRECTORY,
        "GATEWAY_PURGE_URLS": ",".join(addresses.gateway_purge_urls) or None,
        "STOREFRONT_URL": addresses.storefront_url or None,
        "CLOUDFLARE_ZONE_ID": addresses.cloudflare_zone_id or None,
        "CLOUDFLARE_PLAN": addresses.cloudflare_plan or None,
        "CLOUDFLARE_API_URL": addresses.cloudflare_api_url or None,
        "REDIS_CA": addresses.redis_ca or None,
        "PUBLIC_ORIGIN": addresses.public_origin or None,
        **_mail(settings.mail),
    }


def _mail(mail: MailSettings | None) -> Mapping[str, Value]:
    if mail is None:
        return {}
    return {
        "MAIL_SERVER": f"{mail.host}:{mail.port}",
        "MAIL_SECURITY": mail.security,
        "MAIL_SENDER": mail.sender,
        "MAIL_USERNAME": mail.username,
    }


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g}"


def application_files(secrets: Secrets) -> Mapping[str, str]:
    """What a running pod may know, by file name in `SECRETS_DIR`. No Cloudflare token: no edge to purge."""
    optional = {"cloudflare-token": secrets.api.cloudflare_token, "mail-password": secrets.api.mail_password}
    return {
        "redis-password": secrets.redis.shown("app").get_secret_value(),
        "revalidation-key": secrets.api.shown("revalidation_key").get_secret_value(),
        **secrets.postgres.files(APP, DATABASE_PASSWORD),
    } | {name: value.get_secret_value() for name, value in optional.items() if value}
