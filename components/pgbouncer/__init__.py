"""pgBouncer: many client connections on few of Postgres's."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.account import service_account
from components.kubernetes.budget import disruption_budget
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import PGBOUNCER_EXPORTER_PORT, PGBOUNCER_PORT
from components.kubernetes.pod import (
    POD_IP,
    ConfigFiles,
    Container,
    Pod,
    Scratch,
    SecretFiles,
    drain,
    http_probe,
    tcp_probe,
)
from components.kubernetes.scope import Scope
from components.kubernetes.service import service
from components.pgbouncer.pgbouncer_ini import pgbouncer_ini, userlist
from components.pgbouncer.settings import PgBouncerSettings
from components.platform import Platform
from components.postgres.roles import EXPORTER
from components.script_files import fill_script, script_files
from components.settings.images import Images
from components.settings.quantities import MIB
from components.settings.secrets import PostgresSecrets

SYSTEM = "pgbouncer"
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
        platform, settings = args.platform, args.settings
        own = Scope(name, platform, SYSTEM, pulumi.ResourceOptions(parent=self))
        texts = {
            "pgbouncer.ini": pgbouncer_ini(settings, args.secrets),
            **fill_script(),
            **script_files("components.pgbouncer", "start.sh"),
        }
        users = {"userlist.txt": userlist(args.secrets)}
        exporter = args.secrets.files(EXPORTER, "password")
        before = [
            config_map(own, "config", SYSTEM, texts),
            secret(own, "users", SECRETS, users),
            secret(own, "exporter-secret", EXPORTER_SECRET, exporter),
            service_account(own, "account"),
        ]
        self.service = service(own, "service", PGBOUNCER_PORT)
        disruption_budget(own)
        pod = Pod(
            uid=UID,
            grace_period=settings.drain + TRANSACTION_SECONDS,
            placement="spread",
            files=[texts, users, exporter],
            containers=[_server(args), _exporter(args)],
            volumes={
                "config": ConfigFiles(SYSTEM),
                "users": SecretFiles(SECRETS),
                "exporter": SecretFiles(EXPORTER_SECRET),
                "run": Scratch(MIB),
            },
        )
        deployment(own, pod, replicas=settings.replicas, roll_out="add first", after=[*before, *args.after])
        self.register_outputs({})


def _server(args: PgBouncerArgs) -> Container:
    return Container(
        name=SYSTEM,
        image=args.images.ours(SYSTEM),
        command=["sh", "/etc/pgbouncer/start.sh"],
        env={**POD_IP, "DATABASE_HOST": args.database_host},
        ports={SYSTEM: PGBOUNCER_PORT},
        resources=args.settings.resources,
        readiness=tcp_probe(PGBOUNCER_PORT, period=3, failures=2),
        liveness=tcp_probe(PGBOUNCER_PORT, period=10, failures=3),
        before_stop=drain(args.settings.drain),
        mounts={"config": "/etc/pgbouncer", "users": "/etc/pgbouncer-secrets", "run": "/srv/pgbouncer"},
    )


def _exporter(args: PgBouncerArgs) -> Container:
    return Container(
        name="exporter",
        image=args.images.ours("operations"),
        command=["python", "-m", "app.operations", "pgbouncer-exporter"],
        env={
            **POD_IP,
            "PGBOUNCER_PORT": str(PGBOUNCER_PORT),
            "PGBOUNCER_USER": args.secrets.role(EXPORTER),
            "PGBOUNCER_PASSWORD_FILE": f"/etc/pgbouncer-exporter/{args.secrets.shown_file(EXPORTER, 'password')}",
            "METRICS_PORT": str(PGBOUNCER_EXPORTER_PORT),
        },
        ports={"metrics": PGBOUNCER_EXPORTER_PORT},
        resources=args.settings.exporter,
        startup=http_probe("/health", PGBOUNCER_EXPORTER_PORT, period=2, failures=60),
        readiness=http_probe("/health", PGBOUNCER_EXPORTER_PORT),
        liveness=http_probe("/health", PGBOUNCER_EXPORTER_PORT, period=20),
        mounts={"exporter": "/etc/pgbouncer-exporter"},
    )
