"""The pods of the API and of its worker: one image, one environment, two commands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi

from components.api.environment import DRAINING_FILE, SECRETS_DIRECTORY, Addresses, application_files, variables
from components.api.settings import ApiSettings
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import APPLICATION_METRICS_PORT
from components.kubernetes.pod import TMP, Container, Pod, Scratch, SecretFiles, drain, http_probe
from components.kubernetes.scope import Scope
from components.platform import Platform
from components.settings.pods import Resources
from components.settings.quantities import MIB
from components.settings.secrets import Secrets

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
    scope: Scope,
    args: ApplicationArgs,
    command: str,
    *,
    http_port: int,
    resources: Resources,
    replicas: int | None,
    after: Iterable[pulumi.Resource],
) -> None:
    """Pods that run `python -m app.api <command>` and answer `/health` and `/ready` on `http_port`."""
    settings = args.settings
    container = Container(
        name=scope.system,
        image=args.image,
        command=["python", "-m", "app.api", command],
        env=variables(settings, args.addresses, args.secrets.postgres),
        ports={
            "metrics": APPLICATION_METRICS_PORT,
            **({"http": http_port} if http_port != APPLICATION_METRICS_PORT else {}),
        },
        resources=resources,
        startup=http_probe("/health", http_port, period=2, failures=30),
        liveness=http_probe("/health", http_port),
        readiness=http_probe("/ready", http_port, period=3, failures=2),
        before_stop=drain(settings.drain, mark=DRAINING_FILE),
        mounts={"secrets": SECRETS_DIRECTORY, "tmp": TMP},
    )
    pod = Pod(
        uid=UID,
        grace_period=settings.drain + settings.grace_period,
        placement="spread",
        files=[application_files(args.secrets)],
        containers=[container],
        volumes={"secrets": SecretFiles(SECRETS), "tmp": Scratch(64 * MIB)},
    )
    deployment(scope, pod, replicas=replicas, roll_out="add first", after=after)
