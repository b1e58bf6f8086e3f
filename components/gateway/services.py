"""The gateway's addresses. They exist before the pods of the API and the gateway, which call each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.gateway.settings import GatewaySettings
from components.kubernetes.flows import GATEWAY_PORT, GATEWAY_PURGE_PORT, GATEWAY_TLS_PORT
from components.kubernetes.scope import Scope
from components.kubernetes.service import pod_service, service
from components.platform import Platform

SYSTEM = "gateway"
HTTPS_PORT = 443


@dataclass(frozen=True, kw_only=True)
class GatewayServicesArgs:
    """`edge_cidrs` are the addresses that may come in from outside."""

    platform: Platform
    settings: GatewaySettings
    edge_cidrs: list[str]


class GatewayServices(pulumi.ComponentResource):
    """The front door, and a Service for each pod: a purge must reach every one.

    `public_host` is the load balancer's name where there is one (`tls`), else empty. `all` are the Services, for
    pods that need their environment variables.
    """

    public_host: pulumi.Output[str]
    all: list[pulumi.Resource]

    def __init__(self, name: str, args: GatewayServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:gateway:GatewayServices", name, None, opts)
        own = Scope(name, args.platform, SYSTEM, pulumi.ResourceOptions(parent=self))
        if args.settings.tls:
            door = _load_balancer(own, args.edge_cidrs)
            self.public_host = door.status.apply(_host)
        else:
            door = service(own, "door", GATEWAY_PORT)
            self.public_host = pulumi.Output.from_input("")
        pods = range(args.settings.pods)
        self.all = [door, *(pod_service(own, f"pod-{pod}", f"{SYSTEM}-{pod}", GATEWAY_PURGE_PORT) for pod in pods)]
        self.register_outputs({"public_host": self.public_host})


def purge_urls(settings: GatewaySettings) -> list[str]:
    """Where the API sends its purges: every pod, by its Service's environment variable.

    Whoever refuses the connection keeps nothing: a gateway starts without memory of what an earlier one stored.
    """
    return [f"http://$(GATEWAY_{ordinal}_SERVICE_HOST):{GATEWAY_PURGE_PORT}/purge" for ordinal in range(settings.pods)]


def _load_balancer(scope: Scope, edge_cidrs: Sequence[str]) -> k8s.core.v1.Service:
    annotations = {
        "service.beta.kubernetes.io/aws-load-balancer-type": "external",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
        "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
        "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes": "preserve_client_ip.enabled=true",
        # The DNS record needs the load balancer's name. The pods come later, so the engine doesn't wait for them.
        "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}",
    }
    return k8s.core.v1.Service(
        scope.resource_name("door"),
        metadata=scope.metadata(annotations=annotations),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="LoadBalancer",
            selector=scope.selector,
            ports=[
                k8s.core.v1.ServicePortArgs(
                    name="https", port=HTTPS_PORT, target_port=GATEWAY_TLS_PORT, protocol="TCP"
                ),
            ],
            external_traffic_policy="Local",
            load_balancer_source_ranges=list(edge_cidrs),
        ),
        opts=scope.opts,
    )


def _host(status: k8s.core.v1.outputs.ServiceStatus | None) -> str:
    ingress = status.load_balancer.ingress if status and status.load_balancer else None
    return (ingress[0].hostname or ingress[0].ip or "") if ingress else ""
