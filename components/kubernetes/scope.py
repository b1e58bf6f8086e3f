"""What a system's Kubernetes objects have in common: names, labels, and their place in the resource tree."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.platform import PROJECT, Platform


def selector(system: str) -> dict[str, str]:
    """The labels that find a system's pods; they never change (a Deployment's selector is immutable)."""
    return {"app.kubernetes.io/name": system, "app.kubernetes.io/part-of": PROJECT}


def labels(platform: Platform, system: str, component: str = "") -> dict[str, str]:
    """The recommended labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/)."""
    return {
        **selector(system),
        "app.kubernetes.io/component": component or system,
        "app.kubernetes.io/instance": f"{PROJECT}-{platform.environment}",
        "app.kubernetes.io/managed-by": "pulumi",
    }


@dataclass(frozen=True)
class Scope:
    """Where a system's objects are declared: resource names begin with `prefix`, `opts` are the options of each."""

    prefix: str
    platform: Platform
    system: str
    opts: pulumi.ResourceOptions

    @property
    def selector(self) -> dict[str, str]:
        """The labels that find the system's pods."""
        return selector(self.system)

    def resource_name(self, suffix: str) -> str:
        """`redis-account` for `account`; the prefix itself for an empty suffix."""
        return f"{self.prefix}-{suffix}" if suffix else self.prefix

    def metadata(
        self,
        name: str = "",
        *,
        component: str = "",
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
        extra_labels: Mapping[str, str] | None = None,
    ) -> k8s.meta.v1.ObjectMetaArgs:
        """Metadata of a namespaced object with a fixed name, which is the system's unless another is given."""
        return k8s.meta.v1.ObjectMetaArgs(
            name=name or self.system,
            namespace=self.platform.namespace,
            labels={**labels(self.platform, self.system, component), **(extra_labels or {})},
            annotations=dict(annotations) if annotations else None,
        )

    def options(
        self,
        *,
        after: Iterable[pulumi.Resource] = (),
        patience: int = 0,
        protect: bool | None = None,
        aliases: Iterable[pulumi.Alias] = (),
    ) -> pulumi.ResourceOptions:
        """The options of an object that is declared once `after` are there.

        Pods come after all that they read: a text that changes is in the cluster before the pods that its checksum
        rolls, and an address exists before the pod that is told it. `patience` is for how many seconds the engine
        waits; its own ten minutes would call what is still at work a failure.
        """
        waiting = pulumi.CustomTimeouts(create=f"{patience}s", update=f"{patience}s") if patience else None
        own = pulumi.ResourceOptions(
            depends_on=list(after), custom_timeouts=waiting, protect=protect, aliases=list(aliases) or None
        )
        return pulumi.ResourceOptions.merge(self.opts, own)
