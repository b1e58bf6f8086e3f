"""Deployments: pods that can be replaced at any time."""

from collections.abc import Iterable
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pod import Pod, pod_template
from components.kubernetes.scope import Scope

_Strategy = k8s.apps.v1.DeploymentStrategyArgs


def deployment(
    scope: Scope,
    pod: Pod,
    *,
    replicas: int | None,
    after: Iterable[pulumi.Resource],
    roll_out: Literal["add first", "stop first"] | None = None,
) -> k8s.apps.v1.Deployment:
    """A Deployment under the system's own name, declared after what its pods read.

    `replicas` is None where an autoscaler owns them. A roll-out adds a pod before it takes one, or stops the old one
    first; None: as Kubernetes likes.
    """
    strategies = {
        "add first": _Strategy(
            type="RollingUpdate",
            rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_unavailable=0, max_surge=1),
        ),
        "stop first": _Strategy(type="Recreate"),
    }
    return k8s.apps.v1.Deployment(
        scope.resource_name("deployment"),
        metadata=scope.metadata(component=pod.component),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            strategy=strategies[roll_out] if roll_out else None,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=scope.selector),
            template=pod_template(scope, pod),
        ),
        opts=scope.options(after=after),
    )
