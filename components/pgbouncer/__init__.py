"""pgBouncer: many client connections on few of Postgres's."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.deployment import stateless_deployment
from components.pgbouncer.pgbouncer_ini import LISTEN_PORT, pgbouncer_ini, userlist
from components.pgbouncer.settings import PgBouncerSettings
from components.platform import Platform
from components.postgres.roles import EXPORTER
from components.script_files import fill_script, script_files
from components.settings.images import Images
from components.settings.quantities import MIB
from components.settings.secrets import PostgresSecrets

SYSTEM = "pgbouncer"
EXPORTER_PORT = 9127
UID = 10001
SECRETS, EXPORTER_SECRET = "pgbouncer", "pgbouncer-exporter"
# After the drain, running transactions get this long to end.
TRANSACTION_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class PgBouncerArgs:
    """What the pools are made from. `database_host` is Postgres's address; `after` are resources that must be there
    before a pod starts.
    """

    platform: Platform
    settings: PgBouncerSettings
    secrets: PostgresSecrets
    images: Images
    database_host: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()


class PgBouncer(pulumi.ComponentResource):
    """Pools behind the Service `pgbouncer`, port 6432; `service` is that Service."""

    service: k8s.core.v1.Service

    def __init__(self, name: str, args: PgBouncerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:pgbouncer:PgBouncer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, settings = args.platform, args.settings
        texts = {
            "pgbouncer.ini": pgbouncer_ini(settings),
            **fill_script(),
            **script_files("components.pgbouncer", "start.sh"),
        }
        users = {"userlist.txt": userlist(args.secrets)}
        exporter = {"password": args.secrets.exporter.get_secret_value()}
        before: list[pulumi.Resource] = [
            workload.config_map(f"{name}-config", platform, SYSTEM, SYSTEM, texts, opts=child),
            workload.secret(f"{name}-users", platform, SYSTEM, SECRETS, users, opts=child),
            workload.secret(f"{name}-exporter-secret", platform, SYSTEM, EXPORTER_SECRET, exporter, opts=child),
            workload.service_account(f"{name}-account", platform, SYSTEM, opts=child),
        ]
        self.service = workload.service(f"{name}-service", platform, SYSTEM, LISTEN_PORT, opts=child)
        workload.disruption_budget(f"{name}-budget", platform, SYSTEM, opts=child)
        stateless_deployment(
            f"{name}-deployment",
            platform,
            SYSTEM,
            uid=UID,
            replicas=settings.replicas,
            grace_period=settings.drain + TRANSACTION_SECONDS,
            checksum=workload.files_checksum(texts, users, exporter),
            containers=[_server(args), _exporter(args)],
            volumes=[
                workload.config_volume("config", SYSTEM),
                workload.secret_volume("users", SECRETS),
                workload.secret_volume("exporter", EXPORTER_SECRET),
                workload.empty_dir("run", MIB),
            ],
            opts=workload.after(child, *before, *args.after),
        )
        self.register_outputs({})


def _server(args: PgBouncerArgs) -> k8s.core.v1.ContainerArgs:
    listening = k8s.core.v1.TCPSocketActionArgs(port=LISTEN_PORT)
    return k8s.core.v1.ContainerArgs(
        name=SYSTEM,
        image=args.images.ours(SYSTEM),
        command=["sh", "/etc/pgbouncer/start.sh"],
        env=[workload.pod_ip_env(), workload.env("DATABASE_HOST", args.database_host)],
        ports=[k8s.core.v1.ContainerPortArgs(name=SYSTEM, container_port=LISTEN_PORT)],
        resources=args.settings.resources.requirements(),
        security_context=workload.container_security(),
        readiness_probe=k8s.core.v1.ProbeArgs(tcp_socket=listening, period_seconds=3, failure_threshold=2),
        liveness_probe=k8s.core.v1.ProbeArgs(tcp_socket=listening, period_seconds=10, failure_threshold=3),
        lifecycle=workload.drain(args.settings.drain),
        volume_mounts=[
            workload.mount("config", "/etc/pgbouncer", read_only=True),
            workload.mount("users", "/etc/pgbouncer-secrets", read_only=True),
            workload.mount("run", "/srv/pgbouncer"),
        ],
    )


def _exporter(args: PgBouncerArgs) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="exporter",
        image=args.images.ours("operations"),
        command=["python", "-m", "app.operations", "pgbouncer-exporter"],
        env=[
            workload.pod_ip_env(),
            workload.env("PGBOUNCER_PORT", str(LISTEN_PORT)),
            workload.env("PGBOUNCER_USER", EXPORTER),
            workload.env("PGBOUNCER_PASSWORD_FILE", "/etc/pgbouncer-exporter/password"),
            workload.env("METRICS_PORT", str(EXPORTER_PORT)),
        ],
        ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=EXPORTER_PORT)],
        resources=args.settings.exporter.requirements(),
        security_context=workload.container_security(),
        readiness_probe=workload.http_probe("/health", EXPORTER_PORT, period=10, failures=3),
        liveness_probe=workload.http_probe("/health", EXPORTER_PORT, period=20, failures=3),
        volume_mounts=[workload.mount("exporter", "/etc/pgbouncer-exporter", read_only=True)],
    )
