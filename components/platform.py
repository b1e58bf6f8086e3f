"""What an environment gives every component: its names, labels and tags, and the cloud it stands in."""

import difflib
import ipaddress
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Literal

import pulumi
from botocore.session import Session
from pydantic import AfterValidator

from components.settings.section import Section, setting

PROJECT = "simone"
Priority = Literal["data", "serving", "batch"]


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"is no network: {error}") from None
    return text


@cache
def _regions() -> tuple[str, ...]:
    """All regions that have RDS, as botocore knows them."""
    session = Session()
    return tuple(
        name for part in ("aws", "aws-cn", "aws-us-gov") for name in session.get_available_regions("rds", part)
    )


def _region(name: str) -> str:
    if name not in _regions():
        close = difflib.get_close_matches(name, _regions(), n=3)
        raise ValueError(f"is no region of AWS that has RDS{f'; did you mean {close[0]}?' if close else ''}")
    return name


Network = Annotated[str, AfterValidator(_network)]
Region = Annotated[str, AfterValidator(_region)]


class Aws(Section):
    """The AWS account's parts that exist before this program runs (docs/deploy.md)."""

    region: Region = setting(why="where database, buckets and secrets are", pattern=r"[a-z]{2}(-[a-z]+)+-\d")
    vpc_id: str = setting(why="the cluster's VPC", pattern=r"vpc-[0-9a-f]{8,17}")
    private_subnet_ids: list[str] = setting(why="for the database: no public route, at least two zones", min_length=2)
    cluster_security_group_id: str = setting(
        why="the cluster nodes' security group, the only one that may reach the database",
        pattern=r"sg-[0-9a-f]{8,17}",
    )
    vpc_cidr: Network = setting(
        why="the VPC's addresses: pods may reach the database's port there",
        pattern=r"(\d{1,3}\.){3}\d{1,3}/\d{1,2}",
    )
    service_cidr: Network | None = setting(
        None,
        why="the cluster's Service addresses, which the VPC CNI needs for egress to single-pod Services; "
        "unset: pod labels only",
        pattern=r"(\d{1,3}\.){3}\d{1,3}/\d{1,2}",
    )
    oidc_provider_arn: str = setting(
        why="the cluster's OIDC provider, which lets pods assume roles (IRSA)",
        pattern=r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/.+",
    )
    oidc_provider_url: str = setting(
        why="its address without https://, as a role's trust policy names it",
        pattern=r"[^:/]+(/.*)?",
    )
    endpoint_url: str | None = setting(None, why="replaces AWS's own endpoints; for the local stand-in")

    @property
    def account(self) -> str:
        """The account's number, which stands in every ARN of it."""
        return self.oidc_provider_arn.split(":")[4]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """An environment's shared facts.

    `namespace` is an output of the Namespace resource once that is declared (`within`), so that whatever is put
    into it is created after it.
    """

    environment: str
    owner: str
    namespace: pulumi.Input[str]
    aws: Aws

    def within(self, namespace: pulumi.Input[str]) -> "Platform":
        """The same platform with the created namespace."""
        return replace(self, namespace=namespace)

    def priority(self, purpose: Priority) -> str:
        """The name of a priority class; such classes belong to the whole cluster, so the environment is part of it."""
        return self.name(purpose)

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
