"""Settings of pgBouncer: how many connections it takes, and how few of Postgres's it needs for them."""

from typing import Literal

from components.settings.pods import Resources
from components.settings.quantities import Duration
from components.settings.section import Section, setting


class PgBouncerSettings(Section):
    """The connection pools. Limits of clients and pools are those of one pod."""

    replicas: int = setting(2, unit="pods", why="one serves while the other is replaced", ge=1, le=20)
    max_client_conn: int = setting(1000, unit="connections", why="clients of each pod", ge=10, le=100_000)
    default_pool_size: int = setting(25, unit="connections", why="each pod's to Postgres", ge=1, le=1000)
    reserve_pool_size: int = setting(
        5, unit="connections", why="added once a client has waited for reserve_pool_timeout", ge=0, le=1000
    )
    reserve_pool_timeout: Duration = setting(
        "3s", unit="seconds", why="the wait that opens the reserve pool", ge=1, le=60
    )
    query_wait_timeout: Duration = setting(
        "5s", unit="seconds", why="then a waiting client gets an error, which the API turns into a 503", ge=1, le=300
    )
    server_tls_mode: Literal["verify-full", "disable"] = setting(
        "verify-full", why="Postgres proves its name with a certificate of RDS's CA; `disable`: a local one"
    )
    server_ca_file: str = setting("/opt/pgbouncer/rds-global-bundle.pem", why="RDS's CAs, in our image", pattern=r"/.+")
    max_prepared_statements: int | None = setting(
        200, unit="statements", why="kept for each connection; unset before pgBouncer 1.21", ge=1
    )
    drain: Duration = setting(
        "30s", unit="seconds", why="twice the lifetime of the API's connections, so all have moved on", ge=2, le=120
    )
    resources: Resources = setting({"cpu": "250m", "memory": "128MiB"}, why="one thread; 2 KiB for each client")
    exporter: Resources = setting({"cpu": "50m", "memory": "96MiB"}, why="each pod's metrics sidecar")

    @property
    def server_connections(self) -> int:
        """The most connections to Postgres that all pods together open."""
        return self.replicas * (self.default_pool_size + self.reserve_pool_size)
