"""Redis's scheduled jobs: the nightly AOF rewrite, backups, and the restore that people start."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.cron_job import ON_DEMAND, cron_job
from components.platform import Platform
from components.redis.backups import PREFIX, BackupStore
from components.redis.pods import CREDENTIALS, operations_env
from components.redis.settings import RedisSettings
from components.redis.texts import job_files
from components.redis.tls import AUTHORITY_FILE
from components.redis.topology import (
    JOBS_SYSTEM,
    UID,
    addresses,
    node_names,
    sentinel_names,
    service_variable,
)
from components.settings.images import Images
from components.settings.quantities import HOUR, MIB
from components.workload import Resources

TEXTS = "/etc/redis-jobs"
OPERATIONS_UID = 10001  # of our operations image
# The restore job holds a pair's data in a Redis of its own while it copies it.
RESTORE_OVERHEAD = 512 * MIB


def named_addresses(settings: RedisSettings) -> str:
    """All nodes as `name=address`, for an environment value."""
    nodes = [node for pair in settings.pairs() for node in node_names(pair)]
    return " ".join(f"{node}=$({service_variable(node)})" for node in nodes)


def _transfer_container(
    name: str, command: str, *, platform: Platform, settings: RedisSettings, images: Images, resources: Resources
) -> k8s.core.v1.ContainerArgs:
    """A container of the operations image that moves data between the pairs and S3."""
    endpoint = platform.aws.endpoint_url
    return k8s.core.v1.ContainerArgs(
        name=name,
        image=images.ours("operations"),
        command=["python", "-m", "app.operations", command],
        env=[
            workload.pod_ip_env(),
            workload.env("REDIS_NODES", named_addresses(settings)),
            workload.env("REDIS_SENTINELS", addresses(sentinel_names(settings))),
            workload.env("REDIS_PAIRS", " ".join(settings.pairs())),
            workload.env("REDIS_PASSWORD_FILE", "/etc/redis-credentials/operations"),
            *([workload.env("REDIS_AUTHORITY_FILE", f"{TEXTS}/{AUTHORITY_FILE}")] if settings.tls else []),
            workload.env("BACKUP_BUCKET", settings.backup.bucket),
            workload.env("BACKUP_PREFIX", PREFIX),
            workload.env("SCRATCH_DIR", "/srv/scratch"),
            workload.env("AWS_REGION", platform.aws.region),
            *([workload.env("AWS_ENDPOINT_URL", endpoint)] if endpoint else []),
        ],
        resources=resources.requirements(),
        security_context=workload.container_security(),
        volume_mounts=[
            workload.mount("config", TEXTS, read_only=True),
            workload.mount("credentials", "/etc/redis-credentials", read_only=True),
            workload.mount("scratch", "/srv/scratch"),
        ],
    )


def declare_jobs(
    prefix: str,
    platform: Platform,
    settings: RedisSettings,
    images: Images,
    store: BackupStore,
    *,
    before: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> None:
    """ConfigMap, identity and CronJobs; `before` are the Services and the Secret that these read."""
    account = workload.service_account(
        f"{prefix}-jobs-account",
        platform,
        JOBS_SYSTEM,
        annotations={"eks.amazonaws.com/role-arn": store.role.arn},
        opts=opts,
    )
    after = workload.after(opts, account, *before)
    texts = job_files(settings)
    config = workload.config_map(f"{prefix}-jobs-config", platform, JOBS_SYSTEM, JOBS_SYSTEM, texts, opts=opts)
    cron_job(
        f"{prefix}-aof-rewrite",
        platform,
        JOBS_SYSTEM,
        "redis-aof-rewrite",
        schedule=settings.rewrite_schedule,
        container=k8s.core.v1.ContainerArgs(
            name="rewrite",
            image=images.redis,
            command=["sh", "/etc/redis-jobs/rewrite.sh"],
            env=[workload.env("NODES", named_addresses(settings)), *operations_env(settings, TEXTS)],
            resources=settings.jobs.requirements(),
            security_context=workload.container_security(),
            volume_mounts=[workload.mount("config", TEXTS, read_only=True)],
        ),
        volumes=[workload.config_volume("config", JOBS_SYSTEM)],
        uid=UID,
        deadline_seconds=6 * HOUR,
        service_account=JOBS_SYSTEM,
        opts=workload.after(after, config),
    )
    transfer_volumes = [
        workload.config_volume("config", JOBS_SYSTEM),
        workload.secret_volume("credentials", CREDENTIALS),
        workload.empty_dir("scratch", settings.scratch),
    ]
    cron_job(
        f"{prefix}-backup",
        platform,
        JOBS_SYSTEM,
        "redis-backup",
        schedule=settings.backup.schedule,
        container=_transfer_container(
            "backup",
            "redis-backup",
            platform=platform,
            settings=settings,
            images=images,
            resources=settings.backup.resources,
        ),
        volumes=transfer_volumes,
        uid=OPERATIONS_UID,
        deadline_seconds=2 * HOUR,
        service_account=JOBS_SYSTEM,
        opts=workload.after(after, config),
    )
    largest = max(pair.maxmemory for pair in settings.pairs().values())
    cron_job(
        f"{prefix}-restore",
        platform,
        JOBS_SYSTEM,
        "redis-restore",
        schedule=ON_DEMAND,
        container=_transfer_container(
            "restore",
            "redis-restore",
            platform=platform,
            settings=settings,
            images=images,
            resources=settings.backup.resources.model_copy(update={"memory": largest + RESTORE_OVERHEAD}),
        ),
        volumes=transfer_volumes,
        uid=OPERATIONS_UID,
        deadline_seconds=2 * HOUR,
        service_account=JOBS_SYSTEM,
        opts=workload.after(after, config),
    )
