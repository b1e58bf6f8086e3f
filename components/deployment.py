"""A stateless system's Deployment: rolled without losing a request, spread, restricted."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.platform import Platform


def stateless_deployment(
    name: str,
    platform: Platform,
    system: str,
    *,
    uid: int,
    containers: Sequence[k8s.core.v1.ContainerArgs],
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    grace_period: int,
    checksum: str,
    opts: pulumi.ResourceOptions,
    replicas: int | None = None,
    init_containers: Sequence[k8s.core.v1.ContainerArgs] = (),
) -> k8s.apps.v1.Deployment:
    """Pods that can be replaced at any time, under the system's own name and service account, scraped by Prometheus.

    A roll-out adds a pod before it takes one. `grace_period` is in seconds and includes the drain. `replicas` is
    `None` where an autoscaler owns them. `checksum` rolls the pods when the configuration that they mount changes.
    """
    return k8s.apps.v1.Deployment(
        name,
        metadata=workload.metadata(platform, system, system),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=workload.selector(system)),
            strategy=k8s.apps.v1.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_unavailable=0, max_surge=1),
            ),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=workload.pod_metadata(platform, system, scrape=True, checksum=checksum),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=system,
                    automount_service_account_token=False,
                    priority_class_name=platform.priority("serving"),
                    security_context=workload.pod_security(uid),
                    termination_grace_period_seconds=grace_period,
                    topology_spread_constraints=workload.spread(workload.selector(system)),
                    init_containers=list(init_containers) or None,
                    containers=list(containers),
                    volumes=list(volumes),
                ),
            ),
        ),
        opts=opts,
    )
