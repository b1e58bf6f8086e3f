"""AWS roles that pods assume through the cluster's OIDC provider (IRSA), each for one service account."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components.platform import Platform


def pod_role(
    resource_name: str,
    platform: Platform,
    system: str,
    service_account: str,
    *,
    opts: pulumi.ResourceOptions,
) -> aws.iam.Role:
    """A role that only pods running as `service_account` may assume."""
    issuer = platform.aws.oidc_provider_url
    trust = pulumi.Output.from_input(platform.namespace).apply(
        lambda namespace: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Federated": platform.aws.oidc_provider_arn},
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {
                            "StringEquals": {
                                f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                                f"{issuer}:aud": "sts.amazonaws.com",
                            }
                        },
                    }
                ],
            }
        )
    )
    return aws.iam.Role(
        resource_name,
        name=platform.name(service_account),
        assume_role_policy=trust,
        tags=platform.tags(system),
        opts=opts,
    )


def allow(*actions: str, resources: list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    """A statement that allows `actions` on `resources`."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def key_policy(platform: Platform, *statements: dict[str, Any]) -> str:
    """A key's own policy: the account's identities may use it as far as their policies say, and `statements`."""
    account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{platform.aws.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return document(account, *statements)


def document(*statements: dict[str, Any]) -> str:
    """A policy document of statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
