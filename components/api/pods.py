"""The pods of the API and of its worker: one image, one environment, two commands."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.api.environment import SECRETS_DIRECTORY, Addresses, application_files, variables
from components.api.settings import ApiSettings
from components.deployment import stateless_deployment
from components.network.flows import APPLICATION_METRICS_PORT
from components.platform import Platform
from components.settings.quantities import MIB
from components.settings.secrets import Secrets
from components.workload import Resources, mount

UID = 10001
SECRETS = "api-secrets"


@dataclass(frozen=True, kw_only=True)
class ApplicationArgs:
    """What both are made from. `after` are resources that must be there before a pod starts: the Services whose
    environment variables it reads, and the database.
    """

    platform: Platform
    settings: ApiSettings
    secrets: Secrets
    image: str
    addresses: Addresses
    after: Sequence[pulumi.Resource] = ()


def application_deployment(
    name: str,
    args: ApplicationArgs,
    system: str,
    command: str,
    *,
    http_port: int,
    resources: Resources,
    replicas: int | None,
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.Deployment:
    """Pods that run `python -m app.api <command>` and answer `/health` and `/ready` on `http_port`."""
    settings = args.settings
    ports = {"metrics": APPLICATION_METRICS_PORT, "http": http_port}
    return stateless_deployment(
        name,
        args.platform,
        system,
        uid=UID,
        replicas=replicas,
        grace_period=settings.drain + settings.grace_period,
        checksum=workload.files_checksum(application_files(args.secrets)),
        containers=[
            k8s.core.v1.ContainerArgs(
                name=system,
                image=args.image,
                command=["python", "-m", "app.api", command],
                env=variables(settings, args.addresses),
                ports=[
                    k8s.core.v1.ContainerPortArgs(name=port, container_port=number)
                    for port, number in ports.items()
                    if port == "metrics" or number != ports["metrics"]
                ],
                resources=resources.requirements(),
                security_context=workload.container_security(),
                startup_probe=workload.http_probe("/health", http_port, period=2, failures=30),
                liveness_probe=workload.http_probe("/health", http_port, period=10, failures=3),
                readiness_probe=workload.http_probe("/ready", http_port, period=3, failures=2),
                lifecycle=workload.drain(settings.drain),
                volume_mounts=[
                    mount("secrets", SECRETS_DIRECTORY, read_only=True),
                    mount("tmp", "/tmp"),  # noqa: S108 - the container's own
                ],
            )
        ],
        volumes=[workload.secret_volume("secrets", SECRETS), workload.empty_dir("tmp", 64 * MIB)],
        opts=opts,
    )
