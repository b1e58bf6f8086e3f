"""Disruption budgets: what a node drain may take."""

from collections.abc import Mapping

import pulumi_kubernetes as k8s

from components.kubernetes.scope import Scope


def disruption_budget(
    scope: Scope, *, name: str = "", extra_selector: Mapping[str, str] | None = None
) -> k8s.policy.v1.PodDisruptionBudget:
    """A node drain takes one of the matching pods at a time."""
    return k8s.policy.v1.PodDisruptionBudget(
        scope.resource_name("budget"),
        metadata=scope.metadata(name),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={**scope.selector, **(extra_selector or {})}),
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=scope.opts,
    )
