"""The Next.js shop: pods that render pages, build them anew on demand, and scale images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.deployment import stateless_deployment
from components.network.flows import APPLICATION_METRICS_PORT, STOREFRONT_PORT
from components.platform import Platform
from components.settings.quantities import MIB
from components.settings.secrets import ApiSecrets
from components.storefront.settings import StorefrontSettings
from components.workload import env, mount

SYSTEM = "storefront"
UID = 10001
SECRETS = "storefront-secrets"
SECRETS_DIRECTORY = "/etc/storefront/secrets"
PROGRAM_DIRECTORY = "/opt/simone/storefront"
PEERS = "storefront-peers"
"""A name that resolves to every pod: each keeps pages of its own, so each is told what to build anew."""


@dataclass(frozen=True, kw_only=True)
class StorefrontArgs:
    """What the shop's front end is made from. `api_url` may name a Service's variables; `after` must be there first.
    `public_origin` is what visitors call the shop, such as https://www.example.com; None: only this machine knows it.
    """

    platform: Platform
    settings: StorefrontSettings
    secrets: ApiSecrets
    image: str
    api_url: str
    public_origin: str | None = None
    after: Sequence[pulumi.Resource] = ()


class Storefront(pulumi.ComponentResource):
    """The shop on port 8000 behind a Service. `service` is that Service."""

    service: k8s.core.v1.Service

    def __init__(self, name: str, args: StorefrontArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:storefront:Storefront", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, settings = args.platform, args.settings
        files = _files(args.secrets)
        secrets = workload.secret(f"{name}-secrets", platform, SYSTEM, SECRETS, files, opts=child)
        account = workload.service_account(f"{name}-account", platform, SYSTEM, opts=child)
        self.service = workload.service(f"{name}-service", platform, SYSTEM, STOREFRONT_PORT, opts=child)
        peers = [env("PEERS_HOST", PEERS)] if settings.scaling.maximum > 1 else []
        if peers:
            _peers(f"{name}-peers", platform, opts=child)
        stateless_deployment(
            f"{name}-deployment",
            platform,
            SYSTEM,
            uid=UID,
            grace_period=settings.drain + settings.grace_period,
            checksum=workload.files_checksum(files),
            containers=[
                k8s.core.v1.ContainerArgs(
                    name=SYSTEM,
                    image=args.image,
                    command=["node", "server.js"],
                    working_dir=PROGRAM_DIRECTORY,
                    env=[
                        workload.pod_ip_env(),
                        env("HOSTNAME", "$(POD_IP)"),
                        env("PORT", str(STOREFRONT_PORT)),
                        env("METRICS_PORT", str(APPLICATION_METRICS_PORT)),
                        env("API_URL", args.api_url),
                        env("REVALIDATION_KEY_FILE", f"{SECRETS_DIRECTORY}/revalidation-key"),
                        *peers,
                        *([env("PUBLIC_ORIGIN", args.public_origin)] if args.public_origin else []),
                        env("WORKER_ROLLOUT_PERCENT", str(settings.worker_rollout)),
                        env("NODE_ENV", "production"),
                        env("NEXT_TELEMETRY_DISABLED", "1"),
                    ],
                    ports=[
                        k8s.core.v1.ContainerPortArgs(name="http", container_port=STOREFRONT_PORT),
                        k8s.core.v1.ContainerPortArgs(name="metrics", container_port=APPLICATION_METRICS_PORT),
                    ],
                    resources=settings.resources.requirements(),
                    security_context=workload.container_security(),
                    startup_probe=workload.http_probe("/healthz", STOREFRONT_PORT, period=2, failures=30),
                    liveness_probe=workload.http_probe("/healthz", STOREFRONT_PORT, period=10, failures=3, timeout=5),
                    readiness_probe=workload.http_probe("/healthz", STOREFRONT_PORT, period=3, failures=2),
                    lifecycle=workload.drain(settings.drain),
                    volume_mounts=[
                        mount("secrets", SECRETS_DIRECTORY, read_only=True),
                        mount("page-cache", f"{PROGRAM_DIRECTORY}/.next/cache"),
                        mount("tmp", "/tmp"),  # noqa: S108 - the container's own
                    ],
                )
            ],
            volumes=[
                workload.secret_volume("secrets", SECRETS),
                workload.empty_dir("page-cache", settings.page_cache),
                workload.empty_dir("tmp", 64 * MIB),
            ],
            opts=workload.after(child, secrets, account, *args.after),
        )
        workload.autoscaler(f"{name}-autoscaler", platform, SYSTEM, settings.scaling, opts=child)
        workload.disruption_budget(f"{name}-budget", platform, SYSTEM, opts=child)
        self.register_outputs({})


def _peers(name: str, platform: Platform, *, opts: pulumi.ResourceOptions) -> None:
    k8s.core.v1.Service(
        name,
        metadata=workload.metadata(platform, PEERS, SYSTEM, annotations={"pulumi.com/skipAwait": "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            cluster_ip="None",
            selector=workload.selector(SYSTEM),
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=STOREFRONT_PORT, target_port=STOREFRONT_PORT)],
        ),
        opts=opts,
    )


def _files(secrets: ApiSecrets) -> Mapping[str, str]:
    return {"revalidation-key": secrets.revalidation_key.get_secret_value()}
