"""Where backups are kept: an encrypted, versioned bucket, and an identity that reaches its own prefix only."""

import json

import pulumi
import pulumi_aws as aws

from components.aliases import former_name, taken_in
from components.aws_identity import key_policy
from components.platform import Platform
from components.redis.settings import Backup
from components.redis.topology import SYSTEM
from components.settings.quantities import DAY

PREFIX = "redis"


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


class BackupStore(pulumi.ComponentResource):
    """The bucket, with its key, rules and policy."""

    bucket: aws.s3.Bucket
    key: aws.kms.Key

    def __init__(
        self, name: str, platform: Platform, settings: Backup, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("simone:redis:BackupStore", name, None, opts)
        moved = taken_in(self, opts)

        def formerly(child: str) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(aliases=[former_name(child, opts)])

        keep = pulumi.ResourceOptions.merge(moved, pulumi.ResourceOptions(protect=True))
        tags = platform.tags(SYSTEM)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Redis backups of {platform.environment}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=key_policy(platform),
            tags=tags,
            opts=pulumi.ResourceOptions.merge(keep, formerly("redis-backup-key")),
        )
        aws.kms.Alias(
            f"{name}-key-alias",
            name=f"alias/{platform.name('redis-backups')}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions.merge(moved, formerly("redis-backup-key-alias")),
        )
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=settings.bucket,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(keep, formerly("redis-backups")),
        )
        blocked = aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=moved,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=moved,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
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
            opts=moved,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=moved,
        )
        days = settings.retention // DAY
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
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
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=1
                        )
                    ),
                )
            ],
            opts=pulumi.ResourceOptions.merge(moved, pulumi.ResourceOptions(depends_on=[versioning])),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=_tls_only(f"arn:aws:s3:::{settings.bucket}"),
            opts=pulumi.ResourceOptions.merge(moved, pulumi.ResourceOptions(depends_on=[blocked])),
        )
        self.bucket, self.key = bucket, key
        self.register_outputs({})
