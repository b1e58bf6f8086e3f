"""The Jobs that bring the database's schema (and, where asked for, sample data) up to what this version needs."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.api.environment import SECRETS_DIRECTORY
from components.api.pods import UID
from components.cron_job import ON_DEMAND, cron_job
from components.platform import Platform
from components.postgres.roles import DATABASE, OWNER, PORT
from components.postgres.tls import verified
from components.settings.quantities import HOUR, MIB, MINUTE
from components.workload import Resources, mount

SYSTEM, PURGE = "api-jobs", "api-purge"


def database_job(
    name: str,
    platform: Platform,
    *,
    image: str,
    arguments: Sequence[str],
    host: pulumi.Input[str],
    secret: str,
    fingerprint: str,
    opts: pulumi.ResourceOptions,
) -> k8s.batch.v1.Job:
    """A Job `python -m app.api <arguments>` as the schema's owner, on Postgres itself: migrations need sessions, which
    pgBouncer's transaction mode doesn't keep.

    A Job can't be changed once made, so its name has a fingerprint of what it runs; a new one means a new Job, and
    what depends on it waits until that is complete.
    """
    run = workload.checksum(image, *arguments, fingerprint)
    return k8s.batch.v1.Job(
        name,
        metadata=workload.metadata(platform, f"{name}-{run[:8]}", SYSTEM),
        spec=k8s.batch.v1.JobSpecArgs(
            backoff_limit=4,
            active_deadline_seconds=HOUR,
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=workload.pod_metadata(platform, SYSTEM),
                spec=k8s.core.v1.PodSpecArgs(
                    restart_policy="Never",
                    service_account_name=SYSTEM,
                    automount_service_account_token=False,
                    priority_class_name=platform.priority("serving"),
                    security_context=workload.pod_security(UID),
                    containers=[_container(image, ["python", "-m", "app.api", *arguments], host)],
                    volumes=_volumes(secret),
                ),
            ),
        ),
        opts=workload.patient(opts, HOUR + MINUTE),
    )


def purge_job(
    name: str,
    platform: Platform,
    *,
    image: str,
    host: pulumi.Input[str],
    secret: str,
    opts: pulumi.ResourceOptions,
) -> k8s.batch.v1.CronJob:
    """`api-purge`, which people start (`make purge`): enters tags into the queue that the worker drains."""
    return cron_job(
        name,
        platform,
        SYSTEM,
        PURGE,
        schedule=ON_DEMAND,
        container=_container(image, ["python", "-m", "app.api", "purge"], host),
        volumes=_volumes(secret),
        uid=UID,
        deadline_seconds=10 * MINUTE,
        service_account=SYSTEM,
        opts=opts,
    )


def _container(image: str, command: Sequence[str], host: pulumi.Input[str]) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="job",
        image=image,
        command=list(command),
        env=[
            workload.env("DATABASE_HOST", host),
            workload.env("DATABASE_PORT", str(PORT)),
            workload.env("DATABASE_NAME", DATABASE),
            workload.env("DATABASE_USER", OWNER),
            workload.env("SECRETS_DIR", SECRETS_DIRECTORY),
            *(workload.env(key, value) for key, value in verified().items()),
        ],
        resources=Resources.model_validate({"cpu": "500m", "memory": "1GiB"}).requirements(),
        security_context=workload.container_security(),
        volume_mounts=[
            mount("secrets", SECRETS_DIRECTORY, read_only=True),
            mount("tmp", "/tmp"),  # noqa: S108 - the container's own
        ],
    )


def _volumes(secret: str) -> list[k8s.core.v1.VolumeArgs]:
    return [workload.secret_volume("secrets", secret), workload.empty_dir("tmp", 256 * MIB)]
