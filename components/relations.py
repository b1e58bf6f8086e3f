"""What must hold between sections: each rule takes them and returns its complaint, or nothing."""

from components.api.settings import ApiSettings
from components.gateway.settings import GatewaySettings
from components.monitoring.settings import MonitoringSettings
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.settings import PostgresSettings
from components.redis.settings import RedisSettings
from components.secrets import MonitoringSecrets, RedisSecrets

# The rest is for migrations, jobs, the exporter, and people who look after an incident.
POOLED_SHARE = 0.8


def pools_fit_database(pgbouncer: PgBouncerSettings, postgres: PostgresSettings) -> str | None:
    """All pools together stay below 80 % of what the instance takes."""
    wanted = pgbouncer.server_connections
    allowed = int(POOLED_SHARE * postgres.max_connections)
    if wanted < allowed:
        return None
    return (
        f"pgbouncer: {pgbouncer.replicas} pods x ({pgbouncer.default_pool_size} default_pool_size + "
        f"{pgbouncer.reserve_pool_size} reserve_pool_size) are {wanted} connections; {postgres.instance_class} takes "
        f"{postgres.max_connections}, of which the pools may have fewer than {allowed} (80 %); lower the pools or take "
        "a larger postgres.instance_class"
    )


def clients_fit_pools(api: ApiSettings, pgbouncer: PgBouncerSettings) -> str | None:
    """pgBouncer takes every connection that the API opens at its largest, even with one pod of it gone."""
    workers = 2
    wanted = (api.scaling.maximum + workers) * api.pool_size
    allowed = max(1, pgbouncer.replicas - 1) * pgbouncer.max_client_conn
    if wanted <= allowed:
        return None
    return (
        f"api: {api.scaling.maximum} pods and {workers} workers x {api.pool_size} pool_size are {wanted} connections, "
        f"but pgBouncer takes {allowed} while one of its pods is replaced; lower api.pool_size or raise "
        "pgbouncer.max_client_conn"
    )


def cookies_stay_encrypted(api: ApiSettings, gateway: GatewaySettings, *, edge: bool) -> str | None:
    """Where the shop speaks TLS, its session cookies never travel without."""
    if api.cookie_secure or not (edge or gateway.tls):
        return None
    spoken = "gateway.tls is on" if gateway.tls else "there is an edge"
    return f"api.cookie_secure is false although {spoken}: browsers would send sessions over plain http; remove it"


def redis_has_its_certificate(redis: RedisSettings, secrets: RedisSecrets) -> str | None:
    """TLS is whole, or off."""
    whole = secrets.tls_certificate is not None and secrets.tls_key is not None
    if redis.tls == whole and (whole or (secrets.tls_certificate is None and secrets.tls_key is None)):
        return None
    if redis.tls:
        return (
            "redis.tls_authority is set, so secrets.redis.tls_certificate and .tls_key must hold the nodes' "
            "certificate and key (docs/redis.md says how to make them); set them, or remove redis.tls_authority"
        )
    return (
        "secrets.redis.tls_certificate or .tls_key is set but redis.tls_authority is not, so Redis would be spoken to "
        "without TLS; set it, or remove both secrets"
    )


def monitoring_has_its_secrets(monitoring: MonitoringSettings, secrets: MonitoringSecrets) -> str | None:
    """What is switched on and needs a password or token has one."""
    needed = (
        (
            monitoring.prometheus.remote_write is not None and monitoring.prometheus.remote_write.username is not None,
            secrets.remote_write_password,
            "prometheus.remote_write.username",
            "remote_write_password",
        ),
    )
    for wanted, secret, setting, name in needed:
        if wanted and secret is None:
            return (
                f"monitoring.{setting} is set but the secret secrets.monitoring.{name} is not; set it, or remove "
                f"monitoring.{setting}"
            )
    return None
