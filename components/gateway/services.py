"""The gateway's addresses. They exist before the pods of the API and the gateway, which call each other."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.gateway.config import PORT, PURGE_PORT, TLS_PORT
from components.gateway.settings import GatewaySettings
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
        child = pulumi.ResourceOptions(parent=self)
        if args.settings.tls:
            door = _load_balancer(f"{name}-door", args, child)
            self.public_host = door.status.apply(_host)
        else:
            door = workload.service(f"{name}-door", args.platform, SYSTEM, PORT, opts=child)
            self.public_host = pulumi.Output.from_input("")
        self.all = [door]
        for ordinal in range(args.settings.pods):
            pod = f"{SYSTEM}-{ordinal}"
            self.all.append(
                workload.service(
                    f"{name}-pod-{ordinal}",
                    args.platform,
                    SYSTEM,
                    PURGE_PORT,
                    object_name=pod,
                    match_labels={**workload.selector(SYSTEM), "statefulset.kubernetes.io/pod-name": pod},
                    publish_not_ready=True,
                    opts=child,
                )
            )
        self.register_outputs({"public_host": self.public_host})


def purge_urls(settings: GatewaySettings) -> list[str]:
    """Where the API sends its purges: every pod, by its Service's environment variable.

    Whoever refuses the connection keeps nothing: a gateway starts without memory of what an earlier one stored.
    """
    return [f"http://$(GATEWAY_{ordinal}_SERVICE_HOST):{PURGE_PORT}/purge" for ordinal in range(settings.pods)]


def _load_balancer(name: str, args: GatewayServicesArgs, opts: pulumi.ResourceOptions) -> k8s.core.v1.Service:
    annotations = {
        "service.beta.kubernetes.io/aws-load-balancer-type": "external",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
        "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
        "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes": "preserve_client_ip.enabled=true",
        # For its name, which the DNS record needs; not for pods, which come later (as in workload.service).
        "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}",
    }
    return k8s.core.v1.Service(
        name,
        metadata=workload.metadata(args.platform, SYSTEM, SYSTEM, annotations=annotations),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="LoadBalancer",
            selector=workload.selector(SYSTEM),
            ports=[
                k8s.core.v1.ServicePortArgs(name="https", port=HTTPS_PORT, target_port=TLS_PORT, protocol="TCP"),
            ],
            external_traffic_policy="Local",
            load_balancer_source_ranges=args.edge_cidrs,
        ),
        opts=opts,
    )


def _host(status: k8s.core.v1.outputs.ServiceStatus | None) -> str:
    ingress = status.load_balancer.ingress if status and status.load_balancer else None
    return (ingress[0].hostname or ingress[0].ip or "") if ingress else ""
