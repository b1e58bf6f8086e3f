"""The exporter of the backups' age: it lists the bucket, and may do nothing else there."""

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, pod_role
from components.kubernetes.scope import Scope
from components.monitoring.workloads.args import MonitoringArgs, WatchedBackups
from components.monitoring.workloads.exporter import declare_exporter

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
    declare_exporter(
        Scope(name, platform, SYSTEM, opts),
        args,
        args.settings.backup_exporter,
        {
            "BACKUP_BUCKET": backups.bucket,
            "BACKUP_PREFIX": backups.prefix,
            "REDIS_PAIRS": " ".join(backups.pairs),
            "AWS_REGION": platform.aws.region,
            "AWS_ENDPOINT_URL": platform.aws.endpoint_url,
        },
        role=role,
    )
