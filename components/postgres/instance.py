"""The RDS instance and what it stands on: key, parameter group, subnets, security group, logs, monitoring role."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws_identity import key_policy
from components.kubernetes.flows import POSTGRES_PORT
from components.platform import Platform
from components.postgres.parameters import parameters
from components.postgres.roles import DATABASE, OWNER
from components.postgres.settings import PostgresSettings
from components.settings.quantities import DAY, GIB
from components.settings.secrets import PostgresSecrets

SYSTEM = "postgres"
LOGS = ("postgresql", "upgrade")
# Performance Insights keeps 7 days for nothing; the advanced mode requires 465.
INSIGHTS_DAYS = {"standard": 7, "advanced": 465}


@dataclass(frozen=True, kw_only=True)
class Database:
    """The instance, its read replica where there is one, and the key that encrypts both."""

    instance: aws.rds.Instance
    replica: aws.rds.Instance | None
    key: aws.kms.Key


def _logging(platform: Platform) -> dict[str, Any]:
    """CloudWatch may encrypt this region's logs with the key."""
    region = platform.aws.region
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{platform.aws.account}:*"}
        },
    }


def _monitoring_role(prefix: str, platform: Platform, opts: pulumi.ResourceOptions) -> aws.iam.Role:
    role = aws.iam.Role(
        f"{prefix}-monitoring-role",
        name=platform.name("rds-monitoring"),
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "monitoring.rds.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
        tags=platform.tags(SYSTEM),
        opts=opts,
    )
    aws.iam.RolePolicyAttachment(
        f"{prefix}-monitoring-policy",
        role=role.name,
        policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
        opts=opts,
    )
    return role


def declare_database(
    prefix: str,
    platform: Platform,
    settings: PostgresSettings,
    secrets: PostgresSecrets,
    opts: pulumi.ResourceOptions,
) -> Database:
    """Everything up to the instance, and its replica where the settings ask for one."""
    tags = platform.tags(SYSTEM)
    identifier = platform.name("postgres")
    keep = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True))
    key = aws.kms.Key(
        f"{prefix}-key",
        description=f"Postgres of {platform.environment}: storage, snapshots, logs, secrets",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=key_policy(platform, _logging(platform)),
        tags=tags,
        opts=keep,
    )
    aws.kms.Alias(f"{prefix}-key-alias", name=f"alias/{identifier}", target_key_id=key.key_id, opts=opts)
    # Made before the instance: RDS would make them itself, and keep their lines for ever.
    logs = [
        aws.cloudwatch.LogGroup(
            f"{prefix}-log-{log}",
            name=f"/aws/rds/instance/{identifier}/{log}",
            retention_in_days=settings.log_retention_days,
            kms_key_id=key.arn,
            tags=tags,
            opts=opts,
        )
        for log in LOGS
    ]
    # A new family needs a new group: the prefix lets both exist while the instance moves over.
    group = aws.rds.ParameterGroup(
        f"{prefix}-parameters",
        name_prefix=f"{platform.name('pg')}{settings.major_version}-",
        family=f"postgres{settings.major_version}",
        description=f"Derived from {settings.instance_class}",
        parameters=[
            aws.rds.ParameterGroupParameterArgs(
                name=parameter.name, value=parameter.value, apply_method=parameter.apply_method
            )
            for parameter in parameters(settings)
        ],
        tags=tags,
        opts=opts,
    )
    subnets = aws.rds.SubnetGroup(
        f"{prefix}-subnets",
        name=identifier,
        description="Private subnets in two zones or more",
        subnet_ids=platform.aws.private_subnet_ids,
        tags=tags,
        opts=opts,
    )
    firewall = aws.ec2.SecurityGroup(
        f"{prefix}-firewall",
        name=identifier,
        description="Postgres: reached from the nodes of the cluster only",
        vpc_id=platform.aws.vpc_id,
        tags=tags,
        opts=opts,
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{prefix}-firewall-cluster",
        security_group_id=firewall.id,
        referenced_security_group_id=platform.aws.cluster_security_group_id,
        ip_protocol="tcp",
        from_port=POSTGRES_PORT,
        to_port=POSTGRES_PORT,
        description="pgBouncer, migrations, exporter and jobs in the cluster",
        tags=tags,
        opts=opts,
    )
    role = _monitoring_role(prefix, platform, opts) if settings.monitoring_interval else None
    instance = aws.rds.Instance(
        f"{prefix}-instance",
        identifier=identifier,
        engine="postgres",
        engine_version=settings.engine_version,
        # In the maintenance window. Where the setting names a whole version, that changes with it, and is reviewed.
        auto_minor_version_upgrade=settings.follows_minor_versions,
        allow_major_version_upgrade=settings.allow_major_version_upgrade or None,
        apply_immediately=False,
        instance_class=settings.instance_class,
        db_name=DATABASE,
        username=OWNER,
        # Not RDS's own secret (manage_master_user_password): it excludes blue/green deployments.
        password=pulumi.Output.secret(secrets.owner.get_secret_value()),
        port=POSTGRES_PORT,
        multi_az=settings.multi_az,
        db_subnet_group_name=subnets.name,
        vpc_security_group_ids=[firewall.id],
        publicly_accessible=False,
        ca_cert_identifier=settings.ca_certificate,
        parameter_group_name=group.name,
        storage_type="gp3",
        allocated_storage=settings.storage // GIB,
        max_allocated_storage=settings.max_storage // GIB,
        iops=settings.iops,
        storage_throughput=settings.throughput,
        storage_encrypted=True,
        kms_key_id=key.arn,
        backup_retention_period=settings.backup_retention // DAY,
        backup_window=settings.backup_window,
        maintenance_window=settings.maintenance_window,
        copy_tags_to_snapshot=True,
        delete_automated_backups=False,
        deletion_protection=settings.deletion_protection,
        skip_final_snapshot=False,
        final_snapshot_identifier=f"{identifier}-final",
        iam_database_authentication_enabled=True,
        monitoring_interval=settings.monitoring_interval,
        monitoring_role_arn=role.arn if role else None,
        database_insights_mode=settings.insights,
        performance_insights_enabled=True,
        performance_insights_kms_key_id=key.arn,
        performance_insights_retention_period=INSIGHTS_DAYS[settings.insights],
        enabled_cloudwatch_logs_exports=list(LOGS),
        tags=tags,
        opts=pulumi.ResourceOptions.merge(keep, pulumi.ResourceOptions(depends_on=logs)),
    )
    replica = None
    if settings.replica:
        replica = aws.rds.Instance(
            f"{prefix}-replica",
            identifier=f"{identifier}-replica",
            replicate_source_db=instance.identifier,
            instance_class=settings.instance_class,
            auto_minor_version_upgrade=settings.follows_minor_versions,
            vpc_security_group_ids=[firewall.id],
            publicly_accessible=False,
            ca_cert_identifier=settings.ca_certificate,
            parameter_group_name=group.name,
            storage_type="gp3",
            # With the source's key; naming one is for replicas in another region.
            storage_encrypted=True,
            copy_tags_to_snapshot=True,
            deletion_protection=settings.deletion_protection,
            # A replica holds nothing of its own.
            skip_final_snapshot=True,
            monitoring_interval=settings.monitoring_interval,
            monitoring_role_arn=role.arn if role else None,
            database_insights_mode=settings.insights,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=key.arn,
            performance_insights_retention_period=INSIGHTS_DAYS[settings.insights],
            tags=tags,
            opts=opts,
        )
    return Database(instance=instance, replica=replica, key=key)
