"""Postgres's scheduled jobs: maintenance, and the comparison of the instance's parameters with the declared ones."""

import json

import pulumi
import pulumi_aws as aws

from components.aws_identity import allow, document, pod_role
from components.kubernetes.account import service_account
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.cron_job import cron_job
from components.kubernetes.flows import POSTGRES_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, SecretFiles
from components.kubernetes.scope import Scope
from components.platform import Platform
from components.postgres.parameters import parameters
from components.postgres.roles import DATABASE, OWNER
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
    own = Scope(prefix, platform, SYSTEM, opts)
    needs = [
        service_account(own, "jobs-account", role=role),
        config_map(own, "jobs-config", SYSTEM, {"parameters.json": declared_parameters(settings)}),
        secret(own, "jobs-secret", SYSTEM, {"owner-password": secrets.owner.get_secret_value()}),
    ]
    for command, schedule, deadline in (
        ("database-maintenance", settings.maintenance_schedule, 2 * HOUR),
        ("parameter-drift", settings.drift_schedule, 10 * MINUTE),
    ):
        container = Container(
            name=command,
            image=images.ours("operations"),
            command=["python", "-m", "app.operations", command],
            env={
                **POD_IP,
                "DATABASE_HOST": instance.address,
                "DATABASE_PORT": str(POSTGRES_PORT),
                "DATABASE_NAME": DATABASE,
                "DATABASE_USER": OWNER,
                "DATABASE_PASSWORD_FILE": f"{CREDENTIALS}/owner-password",
                "DATABASE_INSTANCE": platform.name("postgres"),
                "DECLARED_PARAMETERS": f"{CONFIG}/parameters.json",
                "AWS_REGION": platform.aws.region,
                **verified(),
                "AWS_ENDPOINT_URL": platform.aws.endpoint_url,
            },
            resources=settings.jobs,
            mounts={"config": CONFIG, "credentials": CREDENTIALS},
        )
        cron_job(
            own,
            command,
            command,
            schedule=schedule,
            container=container,
            volumes={"config": ConfigFiles(SYSTEM), "credentials": SecretFiles(SYSTEM)},
            uid=UID,
            deadline=deadline,
            after=needs,
        )
