"""The gateway: nginx between Cloudflare and the shop, as origin shield, with limits, behind one door."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from app.caching_policy import Policy
from components import workload
from components.gateway.config import METRICS_PORT, PORT, PURGE_PORT, TLS_PORT, files
from components.gateway.services import SYSTEM
from components.gateway.settings import GatewaySettings
from components.network.flows import API_PORT, STOREFRONT_PORT
from components.platform import Platform
from components.settings.quantities import MIB
from components.settings.secrets import EdgeSecrets
from components.workload import mount

UID = 10101
CONFIG, TLS_SECRET = "gateway-config", "gateway-tls"
CONFIG_DIRECTORY = "/etc/gateway"
# Pods go one after the other, and each waits until the load balancer has taken it in (the namespace's label).
ROLL_OUT_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """`after` are the Services of the API and the storefront, whose environment variables the pods read."""

    platform: Platform
    settings: GatewaySettings
    policy: Policy
    secrets: EdgeSecrets
    image: str
    edge_cidrs: list[str]
    after: Sequence[pulumi.Resource] = ()


class Gateway(pulumi.ComponentResource):
    """nginx pods with a stable name each, their configuration rendered from the cache policy."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:gateway:Gateway", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, settings = args.platform, args.settings
        config_files = files(settings, args.policy, edge_cidrs=args.edge_cidrs)
        tls_files = _tls_files(args) if settings.tls else {}
        before: list[pulumi.Resource] = [
            workload.config_map(f"{name}-config", platform, SYSTEM, CONFIG, config_files, opts=child),
            workload.service_account(f"{name}-account", platform, SYSTEM, opts=child),
        ]
        if tls_files:
            before.append(workload.secret(f"{name}-tls", platform, SYSTEM, TLS_SECRET, tls_files, opts=child))
        k8s.apps.v1.StatefulSet(
            f"{name}-pods",
            metadata=workload.metadata(platform, SYSTEM, SYSTEM),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                service_name=SYSTEM,
                replicas=settings.pods,
                pod_management_policy="Parallel",
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=workload.selector(SYSTEM)),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=workload.pod_metadata(
                        platform, SYSTEM, scrape=True, checksum=workload.files_checksum(config_files, tls_files)
                    ),
                    spec=_pod(args),
                ),
            ),
            opts=workload.after(workload.patient(child, ROLL_OUT_SECONDS), *args.after, *before),
        )
        workload.disruption_budget(f"{name}-budget", platform, SYSTEM, opts=child)
        self.register_outputs({})


def _pod(args: GatewayArgs) -> k8s.core.v1.PodSpecArgs:
    settings = args.settings
    mounts = [
        mount("config", CONFIG_DIRECTORY, read_only=True),
        mount("cache", "/var/cache/gateway"),
        mount("run", "/run/gateway"),
        mount("tmp", "/tmp"),  # noqa: S108 - the container's own
    ]
    volumes = [
        k8s.core.v1.VolumeArgs(name="config", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=CONFIG)),
        # nginx clears the cache after the fact, so it may grow past its size for a moment.
        workload.empty_dir("cache", settings.shield.size + 256 * MIB),
        workload.empty_dir("run", MIB),
        workload.empty_dir("tmp", 64 * MIB),
    ]
    if settings.tls:
        mounts.append(mount("tls", "/etc/gateway-tls", read_only=True))
        volumes.append(workload.secret_volume("tls", TLS_SECRET))
    ports = {"http": TLS_PORT if settings.tls else PORT, "purge": PURGE_PORT, "metrics": METRICS_PORT}
    return k8s.core.v1.PodSpecArgs(
        service_account_name=SYSTEM,
        automount_service_account_token=False,
        priority_class_name=args.platform.priority("serving"),
        security_context=workload.pod_security(UID),
        termination_grace_period_seconds=settings.drain + settings.grace_period,
        topology_spread_constraints=workload.spread(workload.selector(SYSTEM)),
        containers=[
            k8s.core.v1.ContainerArgs(
                name="nginx",
                image=args.image,
                command=["sh", f"{CONFIG_DIRECTORY}/start.sh"],
                env=[
                    workload.pod_ip_env(),
                    workload.env("API_ADDRESS", f"$(API_SERVICE_HOST):{API_PORT}"),
                    workload.env("STOREFRONT_ADDRESS", f"$(STOREFRONT_SERVICE_HOST):{STOREFRONT_PORT}"),
                    workload.env("DRAIN_SECONDS", str(settings.drain)),
                ],
                ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in ports.items()],
                resources=settings.resources.requirements(),
                security_context=workload.container_security(),
                startup_probe=workload.http_probe("/healthz", METRICS_PORT, period=1, failures=30),
                liveness_probe=workload.http_probe("/healthz", METRICS_PORT, period=10, failures=3),
                readiness_probe=workload.http_probe("/healthz", METRICS_PORT, period=3, failures=2),
                lifecycle=k8s.core.v1.LifecycleArgs(
                    pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                        exec_=k8s.core.v1.ExecActionArgs(command=["sh", f"{CONFIG_DIRECTORY}/stop.sh"])
                    )
                ),
                volume_mounts=mounts,
            )
        ],
        volumes=volumes,
    )


def _tls_files(args: GatewayArgs) -> dict[str, str]:
    certificate, key = args.secrets.origin_certificate, args.secrets.origin_key
    if certificate is None or key is None:
        raise ValueError("gateway.tls needs secrets.edge.origin_certificate and secrets.edge.origin_key")
    return {"origin.pem": certificate.get_secret_value(), "origin-key.pem": key.get_secret_value()}
