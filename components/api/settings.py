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
    port: int = setting(587, why="submission (RFC 6409); 465 for security: tls", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = setting(
        "starttls", why="TLS after the greeting (RFC 3207) or from the start; none on one machine only"
    )
    sender: str = setting(why="the address that mails come from; verified in SES", pattern=r"[^@\s<>]+@[^@\s<>]+")
    username: str | None = setting(
        None, why="the account at the mail server; its password is secrets.api.mail_password. Unset: no login"
    )
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
        {"cpu": "500m", "memory": "512MiB"}, why="one process with its in-process cache and a warm pool"
    )
    worker_resources: Resources = setting({"cpu": "100m", "memory": "256MiB"}, why="drains the outbox")
    pool_size: int = setting(
        10, unit="connections", why="to pgBouncer, for each pod; clients are cheap there", ge=1, le=100
    )
    prepared_statements: bool = setting(
        True, why="pgBouncer from 1.21 on tracks them in transaction mode; off for older ones"
    )
    local_cache: Bytes = setting("64MiB", unit="bytes", why="responses that each process keeps before it asks Redis")
    local_cache_time: Duration = setting(
        "10s",
        unit="s",
        why="a process then looks the response up in Redis again, in case it missed a purge",
        le=60,
    )
    warm_products: int = setting(
        100, unit="products", why="the most popular ones, made in the background at a pod's start", ge=0, le=10_000
    )
    cookie_secure: bool = setting(True, why="off only where browsers speak plain http to the shop: on one machine")
    purge_wait: Milliseconds = setting(
        "3s",
        unit="ms",
        why="a write's response waits at most this long for our own layers to confirm its purge: a failover's length",
        ge=1,
        le=10_000,
    )
    redis_timeout: Milliseconds = setting(
        "50ms", unit="ms", why="for connecting and for each answer; beyond it Postgres is quicker", ge=1, le=5_000
    )
    database_timeout: Duration = setting("5s", unit="s", why="for connecting and for each statement", ge=1, le=60)
    log_sample: float = setting(0.001, why="share of quick, good answers that are logged", ge=0, le=1)
    slow_request: Milliseconds = setting("500ms", unit="ms", why="slower answers are always logged", ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", why="errors, slow and sampled requests")
    grace_period: Duration = setting("30s", unit="s", why="the slowest request, after the drain", ge=5, le=600)
    drain: Duration = setting("5s", unit="s", why="load balancers notice that a pod is leaving", ge=0, le=60)
    mail: MailSettings | None = setting(None, why="sign-up and password reset need it; unset: neither is offered")
    sample_data: SampleData | None = setting(None, why="loads a generated catalogue at the first start; not for prod")
