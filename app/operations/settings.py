"""The environment that each command reads. A missing or wrong variable is one clear error, by name."""

from pathlib import Path
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings


class OperationError(Exception):
    """A job can't do its work; the message says why, and what to do."""


class FromEnvironment(BaseSettings):
    """Settings by environment variable: the field's name in capitals."""

    @classmethod
    def read(cls) -> Self:
        """Raises `OperationError` naming the variables that are missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
            raise OperationError("the environment is incomplete: " + "; ".join(faults)) from None


def secret(path: Path) -> str:
    """A mounted secret's text."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise OperationError(f"the secret {path} can't be read: {error.strerror}") from None


class AwsSettings(FromEnvironment):
    """Where AWS is. Credentials come from the pod's role."""

    aws_region: str
    aws_endpoint_url: str | None = None


class RedisSettings(FromEnvironment):
    """The pairs' nodes (`name=address`, separated by spaces) and how to log in."""

    redis_nodes: str
    redis_pairs: str
    redis_password_file: Path
    redis_ca_file: Path | None = None
    """The CA of the nodes' certificate; unset: no TLS."""

    def nodes(self) -> dict[str, dict[str, str]]:
        """Addresses by node, by pair: {"sessions": {"redis-sessions-0": "10.0.0.1", …}, …}."""
        addresses = dict(entry.split("=", 1) for entry in self.redis_nodes.split())
        return {
            pair: {name: address for name, address in addresses.items() if name.startswith(f"redis-{pair}-")}
            for pair in self.redis_pairs.split()
        }


class BucketSettings(AwsSettings):
    """Where backups are kept."""

    backup_bucket: str
    backup_prefix: str


class BackupSettings(BucketSettings, RedisSettings):
    """Where backups go, and where they are written before."""

    scratch_dir: Path


class ExporterSettings(FromEnvironment):
    """Where a polling exporter serves its metrics, and how often it polls."""

    pod_ip: str
    metrics_port: int
    interval_seconds: float


class BackupExporterSettings(BucketSettings, ExporterSettings):
    """The bucket, and whose backups it should hold."""

    redis_pairs: str


class RdsExporterSettings(AwsSettings, ExporterSettings):
    """The instance whose figures are read."""

    rds_instance: str


class CdnExporterSettings(ExporterSettings):
    """The Cloudflare zone, and the gateway that it calls.

    `analytics_delay_seconds`: Cloudflare's analytics are complete after that time. `origin_host` and `origin_port`
    are the gateway's TLS address, for its certificate; the certificates in `certificates_directory` (`<name>.pem`) are
    watched too. A stand-in for the edge has no certificate: `edge_has_tls` is off.
    """

    cloudflare_zone_id: str
    cloudflare_hostname: str
    edge_has_tls: bool = True
    cloudflare_api_url: str = "https://api.cloudflare.com/client/v4"
    analytics_token_file: Path
    analytics_delay_seconds: float
    certificates_directory: Path | None = None
    origin_host: str | None = None
    origin_port: int = 443


class DatabaseSettings(FromEnvironment):
    """Postgres itself, not pgBouncer. PGSSLMODE and PGSSLROOTCERT say how its certificate is verified."""

    database_host: str
    database_port: int = 5432
    database_name: str
    database_user: str
    database_password_file: Path


class DriftSettings(AwsSettings, DatabaseSettings):
    """The instance, the file with its declared parameters, and the database with the running ones."""

    database_instance: str
    declared_parameters: Path


class PoolerSettings(FromEnvironment):
    """pgBouncer's console, and where its metrics are served."""

    pod_ip: str
    pgbouncer_port: int = 6432
    pgbouncer_user: str
    pgbouncer_password_file: Path
    metrics_port: int = 9127
