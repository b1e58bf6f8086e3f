"""Settings of the API and its worker."""

from collections.abc import Iterable
from typing import Literal

from components.settings.pods import Autoscaling, Resources
from components.settings.quantities import Bytes, Duration, Milliseconds
from components.settings.section import Section, group, setting


class MailSettings(Section):
    """The mail server that the worker brings mails to: SES's SMTP endpoint, or any other."""

    host: str = setting(
        why="SES: email-smtp.<region>.amazonaws.com", pattern=r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
    )
    port: int = setting(587, why="submission (RFC 6409); 465 with `tls`", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = setting(
        "starttls", why="STARTTLS (RFC 3207), or TLS from the start; `none` on one machine only"
    )
    sender: str = setting(why="the From address; verified in SES", pattern=r"[^@\s<>]+@[^@\s<>]+")
    username: str | None = setting(None, why="at the mail server; password: secrets.api.mail_password. Unset: no login")
    cidrs: list[str] = setting(["0.0.0.0/0"], why="where the server may be; SES's addresses change", min_length=1)

    def contradictions(self) -> Iterable[str]:
        if self.username and self.security == "none":
            yield "security is none, so username's password would travel unencrypted; use starttls or tls"


class SampleData(Section):
    """A generated catalogue, for an environment without a shop's own data."""

    products: int = setting(10_000, unit="rows", why="a middle-sized shop", ge=100, le=1_000_000)
    users: int = setting(20_000, unit="rows", why="two for each product", ge=10, le=5_000_000)
    orders: int = setting(100_000, unit="rows", why="enough that a missing index shows", ge=0, le=20_000_000)
    reviews: int = setting(60_000, unit="rows", why="six for each product", ge=0, le=20_000_000)


class ApiSettings(Section):
    """The Python API: pods, connections, the worker that spreads invalidations."""

    scaling: Autoscaling = group(Autoscaling, why="how many pods")
    resources: Resources = setting(
        {"cpu": "500m", "memory": "512MiB"}, why="one process, its cache and connection pool"
    )
    worker_resources: Resources = setting({"cpu": "100m", "memory": "256MiB"}, why="drains the outbox")
    pool_size: int = setting(
        10, unit="connections", why="each pod's to pgBouncer, where clients are cheap", ge=1, le=100
    )
    prepared_statements: bool = setting(True, why="off before pgBouncer 1.21, which tracks them in transaction mode")
    local_cache: Bytes = setting("64MiB", unit="bytes", why="responses that a process keeps in memory")
    local_cache_time: Duration = setting(
        "10s",
        unit="s",
        why="then the process asks Redis again, in case it missed a purge",
        le=60,
    )
    warm_products: int = setting(
        100, unit="products", why="the most popular ones, loaded in the background when a pod starts", ge=0, le=10_000
    )
    cookie_secure: bool = setting(True, why="off only where browsers reach the shop by plain HTTP: on one machine")
    purge_wait: Milliseconds = setting(
        "3s",
        unit="ms",
        why="the longest that a write's response waits for our own layers to confirm its purge: a failover's length",
        ge=1,
        le=10_000,
    )
    redis_timeout: Milliseconds = setting(
        "50ms", unit="ms", why="for connecting and for each command; beyond it Postgres is faster", ge=1, le=5_000
    )
    database_timeout: Duration = setting("5s", unit="s", why="for connecting and for each statement", ge=1, le=60)
    log_sample: float = setting(0.001, why="share of fast, successful requests that are logged", ge=0, le=1)
    slow_request: Milliseconds = setting("500ms", unit="ms", why="slower requests are always logged", ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", why="errors, slow and sampled requests")
    grace_period: Duration = setting("30s", unit="s", why="the slowest request, after the drain", ge=5, le=600)
    drain: Duration = setting("5s", unit="s", why="until load balancers notice that a pod is leaving", ge=0, le=60)
    mail: MailSettings | None = setting(None, why="for sign-up and password reset; unset: neither is offered")
    sample_data: SampleData | None = setting(None, why="generates a catalogue at the first start; not for prod")
