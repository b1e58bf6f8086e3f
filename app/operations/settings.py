"""The environment that each command reads. A missing or wrong variable is one clear error, by name."""

from pathlib import Path
from typing import Literal, Self

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

    def nodes(self) -> dict[str, dict[str, str]]:
        """Addresses by node, by pair: {"sessions": {"redis-sessions-0": "10.0.0.1", …}, …}."""
        addresses = dict(entry.split("=", 1) for entry in self.redis_nodes.split())
        return {
            pair: {name: address for name, address in addresses.items() if name.startswith(f"redis-{pair}-")}
            for pair in self.redis_pairs.split()
        }


class BackupSettings(AwsSettings, RedisSettings):
    """Where backups go, and where they are written before."""

    backup_bucket: str
    backup_prefix: str
    scratch_dir: Path


class DatabaseSettings(FromEnvironment):
    """Postgres itself, not pgBouncer."""

    database_host: str
    database_port: int = 5432
    database_name: str
    database_user: str
    database_password_file: Path
    database_ssl: Literal["disable", "prefer", "require", "verify-full"] = "prefer"


class DriftSettings(AwsSettings):
    """The instance, and the file with its declared parameters."""

    database_instance: str
    declared_parameters: Path


class PoolerSettings(FromEnvironment):
    """pgBouncer's console, and where its metrics are served."""

    pod_ip: str
    pgbouncer_port: int = 6432
    pgbouncer_user: str
    pgbouncer_password_file: Path
    metrics_port: int = 9127
