"""The Postgres exporter: one small Deployment beside the database, which runs outside the cluster."""

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring.config.postgres_exporter import (
    PASSWORD_FILE,
    PORT,
    QUERIES_FILE,
    postgres_exporter_arguments,
    queries_yml,
)
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.parts import http_probe, metrics_port, mount
from components.workload import (
    after,
    config_map,
    config_volume,
    container_security,
    env,
    files_checksum,
    metadata,
    pod_ip_env,
    pod_metadata,
    pod_security,
    secret,
    secret_volume,
    selector,
    service_account,
)

SYSTEM = "postgres-exporter"
UID = 65534


def declare_postgres_exporter(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that the exporter needs. It reads its password from a file."""
    platform, database = args.platform, args.database
    queries_directory, _, queries_name = QUERIES_FILE.rpartition("/")
    secrets_directory, _, password_name = PASSWORD_FILE.rpartition("/")
    config = {queries_name: queries_yml()}
    secrets = {password_name: database.exporter_password.get_secret_value()}
    before = (
        service_account(name, platform, SYSTEM, opts=opts),
        config_map(f"{name}-config", platform, SYSTEM, "postgres-exporter-config", config, opts=opts),
        secret(f"{name}-secrets", platform, SYSTEM, "postgres-exporter-secrets", secrets, opts=opts),
    )
    address = pulumi.Output.from_input(database.host).apply(
        lambda host: f"{host}:5432/{database.name}?sslmode={args.settings.database_sslmode}"
    )
    container = k8s.core.v1.ContainerArgs(
        name=SYSTEM,
        image=args.images.postgres_exporter,
        args=postgres_exporter_arguments(),
        env=[
            pod_ip_env(),
            env("DATA_SOURCE_URI", address),
            env("DATA_SOURCE_USER", "exporter"),
            env("DATA_SOURCE_PASS_FILE", PASSWORD_FILE),
        ],
        ports=[metrics_port(PORT)],
        resources=args.settings.postgres_exporter.requirements(),
        security_context=container_security(),
        readiness_probe=http_probe("/", PORT),
        liveness_probe=http_probe("/", PORT, failures=6),
        volume_mounts=[mount("config", queries_directory), mount("secrets", secrets_directory)],
    )
    k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata=metadata(platform, SYSTEM, SYSTEM, component="monitoring"),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(SYSTEM)),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=pod_metadata(
                    platform, SYSTEM, component="monitoring", scrape=True, checksum=files_checksum(config, secrets)
                ),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=SYSTEM,
                    priority_class_name=platform.priority("serving"),
                    automount_service_account_token=False,
                    security_context=pod_security(UID),
                    containers=[container],
                    volumes=[
                        config_volume("config", "postgres-exporter-config"),
                        secret_volume("secrets", "postgres-exporter-secrets"),
                    ],
                ),
            ),
        ),
        opts=after(opts, *before),
    )
