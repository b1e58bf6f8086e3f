"""Settings of Postgres: the RDS instance, its parameters' inputs, and its scheduled jobs."""

from collections.abc import Iterable
from typing import Literal

from pydantic import field_validator

from components.postgres.instance_classes import MEMORY, max_connections
from components.settings.pods import Resources
from components.settings.quantities import DAY, GIB, Bytes, Duration, format_bytes
from components.settings.section import Section, setting

CRON = r"\S+ \S+ \S+ \S+ \S+"
# gp3 volumes from here on are striped: they start with 12,000 IOPS and 500 MiB/s and take more; smaller ones take
# neither setting (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage).
STRIPED_FROM = 400 * GIB
LEAST_IOPS, LEAST_THROUGHPUT = 12_000, 500
# AWS creates no more of these, and upgrades those that there are
# (https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html).
WITHDRAWN = ("16.5", "16.6", "16.7", "16.8")


class PostgresSettings(Section):
    """The database."""

    instance_class: str = setting("db.m7g.xlarge", why="4 vCPU and 16 GiB, which the specification's figures fit")
    engine_version: str = setting(
        "16",
        why='a major version: RDS chooses and upgrades the minor one; an exact one ("16.10") is kept',
        pattern=r"1[67](\.\d{1,2})?",
    )
    allow_major_version_upgrade: bool = setting(False, why="on only for the deployment that changes the major version")
    storage: Bytes = setting("100GiB", unit="bytes", why="gp3 volume at the start", ge=20 * GIB, le=65536 * GIB)
    max_storage: Bytes = setting("390GiB", unit="bytes", why="RDS grows the volume up to this", ge=20 * GIB)
    iops: int | None = setting(None, unit="operations/s", why="from 400GiB on", ge=LEAST_IOPS, le=64_000)
    throughput: int | None = setting(None, unit="MiB/s", why="from 400GiB on", ge=LEAST_THROUGHPUT, le=4000)
    multi_az: bool = setting(True, why="a standby in another zone takes over within about a minute")
    replica: bool = setting(False, why="a read replica, for reports that would slow the shop")
    deletion_protection: bool = setting(True, why="must be off before the database can be deleted")
    backup_retention: Duration = setting(
        "14d", unit="seconds", why="how far point-in-time recovery reaches back", ge=DAY, le=35 * DAY
    )
    backup_window: str = setting(
        "03:10-03:40", unit="UTC", why="after the nightly AOF rewrites", pattern=r"\d\d:\d\d-\d\d:\d\d"
    )
    maintenance_window: str = setting(
        "sun:04:00-sun:05:00", unit="UTC", why="the quietest hour", pattern=r"[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d"
    )
    monitoring_interval: Literal[0, 1, 5, 10, 15, 30, 60] = setting(
        60, unit="seconds", why="operating-system metrics; 0: off"
    )
    insights: Literal["standard", "advanced"] = setting(
        "standard", why="Database Insights keeps 7 days; advanced: 15 months, at a price"
    )
    log_retention_days: Literal[7, 14, 30, 60, 90, 180, 365] = setting(
        30, unit="days", why="Postgres's log in CloudWatch"
    )
    log_statement: Literal["none", "ddl", "mod", "all"] = setting(
        "ddl", why="`all` doubles the log and puts personal data into it: dev only"
    )
    log_duration: bool = setting(False, why="logs every statement's duration: dev only")
    ca_certificate: Literal["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"] = setting(
        "rds-ca-rsa2048-g1", why="the CA of the server's certificate; older ones have expired"
    )
    maintenance_schedule: str = setting(
        "30 3 * * 0", unit="cron, UTC", why="weekly: analyses tables, rebuilds bloated indexes", pattern=CRON
    )
    drift_schedule: str = setting(
        "15 6 * * *", unit="cron, UTC", why="compares the instance's parameters with the declared ones", pattern=CRON
    )
    jobs: Resources = setting({"cpu": "100m", "memory": "192MiB"}, why="the jobs query and wait")

    @field_validator("instance_class")
    @classmethod
    def _known_class(cls, value: str) -> str:
        if value not in MEMORY:
            raise ValueError(
                f"is not an instance class whose memory is known here; take one of {', '.join(MEMORY)}, or add it to "
                "components/postgres/instance_classes.py"
            )
        return value

    def contradictions(self) -> Iterable[str]:
        if self.max_storage < self.storage:
            yield (
                f"max_storage is {format_bytes(self.max_storage)}, less than storage {format_bytes(self.storage)}; "
                "raise it to at least that"
            )
        if self.storage < STRIPED_FROM and (self.iops or self.throughput):
            yield (
                f"iops and throughput can be set from 400GiB of storage on, and storage is "
                f"{format_bytes(self.storage)}; leave both out (3,000 IOPS and 125 MiB/s are included)"
            )

    @field_validator("engine_version")
    @classmethod
    def _still_offered(cls, value: str) -> str:
        if value in WITHDRAWN:
            raise ValueError(
                f"AWS creates no more instances of {', '.join(WITHDRAWN)}; name the major version, or one of those "
                "that `aws rds describe-db-engine-versions --engine postgres` lists"
            )
        return value

    @property
    def follows_minor_versions(self) -> bool:
        """Whether RDS chooses the minor version: it takes a major one by itself only where it may also upgrade it."""
        return "." not in self.engine_version

    @property
    def major_version(self) -> int:
        """16 of "16.10"."""
        return int(self.engine_version.partition(".")[0])

    @property
    def memory(self) -> int:
        """The instance's memory in bytes."""
        return MEMORY[self.instance_class]

    @property
    def max_connections(self) -> int:
        """Connections that the instance takes (declared as a parameter)."""
        return max_connections(self.memory)
