"""Where backups are kept: an encrypted, versioned bucket, and an identity that reaches its own prefix only."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, key_policy, pod_role
from components.platform import Platform
from components.redis.settings import Backup
from components.redis.topology import JOBS_SYSTEM, SYSTEM
from components.settings.quantities import DAY

PREFIX = "redis"


@dataclass(frozen=True)
class BackupStore:
    """The bucket, and the role that the backup and restore jobs assume."""

    bucket: aws.s3.Bucket
    role: aws.iam.Role


def _tls_only(arn: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )


def declare_backup_store(
    prefix: str, platform: Platform, settings: Backup, opts: pulumi.ResourceOptions
) -> BackupStore:
    """Bucket with its key, rules and policy, and the jobs' role."""
    keep = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True))
    tags = platform.tags(SYSTEM)
    key = aws.kms.Key(
        f"{prefix}-backup-key",
        description=f"Redis backups of {platform.environment}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=key_policy(platform),
        tags=tags,
        opts=keep,
    )
    aws.kms.Alias(
        f"{prefix}-backup-key-alias",
        name=f"alias/{platform.name('redis-backups')}",
        target_key_id=key.key_id,
        opts=opts,
    )
    bucket = aws.s3.Bucket(f"{prefix}-backups", bucket=settings.bucket, tags=tags, opts=keep)
    blocked = aws.s3.BucketPublicAccessBlock(
        f"{prefix}-backups-private",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    aws.s3.BucketOwnershipControls(
        f"{prefix}-backups-ownership",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{prefix}-backups-encryption",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=(
                    aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=key.arn
                    )
                ),
                bucket_key_enabled=True,
            )
        ],
        opts=opts,
    )
    versioning = aws.s3.BucketVersioning(
        f"{prefix}-backups-versions",
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=opts,
    )
    days = settings.retention // DAY
    aws.s3.BucketLifecycleConfiguration(
        f"{prefix}-backups-lifecycle",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="expire-backups",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{PREFIX}/"),
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                # Deleted by mistake or by malice: a week to notice.
                noncurrent_version_expiration=(
                    aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(noncurrent_days=7)
                ),
                abort_incomplete_multipart_upload=(
                    aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=1)
                ),
            )
        ],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[versioning])),
    )
    aws.s3.BucketPolicy(
        f"{prefix}-backups-policy",
        bucket=bucket.bucket,
        policy=_tls_only(f"arn:aws:s3:::{settings.bucket}"),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[blocked])),
    )
    return BackupStore(bucket=bucket, role=_role(prefix, platform, settings, key, opts))


def _role(
    prefix: str, platform: Platform, settings: Backup, key: aws.kms.Key, opts: pulumi.ResourceOptions
) -> aws.iam.Role:
    bucket = f"arn:aws:s3:::{settings.bucket}"
    role = pod_role(f"{prefix}-jobs-role", platform, SYSTEM, JOBS_SYSTEM, opts=opts)
    aws.iam.RolePolicy(
        f"{prefix}-jobs-policy",
        role=role.id,
        name="backups",
        policy=key.arn.apply(
            lambda key_arn: document(
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
                allow("kms:GenerateDataKey", "kms:Decrypt", resources=[key_arn]),
            )
        ),
        opts=opts,
    )
    return role
