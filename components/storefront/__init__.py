"""The Next.js shop: pods that render pages, build them anew on demand, and scale images."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.account import service_account
from components.kubernetes.autoscaler import autoscaler
from components.kubernetes.budget import disruption_budget
from components.kubernetes.configuration import secret
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import APPLICATION_METRICS_PORT, STOREFRONT_PORT
from components.kubernetes.pod import POD_IP, TMP, Container, Pod, Scratch, SecretFiles, drain, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.service import headless_service, service
from components.platform import Platform
from components.settings.quantities import MIB
from components.settings.secrets import ApiSecrets
from components.storefront.settings import StorefrontSettings

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
        platform, settings = args.platform, args.settings
        own = Scope(name, platform, SYSTEM, pulumi.ResourceOptions(parent=self))
        keys = [key.get_secret_value() for key in args.secrets.accepted("revalidation_key")]
        files = {"revalidation-key": "\n".join(keys)}
        before = [secret(own, "secrets", SECRETS, files), service_account(own, "account")]
        self.service = service(own, "service", STOREFRONT_PORT)
        peers = settings.scaling.maximum > 1
        if peers:
            headless_service(own, "peers", STOREFRONT_PORT, name=PEERS, type_="ClusterIP")
        server = Container(
            name=SYSTEM,
            image=args.image,
            command=["node", "server.js"],
            working_directory=PROGRAM_DIRECTORY,
            env={
                **POD_IP,
                "HOSTNAME": "$(POD_IP)",
                "PORT": str(STOREFRONT_PORT),
                "METRICS_PORT": str(APPLICATION_METRICS_PORT),
                "API_URL": args.api_url,
                "REVALIDATION_KEY_FILE": f"{SECRETS_DIRECTORY}/revalidation-key",
                "PEERS_HOST": PEERS if peers else None,
                "PUBLIC_ORIGIN": args.public_origin,
                "WORKER_ROLLOUT_PERCENT": str(settings.worker_rollout),
                "NODE_ENV": "production",
                "NEXT_TELEMETRY_DISABLED": "1",
            },
            ports={"http": STOREFRONT_PORT, "metrics": APPLICATION_METRICS_PORT},
            resources=settings.resources,
            startup=http_probe("/healthz", STOREFRONT_PORT, period=2, failures=30),
            liveness=http_probe("/healthz", STOREFRONT_PORT, timeout=5),
            readiness=http_probe("/healthz", STOREFRONT_PORT, period=3, failures=2),
            before_stop=drain(settings.drain),
            mounts={"secrets": SECRETS_DIRECTORY, "page-cache": f"{PROGRAM_DIRECTORY}/.next/cache", "tmp": TMP},
        )
        pod = Pod(
            uid=UID,
            grace_period=settings.drain + settings.grace_period,
            placement="spread",
            files=[files],
            containers=[server],
            volumes={
                "secrets": SecretFiles(SECRETS),
                "page-cache": Scratch(settings.page_cache),
                "tmp": Scratch(64 * MIB),
            },
        )
        deployment(own, pod, replicas=None, roll_out="add first", after=[*before, *args.after])
        autoscaler(own, settings.scaling)
        disruption_budget(own)
        self.register_outputs({})
