"""StatefulSets: pods with a stable name each, and volumes that outlive them."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pod import Pod, pod_template
from components.kubernetes.scope import Scope
from components.settings.quantities import kubernetes_memory


def stateful_set(
    scope: Scope,
    suffix: str,
    pod: Pod,
    *,
    replicas: int,
    opts: pulumi.ResourceOptions,
    name: str = "",
    claims: Mapping[str, int] | None = None,
    parallel: bool = False,
    min_ready_seconds: int | None = None,
    keeps_volumes: bool = False,
) -> k8s.apps.v1.StatefulSet:
    """A StatefulSet under the system's name unless another is given; so is its governing Service.

    `claims` are each pod's volumes by name, in bytes. `parallel` pods start at once. `keeps_volumes`: also those of a
    StatefulSet that is deleted or scaled down, which say by labels whose they are.
    """
    match = {**scope.selector, **pod.extra_labels}
    return k8s.apps.v1.StatefulSet(
        scope.resource_name(suffix),
        metadata=scope.metadata(name, component=pod.component, extra_labels=pod.extra_labels),
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            service_name=name or scope.system,
            replicas=replicas,
            pod_management_policy="Parallel" if parallel else None,
            min_ready_seconds=min_ready_seconds,
            revision_history_limit=5 if keeps_volumes else None,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=match),
            persistent_volume_claim_retention_policy=(
                k8s.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
                    when_deleted="Retain", when_scaled="Retain"
                )
                if keeps_volumes
                else None
            ),
            template=pod_template(scope, pod),
            volume_claim_templates=[
                k8s.core.v1.PersistentVolumeClaimArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(name=claim, labels=match if keeps_volumes else None),
                    spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                        access_modes=["ReadWriteOnce"],
                        resources=k8s.core.v1.VolumeResourceRequirementsArgs(
                            requests={"storage": kubernetes_memory(size)}
                        ),
                    ),
                )
                for claim, size in (claims or {}).items()
            ]
            or None,
        ),
        opts=opts,
    )
