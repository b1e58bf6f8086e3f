"""The exporter of the database machine's processor and disk, which only AWS knows."""

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, pod_role
from components.kubernetes.scope import Scope
from components.monitoring.settings import RdsExporter
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.exporter import declare_exporter

SYSTEM = "rds-exporter"


def declare_rds_exporter(name: str, args: MonitoringArgs, settings: RdsExporter, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that the exporter needs."""
    platform, database = args.platform, args.database
    role = pod_role(f"{name}-role", platform, SYSTEM, SYSTEM, opts=opts)
    aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.id,
        name="instance",
        policy=pulumi.Output.from_input(database.instance_arn).apply(
            lambda arn: document(
                allow("rds:DescribeDBInstances", resources=[arn]),
                # CloudWatch knows no resources to limit reading to; figures of this region hold no data.
                allow(
                    "cloudwatch:GetMetricData",
                    resources=["*"],
                    condition={"StringEquals": {"aws:RequestedRegion": platform.aws.region}},
                ),
            )
        ),
        opts=opts,
    )
    declare_exporter(
        Scope(name, platform, SYSTEM, opts),
        args,
        settings,
        {
            "RDS_INSTANCE": database.instance,
            "AWS_REGION": platform.aws.region,
            "AWS_ENDPOINT_URL": platform.aws.endpoint_url,
        },
        role=role,
    )
