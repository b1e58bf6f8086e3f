"""The gateway: nginx between Cloudflare and the shop, as origin shield, with limits, behind one door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from app.caching_policy import Policy
from components.gateway.config import files
from components.gateway.services import SYSTEM
from components.gateway.settings import GatewaySettings
from components.kubernetes.account import service_account
from components.kubernetes.budget import disruption_budget
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.flows import (
    API_PORT,
    GATEWAY_METRICS_PORT,
    GATEWAY_PORT,
    GATEWAY_PURGE_PORT,
    GATEWAY_TLS_PORT,
    STOREFRONT_PORT,
)
from components.kubernetes.pod import POD_IP, TMP, ConfigFiles, Container, Pod, Scratch, SecretFiles, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.stateful_set import stateful_set
from components.platform import Platform
from components.settings.quantities import MIB
from components.settings.secrets import EdgeSecrets

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
        platform, settings = args.platform, args.settings
        own = Scope(name, platform, SYSTEM, pulumi.ResourceOptions(parent=self))
        config_files = files(settings, args.policy, edge_cidrs=args.edge_cidrs)
        tls_files = _tls_files(args) if settings.tls else {}
        before: list[pulumi.Resource] = [
            config_map(own, "config", CONFIG, config_files),
            service_account(own, "account"),
        ]
        if tls_files:
            before.append(secret(own, "tls", TLS_SECRET, tls_files))
        stateful_set(
            own,
            "pods",
            _pod(args, config_files, tls_files),
            replicas=settings.pods,
            parallel=True,
            opts=own.options(after=[*args.after, *before], patience=ROLL_OUT_SECONDS),
        )
        disruption_budget(own)
        self.register_outputs({})


def _pod(args: GatewayArgs, config_files: Mapping[str, str], tls_files: Mapping[str, str]) -> Pod:
    settings = args.settings
    container = Container(
        name="nginx",
        image=args.image,
        command=["sh", f"{CONFIG_DIRECTORY}/start.sh"],
        env={
            **POD_IP,
            "API_ADDRESS": f"$(API_SERVICE_HOST):{API_PORT}",
            "STOREFRONT_ADDRESS": f"$(STOREFRONT_SERVICE_HOST):{STOREFRONT_PORT}",
            "DRAIN_SECONDS": str(settings.drain),
        },
        ports={
            "http": GATEWAY_TLS_PORT if settings.tls else GATEWAY_PORT,
            "purge": GATEWAY_PURGE_PORT,
            "metrics": GATEWAY_METRICS_PORT,
        },
        resources=settings.resources,
        startup=http_probe("/healthz", GATEWAY_METRICS_PORT, period=1, failures=30),
        liveness=http_probe("/healthz", GATEWAY_METRICS_PORT),
        readiness=http_probe("/healthz", GATEWAY_METRICS_PORT, period=3, failures=2),
        before_stop=["sh", f"{CONFIG_DIRECTORY}/stop.sh"],
        mounts={
            "config": CONFIG_DIRECTORY,
            "cache": "/var/cache/gateway",
            "run": "/run/gateway",
            "tmp": TMP,
            **({"tls": "/etc/gateway-tls"} if tls_files else {}),
        },
    )
    return Pod(
        uid=UID,
        grace_period=settings.drain + settings.grace_period,
        placement="spread",
        files=[config_files, tls_files],
        containers=[container],
        volumes={
            "config": ConfigFiles(CONFIG),
            # nginx clears the cache after the fact, so it may grow past its size for a moment.
            "cache": Scratch(settings.shield.size + 256 * MIB),
            "run": Scratch(MIB),
            "tmp": Scratch(64 * MIB),
            **({"tls": SecretFiles(TLS_SECRET)} if tls_files else {}),
        },
    )


def _tls_files(args: GatewayArgs) -> dict[str, str]:
    certificate, key = args.secrets.origin_certificate, args.secrets.origin_key
    if certificate is None or key is None:
        raise ValueError("gateway.tls needs secrets.edge.origin_certificate and secrets.edge.origin_key")
    return {"origin.pem": certificate.get_secret_value(), "origin-key.pem": key.get_secret_value()}
