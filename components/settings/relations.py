"""What must hold between sections of a stack file. `RELATIONS` is the whole list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from components.api.settings import ApiSettings
from components.edge.settings import EdgeSettings
from components.pgbouncer.settings import PgBouncerSettings
from components.platform import PROJECT
from components.postgres.settings import PostgresSettings
from components.settings.certificates import pair_fault, signer_fault

# The rest is for migrations, jobs, the exporter, and people who look after an incident.
POOLED_SHARE = 0.8


@dataclass(frozen=True, kw_only=True)
class Relation:
    """`complaint` takes the settings at the paths `between` and returns what is wrong with them together, or None.

    It is judged wherever each of these settings is valid by itself, whatever else is wrong in the file.
    """

    between: tuple[str, ...]
    complaint: Callable[..., str | None]

    def judge(self, valid: Mapping[str, Any]) -> str | None:
        """The complaint about the valid settings, by path."""
        if not all(path in valid for path in self.between):
            return None
        return self.complaint(*(valid[path] for path in self.between))


def _pools_fit_database(pgbouncer: PgBouncerSettings, postgres: PostgresSettings) -> str | None:
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


def _clients_fit_pools(api: ApiSettings, pgbouncer: PgBouncerSettings) -> str | None:
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


def _cookies_stay_encrypted(secure: bool, tls: bool, edge: EdgeSettings | None) -> str | None:
    """Where the shop speaks TLS, its session cookies never travel without."""
    edge_speaks_tls = edge is not None and edge.public_origin is not None
    if secure or not (edge_speaks_tls or tls):
        return None
    spoken = "gateway.tls is on" if tls else "there is an edge"
    return f"api.cookie_secure is false although {spoken}: browsers would send sessions over plain http; remove it"


def _stand_in_speaks_no_tls(tls: bool, edge: EdgeSettings | None) -> str | None:
    """A deployed environment is never left to this machine's stand-in by a forgotten line."""
    if not (tls and edge and edge.stand_in_api):
        return None
    return (
        f"edge.stand_in_api is {edge.stand_in_api}, the stand-in for the edge that `make up` runs, and gateway.tls is "
        "on, which it doesn't speak; remove edge.stand_in_api to use Cloudflare"
    )


def _redis_speaks_tls(ca: str | None, certificate: SecretStr | None, key: SecretStr | None) -> str | None:
    """TLS is whole, or off."""
    if ca is None and (certificate or key):
        return (
            "secrets.redis.tls_certificate or .tls_key is set but redis.tls_ca is not, so clients would "
            "call Redis without TLS; set it, or remove both secrets"
        )
    if ca is not None and not (certificate and key):
        return (
            "redis.tls_ca is set, so secrets.redis.tls_certificate and .tls_key must hold the nodes' "
            "certificate and key (docs/redis.md says how to make them); set them, or remove redis.tls_ca"
        )
    return None


def _edge_shows_a_certificate(
    tls: bool, edge: EdgeSettings | None, certificate: SecretStr | None, key: SecretStr | None
) -> str | None:
    """The gateway refuses clients without a certificate signed by `gateway.edge_ca`, Cloudflare included."""
    if not (tls and edge) or (certificate and key):
        return None
    return (
        "gateway.tls is on and there is an edge, so secrets.edge.client_certificate and .client_key must hold what "
        "Cloudflare shows the gateway, signed by gateway.edge_ca (docs/edge.md says how to make it)"
    )


def _pair(certificate: str, key: str) -> Relation:
    """A certificate and its key belong together."""

    def complaint(*held: SecretStr | None) -> str | None:
        fault = pair_fault(*held)
        return f"{PROJECT}:{certificate} and .{key.rpartition('.')[2]}: {fault}" if fault else None

    return Relation(between=(certificate, key), complaint=complaint)


def _signed_by_the_edge_ca(certificate: SecretStr | None, cas: str | None) -> str | None:
    fault = signer_fault(certificate, cas)
    named = f"{PROJECT}:secrets.edge.client_certificate"
    return f"{named} {fault} in gateway.edge_ca: the gateway would refuse every visitor" if fault else None


def _needs(setting: str, *secrets: str, what: str) -> Relation:
    """Where `setting` is on or set, `secrets` must hold `what`."""

    def complaint(value: Any, *held: SecretStr | None) -> str | None:
        if not value or all(held):
            return None
        first, *others = secrets
        named = " and ".join([f"{PROJECT}:{first}", *(f".{other.rpartition('.')[2]}" for other in others)])
        return f"{PROJECT}:{setting} is {'on' if value is True else 'set'}, so {named} must hold {what}"

    return Relation(between=(setting, *secrets), complaint=complaint)


RELATIONS: tuple[Relation, ...] = (
    _pair("secrets.edge.origin_certificate", "secrets.edge.origin_key"),
    _pair("secrets.edge.client_certificate", "secrets.edge.client_key"),
    _pair("secrets.redis.tls_certificate", "secrets.redis.tls_key"),
    Relation(between=("secrets.edge.client_certificate", "gateway.edge_ca"), complaint=_signed_by_the_edge_ca),
    Relation(between=("pgbouncer", "postgres"), complaint=_pools_fit_database),
    Relation(between=("api", "pgbouncer"), complaint=_clients_fit_pools),
    Relation(between=("api.cookie_secure", "gateway.tls", "edge"), complaint=_cookies_stay_encrypted),
    Relation(between=("gateway.tls", "edge"), complaint=_stand_in_speaks_no_tls),
    Relation(
        between=("redis.tls_ca", "secrets.redis.tls_certificate", "secrets.redis.tls_key"),
        complaint=_redis_speaks_tls,
    ),
    _needs(
        "gateway.tls",
        "secrets.edge.origin_certificate",
        "secrets.edge.origin_key",
        what="the gateway's certificate and key (docs/edge.md says how to make them)",
    ),
    Relation(
        between=("gateway.tls", "edge", "secrets.edge.client_certificate", "secrets.edge.client_key"),
        complaint=_edge_shows_a_certificate,
    ),
    _needs(
        "edge",
        "secrets.api.cloudflare_token",
        what="a token that may purge the zone (docs/edge.md says which rights it needs)",
    ),
    _needs(
        "edge",
        "secrets.monitoring.analytics_token",
        what="a token that may read the zone's analytics (permission Zone, Analytics: read); without it the edge's "
        "alerts would be blind",
    ),
    _needs(
        "api.mail.username",
        "secrets.api.mail_password",
        what="that user's password (docs/deploy.md says where SES shows it); set it, or remove the user",
    ),
    _needs(
        "monitoring.route",
        "secrets.monitoring.sign_in_client_secret",
        what="the client's secret at the identity provider; set it, or remove the route",
    ),
    _needs(
        "monitoring.alertmanager.pages",
        "secrets.monitoring.page_webhook_url",
        what="that chat's incoming webhook; set it, or remove `pages`",
    ),
    _needs(
        "monitoring.prometheus.remote_write.username",
        "secrets.monitoring.remote_write_password",
        what="that user's password; set it, or remove the user",
    ),
)
