"""Access that a change opens, compared by meaning and not by text.

Policies judge a state; this finds what is wider than before, even within the policies: another account in a trust
policy, a verb in a role, a network in a firewall, a Service that faces the internet.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from review.widening import aws, kubernetes
from stack.properties import format_path
from stack.resource import Resource, Undecided

_GIVES_ACCESS: Mapping[str, str] = {
    "aws:apigateway/restApi:RestApi": "an API on the internet",
    "aws:apigatewayv2/api:Api": "an API on the internet",
    "aws:cloudfront/distribution:Distribution": "a way in from the internet",
    "aws:ec2/eip:Eip": "a public address",
    "aws:ec2/internetGateway:InternetGateway": "a way out of the network and into it",
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": "a way between two networks",
    "aws:iam/accessKey:AccessKey": "a key that never ends",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "identities of another issuer",
    "aws:iam/user:User": "one more identity",
    "aws:iam/userLoginProfile:UserLoginProfile": "a password for the console",
    "aws:kms/grant:Grant": "the use of a key",
    "aws:lambda/functionUrl:FunctionUrl": "an address on the internet",
    "aws:rds/snapshotCopy:SnapshotCopy": "a copy of the database",
    "aws:ram/resourceShare:ResourceShare": "resources to other accounts",
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": "access to an application",
    "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest": "a certificate of the cluster",
}
"""Types that give access by existing."""

_OPENS: Mapping[str, tuple[Any, str]] = {
    "associatePublicIpAddress": (True, "it gets a public address"),
    "iamDatabaseAuthenticationEnabled": (True, "IAM identities may log in to it"),
    "internal": (False, "it faces the internet"),
    "mapPublicIpOnLaunch": (True, "whatever starts in it gets a public address"),
    "proxied": (False, "its address shows the origin, past the edge"),
    "publicNetworkAccessEnabled": (True, "it is reachable from the internet"),
    "publiclyAccessible": (True, "it has an address on the internet"),
    "skipOriginVerification": (True, "nobody checks the origin"),
}
"""Properties of any type that open something at this value."""


def widened(old: Resource | None, new: Resource | None) -> tuple[str, ...]:
    """Sentences on what becomes accessible with this change; none if nothing does.

    `old` is None for a creation, `new` for a deletion. What can't be compared is reported, never taken for closed.
    """
    shown = new or old
    if shown is None or not shown.custom:
        return ()
    found: list[str] = []
    try:
        found += dict.fromkeys(_widened(old, new, shown.type))
    except Undecided as error:
        found.append(f"whether it opens more than before is open: {error}")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        found.append(f"whether it opens more than before can't be told: {type(error).__name__}: {error}")
    return tuple(found)


def _widened(old: Resource | None, new: Resource | None, type_: str) -> Iterator[str]:
    if type_.startswith("kubernetes:"):
        yield from kubernetes.widened(old, new)
        return
    yield from aws.widened(old, new)
    if new is None:
        return
    if old is None and type_ in _GIVES_ACCESS:
        yield f"it gives {_GIVES_ACCESS[type_]}"
    for name, (value, why) in _OPENS.items():
        if new.inputs.get(name) is value and (old is None or old.inputs.get(name) is not value):
            yield why
    yield from _documents(old, new)


def _documents(old: Resource | None, new: Resource) -> Iterator[str]:
    """Every policy document among a resource's properties, wherever it is."""
    before = dict(policy_documents(old.inputs)) if old else {}
    for path, document in policy_documents(new.inputs):
        yield from aws.wider_statements(before.get(path), document)
    for path, document in before.items():
        if path not in dict(policy_documents(new.inputs)):
            yield from aws.wider_statements(document, None)


def policy_documents(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The policy documents in a property tree by path, as JSON text or as objects."""
    if isinstance(tree, str) and tree.lstrip().startswith("{") and '"Statement"' in tree:
        tree = json.loads(tree)
    if isinstance(tree, Mapping):
        mapping = cast("Mapping[str, Any]", tree)
        if "Statement" in mapping:
            yield format_path(path), mapping
            return
        for key, value in mapping.items():
            yield from policy_documents(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(cast("list[Any]", tree)):
            yield from policy_documents(value, (*path, index))
