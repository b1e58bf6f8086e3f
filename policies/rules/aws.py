"""Buckets, firewalls, identities and keys in AWS."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, Undecided, dig

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_PUBLIC_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_BLOCK = ("s3/bucketPublicAccessBlock:BucketPublicAccessBlock",)


def _of_bucket(stack: Stack, bucket: Resource, kind: str) -> Resource | None:
    """The resource of this kind that belongs to a bucket."""
    for companion in stack.of(kind):
        try:
            if companion.get("bucket") in (bucket.get("bucket"), bucket.name):
                return companion
        except Undecided:
            # The bucket's name is an output that isn't known yet: companions are named after their bucket.
            if companion.name.startswith(bucket.name):
                return companion
    return None


def _statements(text: Any) -> Iterator[Mapping[str, Any]]:
    document: Any = json.loads(text) if isinstance(text, str) else text
    found = dig(document, "Statement") or ()
    yield from [found] if isinstance(found, Mapping) else found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _principals(statement: Mapping[str, Any]) -> list[Any]:
    principal = dig(statement, "Principal")
    values = principal.values() if isinstance(principal, Mapping) else [principal]
    return [named for value in values for named in _listed(value)]


def _closed(block: Resource) -> Mapping[str, Any] | None:
    wanted = dict.fromkeys(_PUBLIC_ACCESS, True)
    if all(block.inputs.get(name) is True for name in wanted):
        return None
    return {**block.inputs, **wanted}


@rule(
    "s3-public-access-blocked",
    severity=Severity.CRITICAL,
    protects="One wrong ACL or policy would publish the backups, with every customer's session in them.",
    fix="Give the bucket a BucketPublicAccessBlock with all four switches on.",
    link=f"{_S3}/access-control-block-public-access.html",
)
def public_access_blocked(stack: Stack, _: Parameters) -> Findings:
    """No bucket can be made public."""
    for bucket in stack.of("s3/bucket:Bucket"):
        block = _of_bucket(stack, bucket, _BLOCK[0])
        if block is None:
            yield Finding("public access to the bucket isn't blocked", bucket)
            continue
        for name in _PUBLIC_ACCESS:
            if block.get(name) is not True:
                yield Finding(f"{name} is off", block)


@rule(
    "s3-block-complete",
    severity=Severity.HIGH,
    protects="A public access block with one switch off leaves one way to publish the bucket.",
    fix="Switch all four on; at the level `remediate` the engine does it on the way.",
    link=f"{_S3}/access-control-block-public-access.html",
    types=_BLOCK,
    remediation=_closed,
)
def block_complete(block: Resource, _: Parameters) -> Findings:
    """A public access block blocks all of it."""
    for name in _PUBLIC_ACCESS:
        if block.get(name) is not True:
            yield Finding(f"{name} is off", block)


@rule(
    "s3-encrypted",
    severity=Severity.HIGH,
    protects="Backups would be readable with read access to the bucket alone.",
    fix="Give the bucket a server-side encryption configuration with a KMS key.",
    link=f"{_S3}/UsingKMSEncryption.html",
)
def bucket_encrypted(stack: Stack, _: Parameters) -> Findings:
    """Buckets encrypt with a key of ours."""
    kind = "BucketServerSideEncryptionConfiguration"
    for bucket in stack.of("s3/bucket:Bucket"):
        companion = _of_bucket(stack, bucket, f":{kind}")
        rules = companion.get("rules") if companion else ()
        algorithms = {dig(entry, "applyServerSideEncryptionByDefault", "sseAlgorithm") for entry in rules or ()}
        if not algorithms & {"aws:kms", "aws:kms:dsse"}:
            yield Finding("the bucket isn't encrypted with a KMS key", companion or bucket)


@rule(
    "s3-versioned",
    severity=Severity.HIGH,
    protects="An overwritten or deleted backup would be gone.",
    fix="Enable versioning on the bucket.",
    link=f"{_S3}/Versioning.html",
)
def versioned(stack: Stack, _: Parameters) -> Findings:
    """Buckets keep what was overwritten or deleted."""
    for bucket in stack.of("s3/bucket:Bucket"):
        companion = _of_bucket(stack, bucket, ":BucketVersioning")
        status = companion.get("versioningConfiguration", "status") if companion else None
        if status != "Enabled":
            yield Finding("the bucket isn't versioned", companion or bucket)


@rule(
    "s3-tls-only",
    severity=Severity.HIGH,
    protects="Backups could be read on their way.",
    fix="Deny s3:* where aws:SecureTransport is false, in the bucket's policy.",
    link=f"{_S3}/security-best-practices.html",
)
def tls_only(stack: Stack, _: Parameters) -> Findings:
    """Buckets refuse requests without TLS."""
    for bucket in stack.of("s3/bucket:Bucket"):
        companion = _of_bucket(stack, bucket, ":BucketPolicy")
        statements = _statements(companion.get("policy")) if companion else ()
        if not any(
            dig(statement, "Effect") == "Deny"
            and str(dig(statement, "Condition", "Bool", "aws:SecureTransport")).lower() == "false"
            for statement in statements
        ):
            yield Finding("the bucket answers without TLS", companion or bucket)


@rule(
    "s3-policy-closed",
    severity=Severity.CRITICAL,
    protects="A policy that lets in everybody publishes the backups on the day that the public access block goes.",
    fix="Name the principals.",
    link=f"{_S3}/example-bucket-policies.html",
    types=("s3/bucketPolicy:BucketPolicy",),
)
def bucket_policy_closed(policy: Resource, _: Parameters) -> Findings:
    """No bucket's policy allows anything to everybody."""
    for statement in _statements(policy.get("policy")):
        if dig(statement, "Effect") == "Allow" and "*" in _principals(statement):
            yield Finding("it allows something to everybody", policy)


@rule(
    "security-group-closed",
    severity=Severity.CRITICAL,
    protects="A port open to a whole network is open to whoever gets into it, or to everyone.",
    fix="Refer to a security group, or to a network no larger than /{prefix}.",
    link="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    types=(
        "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "ec2/securityGroupRule:SecurityGroupRule",
        "ec2/securityGroup:SecurityGroup",
    ),
    parameters={"prefix": 16},
)
def security_group_closed(firewall: Resource, parameters: Parameters) -> Findings:
    """No firewall lets in a network larger than ours."""
    if firewall.get("type") == "egress":
        return
    own = [firewall.inputs, *(firewall.get("ingress") or ())]
    for entry in own:
        networks = [
            *_listed(dig(entry, "cidrIpv4")),
            *_listed(dig(entry, "cidrIpv6")),
            *_listed(dig(entry, "cidrBlocks")),
            *_listed(dig(entry, "ipv6CidrBlocks")),
        ]
        for network in networks:
            parsed = ipaddress.ip_network(str(network), strict=False)
            if parsed.prefixlen < parameters["prefix"]:
                yield Finding(f"it lets in {network}", firewall)
        if dig(entry, "ipProtocol") == "-1" or dig(entry, "protocol") == "-1":
            yield Finding("it lets in every protocol and port", firewall)


@rule(
    "iam-no-wildcard",
    severity=Severity.CRITICAL,
    protects="A pod that is broken into could do anything with the account.",
    fix="Name the actions, and the resources by ARN.",
    link=f"{_IAM}/best-practices.html#grant-least-privilege",
    types=(
        "iam/rolePolicy:RolePolicy",
        "iam/policy:Policy",
        "iam/userPolicy:UserPolicy",
        "iam/rolePolicyAttachment:RolePolicyAttachment",
    ),
)
def no_wildcard(policy: Resource, _: Parameters) -> Findings:
    """No identity may do everything, or something with everything."""
    attached = str(policy.get("policyArn") or "").rpartition("/")[2]
    if attached.endswith(("AdministratorAccess", "PowerUserAccess", "FullAccess")):
        yield Finding(f"it attaches {attached}", policy)
    for statement in _statements(policy.get("policy")):
        if dig(statement, "Effect") != "Allow":
            continue
        for action in _listed(dig(statement, "Action")):
            if action == "*" or str(action).endswith(":*"):
                yield Finding(f"it allows {action}", policy)
        if "*" in _listed(dig(statement, "Resource")) and not dig(statement, "Condition"):
            yield Finding("it allows its actions on every resource", policy)
        if dig(statement, "NotAction"):
            yield Finding("it allows all but some actions", policy)


@rule(
    "iam-trust-limited",
    severity=Severity.CRITICAL,
    protects="Anyone could take the role.",
    fix="Name the principal, and for pods the service account in a condition on the token's subject.",
    link=f"{_IAM}/id_roles_create_for-idp_oidc.html",
    types=("iam/role:Role",),
)
def trust_limited(role: Resource, _: Parameters) -> Findings:
    """Only named principals may assume a role, and of a cluster only one service account."""
    for statement in _statements(role.get("assumeRolePolicy")):
        principal = dig(statement, "Principal")
        if "*" in _principals(statement):
            yield Finding("anyone may assume the role", role)
        if isinstance(principal, Mapping) and "Federated" in principal:
            conditions: Mapping[str, Any] = dig(statement, "Condition") or {}
            subjects = [str(key) for test in conditions.values() for key in test]
            if not any(subject.endswith(":sub") for subject in subjects):
                yield Finding("every service account of the cluster may assume the role", role)


@rule(
    "kms-rotation",
    severity=Severity.MEDIUM,
    protects="A key that is never changed protects everything ever written once it leaks.",
    fix="Set enable_key_rotation=True.",
    link="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    types=("kms/key:Key",),
)
def rotation(key: Resource, _: Parameters) -> Findings:
    """Keys are rotated every year."""
    if key.get("enableKeyRotation") is not True:
        yield Finding("the key isn't rotated", key)
