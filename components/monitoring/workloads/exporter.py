"""A small exporter from the operations image: one pod that asks something outside by the clock."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring.settings import PolledExporter
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.parts import http_probe, metrics_port
from components.network.flows import APPLICATION_METRICS_PORT
from components.workload import (
    after,
    container_security,
    env,
    metadata,
    pod_ip_env,
    pod_metadata,
    pod_security,
    selector,
    service_account,
)

UID = 10001
"""Of our operations image."""


def declare_exporter(
    name: str,
    args: MonitoringArgs,
    system: str,
    settings: PolledExporter,
    environment: Sequence[k8s.core.v1.EnvVarArgs],
    *,
    opts: pulumi.ResourceOptions,
    checksum: str = "",
    volumes: Sequence[k8s.core.v1.VolumeArgs] = (),
    mounts: Sequence[k8s.core.v1.VolumeMountArgs] = (),
    annotations: dict[str, pulumi.Input[str]] | None = None,
) -> None:
    """Account and Deployment of `python -m app.operations <system>`; `annotations` are the account's."""
    platform = args.platform
    account = service_account(name, platform, system, annotations=annotations, opts=opts)
    container = k8s.core.v1.ContainerArgs(
        name=system,
        image=args.images.ours("operations"),
        command=["python", "-m", "app.operations", system],
        env=[
            pod_ip_env(),
            env("METRICS_PORT", str(APPLICATION_METRICS_PORT)),
            env("INTERVAL_SECONDS", str(settings.interval)),
            *environment,
        ],
        ports=[metrics_port(APPLICATION_METRICS_PORT)],
        resources=settings.resources.requirements(),
        security_context=container_security(),
        readiness_probe=http_probe("/", APPLICATION_METRICS_PORT),
        liveness_probe=http_probe("/", APPLICATION_METRICS_PORT, failures=6),
        volume_mounts=list(mounts) or None,
    )
    k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata=metadata(platform, system, system, component="monitoring"),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            # Two at once would count the same minutes twice.
            strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(system)),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=pod_metadata(platform, system, component="monitoring", scrape=True, checksum=checksum),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=system,
                    priority_class_name=platform.priority("serving"),
                    automount_service_account_token=False,
                    security_context=pod_security(UID),
                    containers=[container],
                    volumes=list(volumes) or None,
                ),
            ),
        ),
        opts=after(opts, account),
    )
