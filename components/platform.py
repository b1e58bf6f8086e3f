"""What an environment gives every component: its names, labels and tags, and the cloud it stands in."""

from dataclasses import dataclass

import pulumi

from components.settings_base import Section, setting

PROJECT = "simone"


class Aws(Section):
    """The AWS account's parts that exist before this program runs (docs/deploy.md)."""

    region: str = setting(why="where the database, buckets and secrets are", pattern=r"[a-z]{2}(-[a-z]+)+-\d")
    vpc_id: str = setting(why="the VPC that the cluster runs in", pattern=r"vpc-[0-9a-f]{8,17}")
    private_subnet_ids: list[str] = setting(
        why="subnets without a public route, in at least two zones, for the database", min_length=2
    )
    cluster_security_group_id: str = setting(
        why="the cluster nodes' security group, the only one that may reach the database",
        pattern=r"sg-[0-9a-f]{8,17}",
    )
    oidc_provider_arn: str = setting(
        why="the cluster's OIDC provider, which lets pods assume roles (IRSA)",
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/.+",
    )
    oidc_provider_url: str = setting(
        why="the same provider's address without https://, as it stands in a role's trust policy",
        pattern=r"[^:/]+(/.*)?",
    )
    endpoint_url: str | None = setting(
        None, why="another endpoint than AWS's own for S3 and the others; the local environment's stand-in"
    )


@dataclass(frozen=True, kw_only=True)
class Platform:
    """An environment's shared facts.

    `namespace` is an output of the Namespace resource, so that whatever is put into it is created after it.
    """

    environment: str
    owner: str
    namespace: pulumi.Input[str]
    namespace_name: str
    aws: Aws

    def tags(self, component: str) -> dict[str, str]:
        """AWS tags: every resource says what it belongs to and who answers for it."""
        return {
            "project": PROJECT,
            "environment": self.environment,
            "component": component,
            "owner": self.owner,
        }

    def name(self, suffix: str) -> str:
        """A name that is unique in an AWS account: `simone-prod-redis-backups`."""
        return f"{PROJECT}-{self.environment}-{suffix}"
