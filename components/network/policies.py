"""NetworkPolicies made from the table of flows: one that denies everything, then one for each system."""

from collections.abc import Sequence

import pulumi_kubernetes as k8s

from components.api.settings import MailSettings
from components.kubernetes import flows
from components.kubernetes.flows import Flow
from components.kubernetes.scope import selector

DNS_PORT = 53
_Peer = k8s.networking.v1.NetworkPolicyPeerArgs
_Port = k8s.networking.v1.NetworkPolicyPortArgs
_Spec = k8s.networking.v1.NetworkPolicySpecArgs


def specs(
    vpc_cidr: str,
    service_cidr: str | None,
    edge_cidrs: Sequence[str],
    mail: MailSettings | None,
    table: Sequence[Flow],
) -> dict[str, k8s.networking.v1.NetworkPolicySpecArgs]:
    """The policies' specs by object name: `default-deny`, then each system's own name, as the table of flows says."""
    deny = _Spec(pod_selector=k8s.meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"])
    return {"default-deny": deny} | {
        system: _of(system, vpc_cidr=vpc_cidr, service_cidr=service_cidr, edge_cidrs=edge_cidrs, mail=mail, table=table)
        for system in flows.systems()
    }


def _of(
    system: str,
    *,
    vpc_cidr: str,
    service_cidr: str | None,
    edge_cidrs: Sequence[str],
    mail: MailSettings | None,
    table: Sequence[Flow],
) -> k8s.networking.v1.NetworkPolicySpecArgs:
    incoming = [flow for flow in table if flow.target == system]
    outgoing = [flow for flow in table if flow.source == system and (mail or flow.target != flows.MAIL)]

    def peers(peer: str) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
        return _peers(peer, vpc_cidr, edge_cidrs, mail)

    def called(peer: str) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
        """The pods, and the addresses of their own Services: the VPC CNI finds the latter by comparing selectors, which
        has left out those of single pods where the caller is one of them. The target's ingress still says who may.
        """
        by_address = [_network(service_cidr)] if service_cidr and peer in flows.OWN_ADDRESSES else []
        return [*peers(peer), *by_address]

    return _Spec(
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(system)),
        policy_types=["Ingress", "Egress"],
        ingress=[
            k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=peers(flow.source), ports=[_tcp(flow.port)])
            for flow in incoming
        ]
        or None,
        egress=[
            *(
                k8s.networking.v1.NetworkPolicyEgressRuleArgs(
                    to=called(flow.target), ports=[_tcp(mail.port if mail and flow.target == flows.MAIL else flow.port)]
                )
                for flow in outgoing
            ),
            k8s.networking.v1.NetworkPolicyEgressRuleArgs(
                to=peers(flows.DNS), ports=[_Port(protocol=protocol, port=DNS_PORT) for protocol in ("UDP", "TCP")]
            ),
        ],
    )


def _tcp(port: int) -> k8s.networking.v1.NetworkPolicyPortArgs:
    return _Port(protocol="TCP", port=port)


def _network(cidr: str) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return _Peer(ip_block=k8s.networking.v1.IPBlockArgs(cidr=cidr))


def _peers(
    peer: str, vpc_cidr: str, edge_cidrs: Sequence[str], mail: MailSettings | None
) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    if peer == flows.DNS:
        return [
            _Peer(
                namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                    match_labels={"kubernetes.io/metadata.name": "kube-system"}
                ),
                pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
            )
        ]
    in_the_vpc = [vpc_cidr]
    cidrs = {
        flows.POSTGRES: in_the_vpc,
        flows.BALANCER: in_the_vpc,
        flows.KUBELET: in_the_vpc,
        flows.EDGE: edge_cidrs,
        flows.HTTPS: ["0.0.0.0/0"],
        flows.MAIL: mail.cidrs if mail else [],
    }.get(peer)
    if cidrs is not None:
        return [_network(cidr) for cidr in cidrs]
    return [_Peer(pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(peer)))]
