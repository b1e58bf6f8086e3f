"""Alertmanager: a StatefulSet of one with its configuration in a Secret (receivers' addresses are credentials)."""

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring.config.alertmanager import (
    CONFIG_FILE,
    DATA_DIRECTORY,
    PORT,
    alertmanager_arguments,
    alertmanager_yml,
)
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.parts import (
    http_probe,
    metrics_port,
    mount,
    volume_claim,
)
from components.settings.quantities import kubernetes_memory
from components.workload import (
    after,
    container_security,
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

SYSTEM = "alertmanager"
UID = 65534
"""`nobody`, as the official image runs."""


def declare_alertmanager(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that Alertmanager needs."""
    platform, settings = args.platform, args.settings.alertmanager
    directory, _, file_name = CONFIG_FILE.rpartition("/")
    config = {file_name: alertmanager_yml(args.secrets)}
    account = service_account(name, platform, SYSTEM, opts=opts)
    texts = secret(f"{name}-config", platform, SYSTEM, "alertmanager-config", config, opts=opts)
    service(f"{name}-service", platform, SYSTEM, PORT, opts=opts)
    container = k8s.core.v1.ContainerArgs(
        name=SYSTEM,
        image=args.images.alertmanager,
        args=alertmanager_arguments(),
        env=[pod_ip_env()],
        ports=[metrics_port(PORT)],
        resources=settings.resources.requirements(),
        security_context=container_security(),
        readiness_probe=http_probe("/-/ready", PORT),
        liveness_probe=http_probe("/-/healthy", PORT),
        volume_mounts=[mount("config", directory), mount("data", DATA_DIRECTORY, read_only=False)],
    )
    k8s.apps.v1.StatefulSet(
        f"{name}-stateful-set",
        metadata=metadata(platform, SYSTEM, SYSTEM, component="monitoring"),
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            service_name=SYSTEM,
            replicas=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(SYSTEM)),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=pod_metadata(
                    platform, SYSTEM, component="monitoring", scrape=True, checksum=files_checksum(config)
                ),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=SYSTEM,
                    priority_class_name=platform.priority("serving"),
                    automount_service_account_token=False,
                    security_context=pod_security(UID),
                    containers=[container],
                    volumes=[secret_volume("config", "alertmanager-config")],
                ),
            ),
            volume_claim_templates=[volume_claim("data", kubernetes_memory(settings.storage))],
        ),
        opts=after(opts, account, texts),
    )
