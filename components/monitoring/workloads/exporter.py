"""A small exporter from the operations image: one pod that asks something outside by the clock."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.kubernetes.account import service_account
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import APPLICATION_METRICS_PORT
from components.kubernetes.pod import POD_IP, Container, Pod, Value, Volume, http_probe
from components.kubernetes.scope import Scope
from components.monitoring.settings import PolledExporter
from components.monitoring.workloads.args import MonitoringArgs

UID = 10001
"""Of our operations image."""


def declare_exporter(
    scope: Scope,
    args: MonitoringArgs,
    settings: PolledExporter,
    environment: Mapping[str, Value],
    *,
    role: aws.iam.Role | None = None,
    files: Mapping[str, str] | None = None,
    volumes: Mapping[str, Volume] | None = None,
    mounts: Mapping[str, str] | None = None,
    after: Sequence[pulumi.Resource] = (),
) -> None:
    """Account and Deployment of `python -m app.operations <system>`; its pods assume `role`."""
    system = scope.system
    container = Container(
        name=system,
        image=args.images.ours("operations"),
        command=["python", "-m", "app.operations", system],
        env={
            **POD_IP,
            "METRICS_PORT": str(APPLICATION_METRICS_PORT),
            "INTERVAL_SECONDS": str(settings.interval),
            **environment,
        },
        ports={"metrics": APPLICATION_METRICS_PORT},
        resources=settings.resources,
        startup=http_probe("/", APPLICATION_METRICS_PORT, period=2, timeout=5, failures=60),
        readiness=http_probe("/", APPLICATION_METRICS_PORT, timeout=5),
        liveness=http_probe("/", APPLICATION_METRICS_PORT, timeout=5, failures=6),
        mounts=mounts or {},
    )
    pod = Pod(
        uid=UID,
        component="monitoring",
        files=[files] if files else [],
        containers=[container],
        volumes=volumes or {},
    )
    # Two at once would count the same minutes twice.
    deployment(scope, pod, replicas=1, roll_out="stop first", after=[*after, service_account(scope, "", role=role)])
