"""Redis's scheduled jobs: the nightly AOF rewrite, backups, and the restore that people start."""

from collections.abc import Sequence
from dataclasses import replace

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, pod_role
from components.kubernetes.account import service_account
from components.kubernetes.configuration import config_map
from components.kubernetes.cron_job import ON_DEMAND, cron_job
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, Scratch, SecretFiles
from components.kubernetes.scope import Scope
from components.redis.backups import PREFIX, BackupStore
from components.redis.pods import CREDENTIALS, RedisArgs, operations_env
from components.redis.settings import Backup, RedisSettings
from components.redis.texts import job_files
from components.redis.tls import CA_FILE
from components.redis.topology import JOBS_SYSTEM, SYSTEM, UID, addresses, node_names, sentinel_names, service_variable
from components.settings.pods import Resources
from components.settings.quantities import HOUR, MIB

TEXTS = "/etc/redis-jobs"
OPERATIONS_UID = 10001  # of our operations image
# The restore job holds a pair's data in a Redis of its own while it copies it.
RESTORE_OVERHEAD = 512 * MIB


def named_addresses(settings: RedisSettings) -> str:
    """All nodes as `name=address`, for an environment value."""
    nodes = [node for pair in settings.pairs() for node in node_names(pair)]
    return " ".join(f"{node}=$({service_variable(node)})" for node in nodes)


def declare_jobs(scope: Scope, args: RedisArgs, store: BackupStore, *, before: Sequence[pulumi.Resource]) -> None:
    """ConfigMap, identity and CronJobs; `before` are the Services and the Secret that these read."""
    settings, images = args.settings, args.images
    own = replace(scope, system=JOBS_SYSTEM)
    account = service_account(own, "jobs-account", role=_role(scope, settings.backup, store))
    after = [account, *before, config_map(own, "jobs-config", JOBS_SYSTEM, job_files(settings))]
    rewrite = Container(
        name="rewrite",
        image=images.redis,
        command=["sh", "/etc/redis-jobs/rewrite.sh"],
        env={"NODES": named_addresses(settings), **operations_env(settings, TEXTS)},
        resources=settings.jobs,
        mounts={"config": TEXTS},
    )
    cron_job(
        own,
        "aof-rewrite",
        "redis-aof-rewrite",
        schedule=settings.rewrite_schedule,
        container=rewrite,
        volumes={"config": ConfigFiles(JOBS_SYSTEM)},
        uid=UID,
        deadline=6 * HOUR,
        after=after,
    )
    largest = max(pair.maxmemory for pair in settings.pairs().values())
    backup = settings.backup.resources
    restore = backup.model_copy(update={"memory": largest + RESTORE_OVERHEAD})
    for job, schedule, resources in (("backup", settings.backup.schedule, backup), ("restore", ON_DEMAND, restore)):
        cron_job(
            own,
            job,
            f"redis-{job}",
            schedule=schedule,
            container=_transfer(job, args, resources),
            volumes={
                "config": ConfigFiles(JOBS_SYSTEM),
                "credentials": SecretFiles(CREDENTIALS),
                "scratch": Scratch(settings.scratch),
            },
            uid=OPERATIONS_UID,
            deadline=2 * HOUR,
            after=after,
        )


def _transfer(job: str, args: RedisArgs, resources: Resources) -> Container:
    """A container of the operations image that moves data between the pairs and S3."""
    settings, cloud = args.settings, args.platform.aws
    return Container(
        name=job,
        image=args.images.ours("operations"),
        command=["python", "-m", "app.operations", f"redis-{job}"],
        env={
            **POD_IP,
            "REDIS_NODES": named_addresses(settings),
            "REDIS_SENTINELS": addresses(sentinel_names(settings)),
            "REDIS_PAIRS": " ".join(settings.pairs()),
            "REDIS_PASSWORD_FILE": "/etc/redis-credentials/operations",
            "REDIS_CA_FILE": f"{TEXTS}/{CA_FILE}" if settings.tls else None,
            "BACKUP_BUCKET": settings.backup.bucket,
            "BACKUP_PREFIX": PREFIX,
            "SCRATCH_DIR": "/srv/scratch",
            "AWS_REGION": cloud.region,
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
        },
        resources=resources,
        mounts={"config": TEXTS, "credentials": "/etc/redis-credentials", "scratch": "/srv/scratch"},
    )


def _role(scope: Scope, settings: Backup, store: BackupStore) -> aws.iam.Role:
    """The AWS role of the jobs, which may reach the store's own prefix only."""
    bucket = f"arn:aws:s3:::{settings.bucket}"
    role = pod_role(scope.resource_name("jobs-role"), scope.platform, SYSTEM, JOBS_SYSTEM, opts=scope.opts)
    aws.iam.RolePolicy(
        scope.resource_name("jobs-policy"),
        role=role.id,
        name="backups",
        policy=store.key.arn.apply(
            lambda key: document(
                allow(
                    "s3:PutObject",
                    "s3:GetObject",
                    "s3:AbortMultipartUpload",
                    resources=[f"{bucket}/{PREFIX}/*"],
                ),
                allow(
                    "s3:ListBucket",
                    resources=[bucket],
                    condition={"StringLike": {"s3:prefix": [f"{PREFIX}/*"]}},
                ),
                allow("kms:GenerateDataKey", "kms:Decrypt", resources=[key]),
            )
        ),
        opts=scope.opts,
    )
    return role
