"""The Jobs that bring the database's schema (and, where asked for, sample data) up to what this version needs."""

from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.api.environment import SECRETS_DIRECTORY
from components.api.pods import UID
from components.kubernetes.configuration import checksum
from components.kubernetes.cron_job import ON_DEMAND, cron_job
from components.kubernetes.flows import POSTGRES_PORT
from components.kubernetes.job import job
from components.kubernetes.pod import TMP, Container, Pod, Scratch, SecretFiles, Volume
from components.kubernetes.scope import Scope
from components.postgres.roles import DATABASE, OWNER
from components.postgres.tls import verified
from components.settings.pods import Resources
from components.settings.quantities import HOUR, MIB, MINUTE

SYSTEM, PURGE = "api-jobs", "api-purge"


def database_job(
    scope: Scope,
    suffix: str,
    *,
    image: str,
    arguments: Sequence[str],
    host: pulumi.Input[str],
    secret: str,
    fingerprint: str,
    after: Iterable[pulumi.Resource],
) -> k8s.batch.v1.Job:
    """A Job `python -m app.api <arguments>` as the schema's owner, on Postgres itself: migrations need sessions, which
    pgBouncer's transaction mode doesn't keep.

    A Job can't be changed once made, so its name has a fingerprint of what it runs; a new one means a new Job, and
    what depends on it waits until that is complete.
    """
    run = checksum(image, *arguments, fingerprint)
    pod = Pod(
        uid=UID,
        scraped=False,
        restarts="Never",
        containers=[_container(image, ["python", "-m", "app.api", *arguments], host)],
        volumes=_volumes(secret),
    )
    name = f"{scope.resource_name(suffix)}-{run[:8]}"
    return job(scope, suffix, name, pod, deadline=HOUR, after=after)


def purge_job(
    scope: Scope, *, image: str, host: pulumi.Input[str], secret: str, after: Iterable[pulumi.Resource]
) -> None:
    """`api-purge`, which people start (`make purge`): enters tags into the queue that the worker drains."""
    cron_job(
        scope,
        "purge",
        PURGE,
        schedule=ON_DEMAND,
        container=_container(image, ["python", "-m", "app.api", "purge"], host),
        volumes=_volumes(secret),
        uid=UID,
        deadline=10 * MINUTE,
        after=after,
    )


def _container(image: str, command: Sequence[str], host: pulumi.Input[str]) -> Container:
    return Container(
        name="job",
        image=image,
        command=command,
        env={
            "DATABASE_HOST": host,
            "DATABASE_PORT": str(POSTGRES_PORT),
            "DATABASE_NAME": DATABASE,
            "DATABASE_USER": OWNER,
            "SECRETS_DIR": SECRETS_DIRECTORY,
            **verified(),
        },
        resources=Resources.model_validate({"cpu": "500m", "memory": "1GiB"}),
        mounts={"secrets": SECRETS_DIRECTORY, "tmp": TMP},
    )


def _volumes(secret: str) -> Mapping[str, Volume]:
    return {"secrets": SecretFiles(secret), "tmp": Scratch(256 * MIB)}
