"""Autoscalers: how many pods, by load."""

import pulumi_kubernetes as k8s

from components.kubernetes.scope import Scope
from components.settings.pods import Autoscaling


def autoscaler(scope: Scope, scaling: Autoscaling) -> k8s.autoscaling.v2.HorizontalPodAutoscaler:
    """Scales the Deployment of the system's name by CPU; the Deployment itself then states no replicas."""
    return k8s.autoscaling.v2.HorizontalPodAutoscaler(
        scope.resource_name("autoscaler"),
        metadata=scope.metadata(),
        spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            min_replicas=scaling.minimum,
            max_replicas=scaling.maximum,
            scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=scope.system
            ),
            metrics=[
                k8s.autoscaling.v2.MetricSpecArgs(
                    type="Resource",
                    resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(
                        name="cpu",
                        target=k8s.autoscaling.v2.MetricTargetArgs(
                            type="Utilization", average_utilization=scaling.cpu_percent
                        ),
                    ),
                )
            ],
            behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_down=k8s.autoscaling.v2.HPAScalingRulesArgs(stabilization_window_seconds=300)
            ),
        ),
        opts=scope.opts,
    )
