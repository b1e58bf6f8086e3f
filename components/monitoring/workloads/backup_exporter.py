"""The exporter of the backups' age: it lists the bucket, and may do nothing else there."""

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, pod_role
from components.monitoring.workloads.args import MonitoringArgs, WatchedBackups
from components.monitoring.workloads.exporter import declare_exporter
from components.workload import env

SYSTEM = "backup-exporter"


def declare_backup_exporter(
    name: str, args: MonitoringArgs, backups: WatchedBackups, opts: pulumi.ResourceOptions
) -> None:
    """Everything named `{name}-…` that the exporter needs."""
    platform = args.platform
    role = pod_role(f"{name}-role", platform, SYSTEM, SYSTEM, opts=opts)
    aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.id,
        name="backups",
        policy=document(
            allow(
                "s3:ListBucket",
                resources=[f"arn:aws:s3:::{backups.bucket}"],
                condition={"StringLike": {"s3:prefix": [f"{backups.prefix}/*"]}},
            )
        ),
        opts=opts,
    )
    endpoint = platform.aws.endpoint_url
    declare_exporter(
        name,
        args,
        SYSTEM,
        args.settings.backup_exporter,
        [
            env("BACKUP_BUCKET", backups.bucket),
            env("BACKUP_PREFIX", backups.prefix),
            env("REDIS_PAIRS", " ".join(backups.pairs)),
            env("AWS_REGION", platform.aws.region),
            *([env("AWS_ENDPOINT_URL", endpoint)] if endpoint else []),
        ],
        annotations={"eks.amazonaws.com/role-arn": role.arn},
        opts=opts,
    )
