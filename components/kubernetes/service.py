"""Services: addresses that outlive pods."""

from collections.abc import Mapping

import pulumi_kubernetes as k8s

from components.kubernetes.scope import Scope

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"


def service(
    scope: Scope,
    suffix: str,
    port: int,
    *,
    name: str = "",
    extra_selector: Mapping[str, str] | None = None,
    before_ready: bool = False,
) -> k8s.core.v1.Service:
    """A cluster address for the matching pods, on their own port.

    It is declared before its pods, which find each other by its environment variables; so the engine must not wait
    for its endpoints (`skipAwait`).
    """
    return k8s.core.v1.Service(
        scope.resource_name(suffix),
        metadata=scope.metadata(name, annotations={"pulumi.com/skipAwait": "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            selector={**scope.selector, **(extra_selector or {})},
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=port, target_port=port, protocol="TCP")],
            publish_not_ready_addresses=before_ready or None,
        ),
        opts=scope.opts,
    )


def pod_service(scope: Scope, suffix: str, pod: str, port: int) -> k8s.core.v1.Service:
    """A StatefulSet's pod's own address, under the pod's name. It survives the pod, and is there before it is ready."""
    return service(scope, suffix, port, name=pod, extra_selector={POD_NAME_LABEL: pod}, before_ready=True)


def headless_service(
    scope: Scope,
    suffix: str,
    port: int,
    *,
    name: str,
    extra_selector: Mapping[str, str] | None = None,
    before_ready: bool = False,
    type_: str | None = None,
) -> k8s.core.v1.Service:
    """A name that resolves to every matching pod; a StatefulSet requires one, which nothing dials."""
    return k8s.core.v1.Service(
        scope.resource_name(suffix),
        metadata=scope.metadata(name, annotations={"pulumi.com/skipAwait": "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            type=type_,
            cluster_ip="None",
            selector={**scope.selector, **(extra_selector or {})},
            publish_not_ready_addresses=before_ready or None,
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=port, target_port=port)],
        ),
        opts=scope.opts,
    )
