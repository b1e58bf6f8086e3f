"""The roles' credentials in Secrets Manager, for people and programs outside the cluster."""

import pulumi
import pulumi_aws as aws
from pydantic import SecretStr

from components.kubernetes.flows import POSTGRES_PORT
from components.platform import Platform
from components.postgres.roles import APP, DATABASE, EXPORTER, OWNER
from components.settings.secrets import PostgresSecrets

SYSTEM = "postgres"


def declare_credentials(
    prefix: str,
    platform: Platform,
    secrets: PostgresSecrets,
    *,
    instance: aws.rds.Instance,
    key: aws.kms.Key,
    opts: pulumi.ResourceOptions,
) -> None:
    """One secret for each role: JSON in the form that RDS's own tools read."""
    logins = {OWNER: (OWNER, secrets.owner)} | {name: _login(secrets, name) for name in (APP, EXPORTER)}
    for role, (username, password) in logins.items():
        secret = aws.secretsmanager.Secret(
            f"{prefix}-secret-{role.replace('_', '-')}",
            name=f"{platform.name('postgres')}/{role}",
            description=f"Database role {role}",
            kms_key_id=key.arn,
            # Deleted by mistake: four weeks to take it back.
            recovery_window_in_days=28,
            tags=platform.tags(SYSTEM),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True)),
        )
        aws.secretsmanager.SecretVersion(
            f"{prefix}-secret-{role.replace('_', '-')}-value",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(
                pulumi.Output.json_dumps(
                    {
                        "engine": "postgres",
                        "host": instance.address,
                        "port": POSTGRES_PORT,
                        "dbname": DATABASE,
                        "username": username,
                        "password": password.get_secret_value(),
                    }
                )
            ),
            opts=opts,
        )


def _login(secrets: PostgresSecrets, name: str) -> tuple[str, SecretStr]:
    return secrets.role(name), secrets.shown(name)
