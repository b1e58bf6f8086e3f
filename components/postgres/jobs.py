"""Postgres's scheduled jobs: maintenance, and the comparison of the instance's parameters with the declared ones."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components import workload
from components.aws_identity import allow, document, pod_role
from components.cron_job import cron_job
from components.platform import Platform
from components.postgres.parameters import parameters
from components.postgres.roles import DATABASE, OWNER, PORT
from components.postgres.settings import PostgresSettings
from components.postgres.tls import verified
from components.settings.images import Images
from components.settings.quantities import HOUR, MINUTE
from components.settings.secrets import PostgresSecrets

SYSTEM = "postgres-jobs"
UID = 10001  # of our operations image
CONFIG, CREDENTIALS = "/etc/postgres-jobs", "/etc/postgres-credentials"


def declared_parameters(settings: PostgresSettings) -> str:
    """What the drift job compares with: a JSON list of name, value and apply_method."""
    return json.dumps(
        [
            {"name": parameter.name, "value": parameter.value, "apply_method": parameter.apply_method}
            for parameter in parameters(settings)
        ],
        indent=1,
    )


def declare_jobs(
    prefix: str,
    platform: Platform,
    settings: PostgresSettings,
    secrets: PostgresSecrets,
    images: Images,
    *,
    instance: aws.rds.Instance,
    opts: pulumi.ResourceOptions,
) -> None:
    """Identity, ConfigMap, Secret and CronJobs; `instance` is the database that they look after."""
    role = pod_role(f"{prefix}-jobs-role", platform, "postgres", SYSTEM, opts=opts)
    groups = f"arn:aws:rds:{platform.aws.region}:{platform.aws.account}:pg:{platform.name('pg')}*"
    aws.iam.RolePolicy(
        f"{prefix}-jobs-policy",
        role=role.id,
        name="read-parameters",
        policy=instance.arn.apply(
            lambda arn: document(
                allow("rds:DescribeDBInstances", resources=[arn]),
                allow("rds:DescribeDBParameters", resources=[groups]),
            )
        ),
        opts=opts,
    )
    account = workload.service_account(
        f"{prefix}-jobs-account",
        platform,
        SYSTEM,
        annotations={"eks.amazonaws.com/role-arn": role.arn},
        opts=opts,
    )
    config = workload.config_map(
        f"{prefix}-jobs-config", platform, SYSTEM, SYSTEM, {"parameters.json": declared_parameters(settings)}, opts=opts
    )
    credentials = workload.secret(
        f"{prefix}-jobs-secret",
        platform,
        SYSTEM,
        SYSTEM,
        {"owner-password": secrets.owner.get_secret_value()},
        opts=opts,
    )
    endpoint = platform.aws.endpoint_url
    plain: dict[str, pulumi.Input[str]] = {
        "DATABASE_HOST": instance.address,
        "DATABASE_PORT": str(PORT),
        "DATABASE_NAME": DATABASE,
        "DATABASE_USER": OWNER,
        "DATABASE_PASSWORD_FILE": f"{CREDENTIALS}/owner-password",
        "DATABASE_INSTANCE": platform.name("postgres"),
        "DECLARED_PARAMETERS": f"{CONFIG}/parameters.json",
        "AWS_REGION": platform.aws.region,
        **verified(),
    }
    variables = [workload.pod_ip_env(), *(workload.env(key, value) for key, value in plain.items())]
    if endpoint:
        variables.append(workload.env("AWS_ENDPOINT_URL", endpoint))
    for command, schedule, deadline in (
        ("database-maintenance", settings.maintenance_schedule, 2 * HOUR),
        ("parameter-drift", settings.drift_schedule, 10 * MINUTE),
    ):
        cron_job(
            f"{prefix}-{command}",
            platform,
            SYSTEM,
            command,
            schedule=schedule,
            container=k8s.core.v1.ContainerArgs(
                name=command,
                image=images.ours("operations"),
                command=["python", "-m", "app.operations", command],
                env=variables,
                resources=settings.jobs.requirements(),
                security_context=workload.container_security(),
                volume_mounts=[
                    workload.mount("config", CONFIG, read_only=True),
                    workload.mount("credentials", CREDENTIALS, read_only=True),
                ],
            ),
            volumes=[workload.config_volume("config", SYSTEM), workload.secret_volume("credentials", SYSTEM)],
            uid=UID,
            deadline_seconds=deadline,
            service_account=SYSTEM,
            opts=workload.after(opts, account, config, credentials),
        )
