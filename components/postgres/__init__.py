"""Postgres: an RDS instance with parameters derived from its memory, its secrets and its scheduled jobs."""

from dataclasses import dataclass

import pulumi

from components.platform import Platform
from components.postgres.credentials import declare_credentials
from components.postgres.instance import declare_database
from components.postgres.jobs import declare_jobs
from components.postgres.settings import PostgresSettings
from components.settings.images import Images
from components.settings.secrets import PostgresSecrets


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """What the database is made from."""

    platform: Platform
    settings: PostgresSettings
    secrets: PostgresSecrets
    images: Images


class Postgres(pulumi.ComponentResource):
    """The database. `address` is its host name, `instance` its name in RDS; `resource` the instance, for whoever needs
    it to be there first.
    """

    address: pulumi.Output[str]
    instance: str
    instance_arn: pulumi.Output[str]
    resource: pulumi.Resource

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:postgres:Postgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        database = declare_database(name, args.platform, args.settings, args.secrets, child)
        declare_credentials(name, args.platform, args.secrets, instance=database.instance, key=database.key, opts=child)
        declare_jobs(
            name, args.platform, args.settings, args.secrets, args.images, instance=database.instance, opts=child
        )
        self.address = database.instance.address
        self.instance = args.platform.name("postgres")
        self.instance_arn = database.instance.arn
        self.resource = database.instance
        outputs = {"address": self.address}
        if database.replica is not None:
            outputs["replica_address"] = database.replica.address
        self.register_outputs(outputs)
