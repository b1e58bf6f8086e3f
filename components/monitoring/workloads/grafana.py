"""Grafana: the dashboards as a ConfigMap, always; a Deployment that shows them, where the settings ask for one."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring.config.grafana import (
    DASHBOARDS_DIRECTORY,
    DATA_DIRECTORY,
    PORT,
    PROVISIONING_DIRECTORY,
    SECRETS_DIRECTORY,
    datasources_yml,
    grafana_environment,
    providers_yml,
)
from components.monitoring.dashboards import dashboard_files
from components.monitoring.rules import runbook_urls
from components.monitoring.settings import Grafana
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.parts import (
    http_probe,
    metrics_port,
    mount,
    scratch_volume,
)
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
    service,
    service_account,
)

SYSTEM = "grafana"
UID = 472
"""As the official image runs."""


def declare_grafana(
    name: str, args: MonitoringArgs, *, prometheus: pulumi.Resource, opts: pulumi.ResourceOptions
) -> None:
    """The dashboards, and Grafana itself if it is wanted; `prometheus` is the Service that it asks."""
    boards = dashboard_files(args.settings, runbook_urls(args.settings))
    texts = config_map(f"{name}-dashboards", args.platform, SYSTEM, "grafana-dashboards", boards, opts=opts)
    if args.settings.grafana is not None:
        _declare_server(name, args, args.settings.grafana, boards, before=[prometheus, texts], opts=opts)


def _declare_server(
    name: str,
    args: MonitoringArgs,
    settings: Grafana,
    boards: dict[str, str],
    *,
    before: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> None:
    platform = args.platform
    interval = args.settings.prometheus.scrape_interval
    datasources, providers = {"prometheus.yml": datasources_yml(interval)}, {"simone.yml": providers_yml()}
    secrets = {"admin-password": args.secrets.grafana_admin_password.get_secret_value()}
    own = (
        service_account(name, platform, SYSTEM, opts=opts),
        config_map(f"{name}-datasources", platform, SYSTEM, "grafana-datasources", datasources, opts=opts),
        config_map(f"{name}-providers", platform, SYSTEM, "grafana-providers", providers, opts=opts),
        secret(f"{name}-secrets", platform, SYSTEM, "grafana-secrets", secrets, opts=opts),
    )
    service(f"{name}-service", platform, SYSTEM, PORT, opts=opts)
    container = k8s.core.v1.ContainerArgs(
        name=SYSTEM,
        image=args.images.grafana,
        env=[pod_ip_env(), *(env(key, value) for key, value in grafana_environment().items())],
        ports=[metrics_port(PORT)],
        resources=settings.resources.requirements(),
        security_context=container_security(),
        readiness_probe=http_probe("/api/health", PORT),
        liveness_probe=http_probe("/api/health", PORT, failures=6),
        volume_mounts=[
            mount("dashboards", DASHBOARDS_DIRECTORY),
            mount("datasources", f"{PROVISIONING_DIRECTORY}/datasources"),
            mount("providers", f"{PROVISIONING_DIRECTORY}/dashboards"),
            mount("secrets", SECRETS_DIRECTORY),
            mount("data", DATA_DIRECTORY, read_only=False),
        ],
    )
    k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata=metadata(platform, SYSTEM, SYSTEM, component="monitoring"),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(SYSTEM)),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=pod_metadata(
                    platform,
                    SYSTEM,
                    component="monitoring",
                    checksum=files_checksum(boards, datasources, providers, secrets),
                ),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=SYSTEM,
                    priority_class_name=platform.priority("serving"),
                    automount_service_account_token=False,
                    security_context=pod_security(UID),
                    containers=[container],
                    volumes=[
                        config_volume("dashboards", "grafana-dashboards"),
                        config_volume("datasources", "grafana-datasources"),
                        config_volume("providers", "grafana-providers"),
                        secret_volume("secrets", "grafana-secrets"),
                        # Nothing in it is worth keeping: users' own dashboards belong into the repository.
                        scratch_volume("data"),
                    ],
                ),
            ),
        ),
        opts=after(opts, *own, *before),
    )
