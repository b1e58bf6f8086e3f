"""The namespace that everything lives in, closed by default: pod security, network policies, priorities, quota."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.api.settings import MailSettings
from components.kubernetes.flows import FLOWS, Flow
from components.kubernetes.scope import Scope, labels
from components.network import policies
from components.network.settings import NetworkSettings
from components.platform import PROJECT, Platform, Priority
from components.settings.quantities import kubernetes_cpu, kubernetes_memory

SYSTEM = "network"
POD_SECURITY = "restricted"
# Higher is scheduled first and evicted last; user classes end at 1,000,000,000
# (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).
PRIORITIES: dict[Priority, tuple[int, str]] = {
    "data": (900_000, "holds data that others wait for"),
    "serving": (800_000, "answers visitors"),
    "batch": (100_000, "can run later"),
}


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What the namespace is made from: `platform.namespace` is its name, `mail` the server that may be reached."""

    platform: Platform
    settings: NetworkSettings
    mail: MailSettings | None
    flows: Sequence[Flow] = FLOWS


class Network(pulumi.ComponentResource):
    """Namespace, default deny, the allowed flows, priority classes, quota.

    `namespace` is the created namespace's name, an output to build everything else upon.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:network:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.platform.namespace,
                labels={
                    **labels(args.platform, SYSTEM),
                    **{f"pod-security.kubernetes.io/{mode}": POD_SECURITY for mode in ("enforce", "audit", "warn")},
                    # A gateway's pod counts as ready only when the load balancer sends it visitors, which takes
                    # minutes: else a roll-out would take the next one away before that.
                    "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
                },
            ),
            # Deleting a namespace deletes every volume claim in it.
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        self.namespace = namespace.metadata.apply(lambda created: created.name or "")
        own = Scope(name, args.platform.within(self.namespace), SYSTEM, child)

        specs = policies.specs(
            args.platform.aws.vpc_cidr, args.platform.aws.service_cidr, args.settings.edge_cidrs, args.mail, args.flows
        )
        for policy, spec in specs.items():
            k8s.networking.v1.NetworkPolicy(f"{name}-{policy}", metadata=own.metadata(policy), spec=spec, opts=child)
        for purpose, (value, why) in PRIORITIES.items():
            k8s.scheduling.v1.PriorityClass(
                f"{name}-priority-{purpose}",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=own.platform.priority(purpose), labels=labels(args.platform, SYSTEM)
                ),
                value=value,
                description=f"{PROJECT}: {why}",
                opts=child,
            )
        quota = args.settings.quota
        k8s.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=own.metadata("quota"),
            spec=k8s.core.v1.ResourceQuotaSpecArgs(
                hard={
                    "pods": str(quota.pods),
                    "requests.cpu": kubernetes_cpu(quota.cpu),
                    "requests.memory": kubernetes_memory(quota.memory),
                    "limits.memory": kubernetes_memory(quota.memory),
                    "requests.storage": kubernetes_memory(quota.storage),
                }
            ),
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace})
