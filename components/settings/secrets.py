"""The secrets of an environment, each set with `pulumi config set --secret --path simone:secrets.<system>.<name>`."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, cast, get_args

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


Accepted = Literal[
    "main", "main then alternate", "alternate after main", "alternate", "alternate then main", "main after alternate"
]
"""Which of a secret's two values count: servers take each that is named, clients show the first.

A rotation goes on in this order, three steps from `main` to `alternate` or back. Before and after each of them servers
take what clients show on either side of it, so old and new pods get on with each other.
"""
STEPS: tuple[Accepted, ...] = get_args(Accepted)


class Rotation(Section):
    """A secret's second value, so that it can be replaced while both are taken (`make rotate`)."""

    alternate: Password | None = setting(None, why="the second value")
    accepted: Accepted = setting(
        "main", why="the values that servers accept; clients send the first (`make rotate` steps through them)"
    )

    def contradictions(self) -> Iterable[str]:
        if self.alternate is None and self.accepted != "main":
            yield f"accepted is '{self.accepted}' and there is no alternate: set it (make rotate does), or take main"


class Rotated(Section):
    """Secrets of which some have a second value, as the section's own `rotation` says by name."""

    def values(self, name: str) -> Mapping[str, SecretStr]:
        """The values of the secret `name` that count, `main` and `alternate` by name; the one to show comes first."""
        rotation = cast(Rotation, getattr(cast(Section, vars(self)["rotation"]), name))
        both = {"main": cast(SecretStr, getattr(self, name)), "alternate": rotation.alternate}
        return {slot: value for slot in rotation.accepted.split() if (value := both.get(slot)) is not None}

    def accepted(self, name: str) -> tuple[SecretStr, ...]:
        """Each value that a server takes."""
        return tuple(self.values(name).values())

    def shown(self, name: str) -> SecretStr:
        """The one value that clients show."""
        return self.accepted(name)[0]

    def files(self, name: str, file: str) -> Mapping[str, str]:
        """Each value that counts in a file of its own: a pod that still shows the other one finds it where it was."""
        return {file_of(file, slot): value.get_secret_value() for slot, value in self.values(name).items()}

    def shown_file(self, name: str, file: str) -> str:
        """The one of `files` that clients read."""
        return next(iter(self.files(name, file)))


def file_of(file: str, slot: str) -> str:
    """The name of the file that holds the value `main` or `alternate` of a secret."""
    return file if slot == "main" else f"{file}-{slot}"


class RedisRotation(Section):
    """Second passwords of the Redis users."""

    app: Rotation = group(Rotation, why="user app")
    exporter: Rotation = group(Rotation, why="user exporter")
    replication: Rotation = group(Rotation, why="user replication")
    sentinel: Rotation = group(Rotation, why="user sentinel")
    operations: Rotation = group(Rotation, why="user operations")


class RedisSecrets(Rotated):
    """One password for each Redis user; each user may do the least that it needs."""

    app: Password = setting(why="the shop's commands")
    exporter: Password = setting(why="reads metrics")
    replication: Password = setting(why="a replica's login at its master")
    sentinel: Password = setting(why="Sentinels' login at the nodes")
    operations: Password = setting(why="backup, restore, AOF rewrite, planned failover")
    tls_certificate: SecretStr | None = setting(None, why="PEM; of nodes and Sentinels")
    tls_key: SecretStr | None = setting(None, why="PEM; its private key")
    rotation: RedisRotation = group(RedisRotation, why="second passwords while one is replaced")


class PostgresRotation(Section):
    """Passwords of the second roles: a Postgres role has one password only."""

    app: Rotation = group(Rotation, why="role app_alternate")
    exporter: Rotation = group(Rotation, why="role exporter_alternate")


class PostgresSecrets(Rotated):
    """One password for each database role."""

    owner: Password = setting(why="owns the schema and runs migrations; the RDS master user")
    app: Password = setting(why="the shop's queries, through pgBouncer")
    exporter: Password = setting(why="reads statistics (pg_monitor)")
    rotation: PostgresRotation = group(PostgresRotation, why="second roles while a password is replaced")

    def logins(self, name: str) -> Mapping[str, SecretStr]:
        """Password by database role, of the roles that log in as `name`; the one that clients use comes first."""
        return {role_of(name, slot): value for slot, value in self.values(name).items()}

    def role(self, name: str) -> str:
        """The role that clients use."""
        return next(iter(self.logins(name)))


def role_of(name: str, slot: str) -> str:
    """The database role that the value `main` or `alternate` of a secret is the password of."""
    return name if slot == "main" else f"{name}_{slot}"


class ApiRotation(Section):
    """Second values of what the API shares with others."""

    admin_token: Rotation = group(Rotation, why="a second accepted token")
    revalidation_key: Rotation = group(Rotation, why="a second key that the storefront accepts")


class ApiSecrets(Rotated):
    """What the API shares with those who call it."""

    admin_token: Password = setting(why="bearer token of the shop's administration; the database keeps its hash")
    revalidation_key: Password = setting(why="signs the webhook that makes the storefront rebuild a page")
    cloudflare_token: SecretStr | None = setting(None, why="purges the edge; unset: no edge")
    mail_password: SecretStr | None = setting(None, why="of api.mail.username; in SES an SMTP password")
    rotation: ApiRotation = group(ApiRotation, why="second values while one is replaced")


class MonitoringSecrets(Section):
    """Where alerts go; unset: they stay in Alertmanager's own page."""

    alert_webhook_url: Address | None = setting(
        None, why="incoming webhook of the receiver monitoring.alertmanager.tickets"
    )
    page_webhook_url: Address | None = setting(
        None, why="incoming webhook of the receiver monitoring.alertmanager.pages"
    )
    pager_key: SecretStr | None = setting(None, why="PagerDuty's routing key, for pages")
    heartbeat_url: Address | None = setting(None, why="a service that calls when the dead man's switch stops arriving")
    remote_write_password: SecretStr | None = setting(None, why="of monitoring.prometheus.remote_write.username")
    analytics_token: SecretStr | None = setting(
        None, why="a Cloudflare token that may read the zone's analytics; unset: no edge"
    )
    sign_in_client_secret: SecretStr | None = setting(None, why="of the client at monitoring.route's identity provider")
    grafana_admin_password: Password = setting(why="of Grafana's user `admin`")


class EdgeSecrets(Section):
    """What gateway and Cloudflare show each other: a certificate of Cloudflare's Origin CA, and one of your own CA."""

    origin_certificate: SecretStr | None = setting(None, why="PEM; the gateway's TLS certificate")
    origin_key: SecretStr | None = setting(None, why="PEM; its private key")
    client_certificate: SecretStr | None = setting(
        None, why="PEM; Cloudflare's, which a CA in `gateway.edge_ca` must have signed"
    )
    client_key: SecretStr | None = setting(None, why="PEM; its private key")


def rotated() -> tuple[str, ...]:
    """The dotted names of the secrets that have a second value."""
    return tuple(
        f"{system}.{name}"
        for system, group_ in Secrets.model_fields.items()
        if isinstance(group_.annotation, type) and issubclass(group_.annotation, Rotated)
        for name in cast(type[Section], group_.annotation.model_fields["rotation"].annotation).model_fields
    )


class Secrets(Section):
    """All secrets. They are plain text inside the program only, and secret in previews, state and cluster."""

    redis: RedisSecrets = setting(why="Redis users")
    postgres: PostgresSecrets = setting(why="database roles")
    api: ApiSecrets = setting(why="API")
    monitoring: MonitoringSecrets = setting(why="alert receivers")
    edge: EdgeSecrets = group(EdgeSecrets, why="certificates between Cloudflare and the gateway")

    def steps(self) -> Mapping[str, Accepted]:
        """How far each rotation is, by the secret's dotted name; without those where only the first value counts."""
        found: dict[str, Accepted] = {}
        for name in rotated():
            system, _, secret = name.partition(".")
            rotation = cast(Rotation, getattr(getattr(self, system).rotation, secret))
            if rotation.accepted != STEPS[0]:
                found[name] = rotation.accepted
        return found
