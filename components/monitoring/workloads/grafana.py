"""Grafana: the dashboards as a ConfigMap, always; a Deployment that shows them, where the settings ask for one."""

from collections.abc import Sequence

import pulumi

from components.kubernetes.account import service_account
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import GRAFANA_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, Pod, Scratch, SecretFiles, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.service import service
from components.monitoring.config.grafana import (
    DASHBOARDS_DIRECTORY,
    DATA_DIRECTORY,
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
from components.settings.quantities import MIB

SYSTEM = "grafana"
UID = 472
"""As the official image runs."""


def declare_grafana(
    name: str, args: MonitoringArgs, *, prometheus: pulumi.Resource, opts: pulumi.ResourceOptions
) -> None:
    """The dashboards, and Grafana itself if it is wanted; `prometheus` is the Service that it asks."""
    boards = dashboard_files(args.settings, runbook_urls(args.settings))
    own = Scope(name, args.platform, SYSTEM, opts)
    texts = config_map(own, "dashboards", "grafana-dashboards", boards)
    if args.settings.grafana is not None:
        _declare_server(own, args, args.settings.grafana, boards, before=[prometheus, texts])


def _declare_server(
    own: Scope, args: MonitoringArgs, settings: Grafana, boards: dict[str, str], *, before: Sequence[pulumi.Resource]
) -> None:
    interval = args.settings.prometheus.scrape_interval
    datasources, providers = {"prometheus.yml": datasources_yml(interval)}, {"simone.yml": providers_yml()}
    secrets = {"admin-password": args.secrets.grafana_admin_password.get_secret_value()}
    texts = [
        service_account(own, ""),
        config_map(own, "datasources", "grafana-datasources", datasources),
        config_map(own, "providers", "grafana-providers", providers),
        secret(own, "secrets", "grafana-secrets", secrets),
    ]
    service(own, "service", GRAFANA_PORT)
    container = Container(
        name=SYSTEM,
        image=args.images.grafana,
        env={**POD_IP, **grafana_environment(args.settings)},
        ports={"metrics": GRAFANA_PORT},
        resources=settings.resources,
        # Its first start fills its database.
        startup=http_probe("/api/health", GRAFANA_PORT, period=5, timeout=5, failures=60),
        readiness=http_probe("/api/health", GRAFANA_PORT, timeout=5),
        liveness=http_probe("/api/health", GRAFANA_PORT, timeout=5, failures=6),
        mounts={
            "dashboards": DASHBOARDS_DIRECTORY,
            "datasources": f"{PROVISIONING_DIRECTORY}/datasources",
            "providers": f"{PROVISIONING_DIRECTORY}/dashboards",
            "secrets": SECRETS_DIRECTORY,
            "data": DATA_DIRECTORY,
        },
    )
    pod = Pod(
        uid=UID,
        scraped=False,
        component="monitoring",
        files=[boards, datasources, providers, secrets],
        containers=[container],
        volumes={
            "dashboards": ConfigFiles("grafana-dashboards"),
            "datasources": ConfigFiles("grafana-datasources"),
            "providers": ConfigFiles("grafana-providers"),
            "secrets": SecretFiles("grafana-secrets"),
            # Nothing in it is worth keeping: users' own dashboards belong into the repository.
            "data": Scratch(64 * MIB),
        },
    )
    deployment(own, pod, replicas=1, after=[*texts, *before])
