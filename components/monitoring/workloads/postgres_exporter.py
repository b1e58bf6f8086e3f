"""The Postgres exporter: one small Deployment beside the database, which runs outside the cluster."""

import pulumi

from components.kubernetes.account import service_account
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import POSTGRES_EXPORTER_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, Pod, SecretFiles, http_probe
from components.kubernetes.scope import Scope
from components.monitoring.config.postgres_exporter import (
    PASSWORD_FILE,
    QUERIES_FILE,
    postgres_exporter_arguments,
    queries_yml,
)
from components.monitoring.workloads.args import MonitoringArgs
from components.postgres.roles import EXPORTER

SYSTEM = "postgres-exporter"
UID = 65534


def declare_postgres_exporter(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that the exporter needs. It reads its password from a file."""
    platform, database = args.platform, args.database
    queries_directory, _, queries_name = QUERIES_FILE.rpartition("/")
    secrets_directory, _, password_name = PASSWORD_FILE.rpartition("/")
    shown = database.secrets.shown_file(EXPORTER, password_name)
    config = {queries_name: queries_yml()}
    secrets = database.secrets.files(EXPORTER, password_name)
    own = Scope(name, platform, SYSTEM, opts)
    before = [
        service_account(own, ""),
        config_map(own, "config", "postgres-exporter-config", config),
        secret(own, "secrets", "postgres-exporter-secrets", secrets),
    ]
    address = pulumi.Output.from_input(database.host).apply(
        lambda host: f"{host}:5432/{database.name}?sslmode={args.settings.database_sslmode}"
    )
    container = Container(
        name=SYSTEM,
        image=args.images.postgres_exporter,
        args=postgres_exporter_arguments(),
        env={
            **POD_IP,
            "DATA_SOURCE_URI": address,
            "DATA_SOURCE_USER": database.secrets.role(EXPORTER),
            "DATA_SOURCE_PASS_FILE": f"{secrets_directory}/{shown}",
        },
        ports={"metrics": POSTGRES_EXPORTER_PORT},
        resources=args.settings.postgres_exporter,
        readiness=http_probe("/", POSTGRES_EXPORTER_PORT, timeout=5),
        liveness=http_probe("/", POSTGRES_EXPORTER_PORT, timeout=5, failures=6),
        mounts={"config": queries_directory, "secrets": secrets_directory},
    )
    pod = Pod(
        uid=UID,
        component="monitoring",
        files=[config, secrets],
        containers=[container],
        volumes={
            "config": ConfigFiles("postgres-exporter-config"),
            "secrets": SecretFiles("postgres-exporter-secrets"),
        },
    )
    deployment(own, pod, replicas=1, after=before)
