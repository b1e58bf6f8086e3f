"""The settings of an API process: environment variables, and secrets as files in a directory."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.caching_policy import FILE

MIB = 1024 * 1024


class SettingsError(ValueError):
    """A variable or a secret is wrong. The message names it, its value and what is allowed."""


class Address(tuple[str, int]):
    """A host and a TCP port."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Address":
        """From `host:port`; IPv6 hosts in brackets. Raises ValueError."""
        host, separator, port = text.strip().rpartition(":")
        if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r} is not host:port")
        return cls((host.strip("[]"), int(port)))

    def __str__(self) -> str:
        return f"{self[0]}:{self[1]}"


class Settings(BaseSettings):
    """Each field's name in capitals is its environment variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    bind_host: str = Field(default="127.0.0.1", description="address that the API and its metrics listen on")
    port: int = Field(default=3000, ge=1, le=65535)
    metrics_port: int = Field(default=9464, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_sample: float = Field(default=0.001, ge=0, le=1, description="share of fast, good answers that are logged")
    slow_request_seconds: float = Field(default=0.5, gt=0, description="answers slower than this are always logged")

    draining_file: Path | None = Field(default=None, description="once it is there, the pod is about to stop")
    shutdown_seconds: float = Field(default=25.0, gt=0, le=600, description="for requests that have begun")

    redis_sentinels: Annotated[tuple[Address, ...], NoDecode] = Field(
        default=(), description="host:port of each Sentinel, separated by commas"
    )
    redis_username: str = "app"
    redis_ca: str = Field(default="", description="PEM of the CA of Redis's certificate; empty: no TLS")
    redis_timeout_seconds: float = Field(default=0.05, gt=0, le=5, description="for connecting, and for each answer")

    database_host: str = "127.0.0.1"
    database_port: int = Field(default=6432, ge=1, le=65535)
    database_name: str = "simone"
    database_user: str = "app"
    database_password_name: str = Field(default="database-password", description="the file in SECRETS_DIR")
    database_pool_size: int = Field(default=10, ge=1, le=200)
    database_prepared_statements: bool = Field(default=False, description="needs pgBouncer 1.21 or newer in between")
    database_connection_seconds: float = Field(
        default=5.0, gt=0, le=60, description="a connection is replaced after this: half of pgBouncer's drain"
    )
    database_timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="for connecting, and for each statement"
    )

    secrets_dir: Path = Path("/etc/api/secrets")
    caching_policy: Path = FILE
    local_cache_bytes: int = Field(default=64 * MIB, ge=0, description="responses kept in the process; 0: none")
    local_cache_seconds: float = Field(
        default=10.0, ge=0, le=60, description="a response kept in the process is looked up in Redis again after this"
    )
    warm_products: int = Field(
        default=100, ge=0, le=10_000, description="most popular products loaded in the background at start"
    )
    cookie_secure: bool = Field(default=True, description="off only where the browser speaks http to the shop")

    purge_seconds: float = Field(
        default=3.0, gt=0, le=10, description="an answer to a write waits this long for our own layers to be purged"
    )
    gateway_purge_urls: Annotated[tuple[str, ...], NoDecode] = ()
    storefront_url: str = ""
    cloudflare_zone_id: str = ""
    cloudflare_api_url: str = "https://api.cloudflare.com/client/v4"
    cloudflare_plan: Literal["free", "pro", "business", "enterprise"] = "free"

    mail_server: Annotated[Address | None, NoDecode] = Field(
        default=None, description="host:port of the mail server; empty: no mail, and so no sign-up"
    )
    mail_security: Literal["tls", "starttls", "none"] = "starttls"
    mail_sender: str = Field(default="", description="the address that mails come from")
    mail_username: str = Field(default="", description="its password is the secret mail-password; empty: no login")
    public_origin: str = Field(
        default="http://127.0.0.1:8080", pattern=r"^https?://[^/\s]+$", description="what visitors call the shop"
    )

    @field_validator("mail_server", mode="before")
    @classmethod
    def _mail_server(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return Address.parse(value) if value.strip() else None

    @field_validator("redis_sentinels", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Address.parse(part) for part in value.split(",") if part.strip())

    @field_validator("redis_ca")
    @classmethod
    def _certificate(cls, value: str) -> str:
        if value:
            try:
                ssl.create_default_context(cadata=value)
            except ssl.SSLError:
                raise ValueError("isn't the certificate of a CA in PEM") from None
        return value

    @field_validator("gateway_purge_urls", mode="before")
    @classmethod
    def _urls(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())

    def secret(self, name: str) -> SecretStr | None:
        """The secret in the file `name`, without its trailing newline; None where there is no such file."""
        try:
            return SecretStr((self.secrets_dir / name).read_text("utf-8").rstrip("\n"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"cannot read the secret {self.secrets_dir / name}: {error.strerror}") from error

    def required_secret(self, name: str) -> SecretStr:
        """As `secret`, but a missing file is an error."""
        value = self.secret(name)
        if value is None:
            raise SettingsError(
                f"SECRETS_DIR={self.secrets_dir} has no file {name!r}: mount it there, or point SECRETS_DIR at it"
            )
        return value

    @cached_property
    def redis_password(self) -> SecretStr | None:
        """Of `redis_username`; None: no authentication."""
        return self.secret("redis-password")


def load() -> Settings:
    """The settings of this process. Raises SettingsError, which names the first wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}={first['input']!r}: {reason}") from error
