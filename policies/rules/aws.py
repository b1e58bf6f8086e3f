"""Buckets, firewalls, identities and keys in AWS."""

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.networks import wide
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, Undecided, dig, listed

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


def _principals(statement: Mapping[str, Any]) -> list[Any]:
    principal = dig(statement, "Principal")
    if principal is None:
        return []
    values = principal.values() if isinstance(principal, Mapping) else [principal]
    return [named for value in values for named in listed(value)]


def _closed(block: Resource) -> Mapping[str, Any] | None:
    wanted = dict.fromkeys(_PUBLIC_ACCESS, True)
    if all(block.inputs.get(name) is True for name in wanted):
        return None
    return {**block.inputs, **wanted}


@rule(
    "s3-public-access-blocked",
    severity=Severity.CRITICAL,
    protects="One wrong ACL or policy would publish the backups with every customer's session.",
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
    protects="One switch that is off leaves a way to publish the bucket.",
    fix="Switch all four on.",
    link=f"{_S3}/access-control-block-public-access.html",
    types=_BLOCK,
    remediation=_closed,
)
def block_complete(block: Resource, _: Parameters) -> Findings:
    """A public access block has all four switches on."""
    for name in _PUBLIC_ACCESS:
        if block.get(name) is not True:
            yield Finding(f"{name} is off", block)


@rule(
    "s3-encrypted",
    severity=Severity.HIGH,
    protects="Read access to the bucket alone would suffice to read the backups.",
    fix="Give the bucket a server-side encryption configuration with a KMS key.",
    link=f"{_S3}/UsingKMSEncryption.html",
)
def bucket_encrypted(stack: Stack, _: Parameters) -> Findings:
    """Buckets encrypt with the stack's own key."""
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
    """Buckets keep overwritten and deleted objects."""
    for bucket in stack.of("s3/bucket:Bucket"):
        companion = _of_bucket(stack, bucket, ":BucketVersioning")
        status = companion.get("versioningConfiguration", "status") if companion else None
        if status != "Enabled":
            yield Finding("the bucket isn't versioned", companion or bucket)


@rule(
    "s3-tls-only",
    severity=Severity.HIGH,
    protects="Backups could be read in transit.",
    fix="Deny s3:* where aws:SecureTransport is false, in the bucket policy.",
    link=f"{_S3}/security-best-practices.html",
)
def tls_only(stack: Stack, _: Parameters) -> Findings:
    """Buckets refuse requests without TLS."""
    for bucket in stack.of("s3/bucket:Bucket"):
        companion = _of_bucket(stack, bucket, ":BucketPolicy")
        statements = _statements(companion.get("policy")) if companion else ()
        if not any(map(_refuses_plain_requests, statements)):
            yield Finding("the bucket answers without TLS", companion or bucket)


def _refuses_plain_requests(statement: Mapping[str, Any]) -> bool:
    """Whether a statement denies everybody all requests without TLS, to the bucket and to its objects."""
    condition = dig(statement, "Condition")
    resources = [str(resource) for resource in listed(dig(statement, "Resource"))]
    everything = "*" in resources or {resource.endswith("/*") for resource in resources} == {True, False}
    return (
        dig(statement, "Effect") == "Deny"
        and "*" in _principals(statement)
        and not {"*", "s3:*"}.isdisjoint(listed(dig(statement, "Action")))
        and everything
        and isinstance(condition, Mapping)
        and [*condition] == ["Bool"]
        and {key: str(value).lower() for key, value in condition["Bool"].items()} == {"aws:SecureTransport": "false"}
    )


@rule(
    "s3-policy-closed",
    severity=Severity.CRITICAL,
    protects="Such a policy publishes the backups on the day that the public access block goes.",
    fix="Name the principals.",
    link=f"{_S3}/example-bucket-policies.html",
    types=("s3/bucketPolicy:BucketPolicy", "s3/bucket:Bucket", "s3/bucketV2:BucketV2"),
)
def bucket_policy_closed(policy: Resource, _: Parameters) -> Findings:
    """No bucket policy grants anything to everybody."""
    document = policy.get("policy")
    for statement in _statements(document) if document else ():
        if dig(statement, "Effect") != "Allow":
            continue
        if dig(statement, "NotPrincipal") is not None:
            yield Finding("it allows something to all but some", policy)
        if "*" in _principals(statement):
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
    """No firewall rule admits a network larger than ours."""
    if firewall.get("type") == "egress":
        return
    for entry in [firewall.inputs, *(firewall.get("ingress") or ())]:
        networks = [
            str(network)
            for name in ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
            for network in listed(dig(entry, name))
        ]
        if too_wide := wide(networks, parameters["prefix"]):
            yield Finding(f"it lets in {too_wide}", firewall)
        if dig(entry, "ipProtocol") == "-1" or dig(entry, "protocol") == "-1":
            yield Finding("it lets in every protocol and port", firewall)


_PRIVILEGED = (
    "iam:PassRole",
    "iam:CreateAccessKey",
    "iam:CreatePolicyVersion",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:CreateLoginProfile",
    "sts:AssumeRole",
    "kms:Decrypt",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",
    "secretsmanager:GetSecretValue",
    "ssm:SendCommand",
    "lambda:UpdateFunctionCode",
    "rds:DeleteDBInstance",
    "rds:ModifyDBInstance",
    "organizations:LeaveOrganization",
)
"""Actions that lead to further rights or destroy something. A wildcard must not include one unnoticed."""


def _matching(pattern: str) -> list[str]:
    """The privileged actions that an action with wildcards includes; IAM ignores case."""
    return [action for action in _PRIVILEGED if fnmatch.fnmatchcase(action.lower(), pattern.lower())]


def _trivial(condition: Any) -> bool:
    """Whether every request meets a condition: there is none, or each of its values is a lone wildcard."""
    tests: Mapping[str, Mapping[str, Any]] = condition or {}
    values = [value for test in tests.values() for given in test.values() for value in listed(given)]
    return all(value in ("*", "**") for value in values)


def _too_much(statement: Mapping[str, Any]) -> Iterator[str]:
    """What an identity's statement allows beyond named actions on named resources."""
    if dig(statement, "Effect") != "Allow":
        return
    if dig(statement, "NotAction") is not None:
        yield "all but some actions"
    if dig(statement, "NotResource") is not None:
        yield "its actions on all but some resources"
    for action in map(str, listed(dig(statement, "Action"))):
        if action == "*" or action.endswith(":*") or action.startswith("*"):
            yield action
        elif ("*" in action or "?" in action) and (held := _matching(action)):
            yield f"{action}, which holds {', '.join(held)}"
    for resource in map(str, listed(dig(statement, "Resource"))):
        # arn:partition:service:region:account:resource - a wildcard from the first character of the last part on.
        part = resource.split(":", 5)[-1]
        everything = resource in ("*", "arn:*") or (part.startswith("*") and not part.strip("*/"))
        if everything and _trivial(dig(statement, "Condition")):
            yield f"its actions on {'every resource' if resource == '*' else resource}"


@rule(
    "iam-no-wildcard",
    severity=Severity.CRITICAL,
    protects="A compromised pod could do anything with the account.",
    fix="Name the actions, and the resources by ARN.",
    link=f"{_IAM}/best-practices.html#grant-least-privilege",
    types=(
        "iam/rolePolicy:RolePolicy",
        "iam/policy:Policy",
        "iam/userPolicy:UserPolicy",
        "iam/groupPolicy:GroupPolicy",
        "iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam/userPolicyAttachment:UserPolicyAttachment",
        "iam/groupPolicyAttachment:GroupPolicyAttachment",
        "iam/policyAttachment:PolicyAttachment",
        "iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
        "iam/role:Role",
    ),
)
def no_wildcard(policy: Resource, _: Parameters) -> Findings:
    """No identity's policy (inline, managed or attached) allows all actions, or any action on all resources."""
    inline: list[Any] = policy.get("inlinePolicies") or []
    managed = [policy.get("policyArn"), *listed(policy.get("policyArns")), *listed(policy.get("managedPolicyArns"))]
    for arn in filter(None, managed):
        attached = str(arn).rpartition("/")[2]
        if attached in _WIDE_MANAGED or attached.endswith(("FullAccess", "PowerUser", "Administrator")):
            yield Finding(f"it attaches {attached}", policy)
    for document in [policy.get("policy"), *(dig(entry, "policy") for entry in inline)]:
        for statement in _statements(document) if document else ():
            for allowed in _too_much(statement):
                yield Finding(f"it allows {allowed}", policy)


_WIDE_MANAGED = {
    "AdministratorAccess",
    "AdministratorAccess-Amplify",
    "PowerUserAccess",
    "IAMFullAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SystemAdministrator",
    "DatabaseAdministrator",
    "NetworkAdministrator",
    "DataScientist",
}
"""AWS's own policies over many services, or over everything of one (AWS managed policies for job functions)."""


@rule(
    "iam-trust-limited",
    severity=Severity.CRITICAL,
    protects="Anyone could take the role.",
    fix="Name the principal; for pods, name the service account in a condition on the token's subject.",
    link=f"{_IAM}/id_roles_create_for-idp_oidc.html",
    types=("iam/role:Role",),
)
def trust_limited(role: Resource, _: Parameters) -> Findings:
    """Only named principals may assume a role; from a cluster, only one service account."""
    for statement in _statements(role.get("assumeRolePolicy")):
        if dig(statement, "Effect") != "Allow":
            continue
        principal = dig(statement, "Principal")
        if dig(statement, "NotPrincipal") is not None:
            yield Finding("all but some may assume the role", role)
        if "*" in _principals(statement):
            yield Finding("anyone may assume the role", role)
        if isinstance(principal, Mapping) and "Federated" in principal:
            subjects = list(_subjects(dig(statement, "Condition") or {}))
            loose = [subject for _, subject in subjects if not _one_account(subject)]
            if not any(test.startswith("String") and "Not" not in test for test, _ in subjects):
                yield Finding("every service account of the cluster may assume the role", role)
            for subject in loose:
                yield Finding(f"whoever has the subject {subject} may assume the role", role)


def _subjects(conditions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The tests on a token's subject, and the subjects that they admit. `…IfExists` admits tokens without one."""
    for test, keys in conditions.items():
        for key, values in keys.items():
            if str(key).endswith(":sub") and not test.endswith("IfExists"):
                yield from ((test, str(value)) for value in listed(values))


def _one_account(subject: str) -> bool:
    """Whether the subject is one service account: system:serviceaccount:namespace:name without a wildcard."""
    return re.fullmatch(r"system:serviceaccount:[a-z0-9.-]+:[a-z0-9.-]+", subject) is not None


@rule(
    "aws-resource-policies-closed",
    severity=Severity.CRITICAL,
    protects="Every AWS account could use what it protects.",
    fix="Name the principals, or add a condition on the account or the source's ARN.",
    link=f"{_IAM}/reference_policies_elements_principal.html",
    types=(
        "kms/key:Key",
        "kms/keyPolicy:KeyPolicy",
        "sqs/queue:Queue",
        "sqs/queuePolicy:QueuePolicy",
        "sns/topic:Topic",
        "sns/topicPolicy:TopicPolicy",
        "secretsmanager/secret:Secret",
        "secretsmanager/secretPolicy:SecretPolicy",
        "ecr/repositoryPolicy:RepositoryPolicy",
        "lambda/permission:Permission",
    ),
)
def resource_policies_closed(resource: Resource, _: Parameters) -> Findings:
    """No policy of a key, queue, topic, secret or repository admits everybody."""
    if resource.type.endswith(":Permission"):
        if resource.get("principal") == "*" and not (resource.get("sourceAccount") or resource.get("sourceArn")):
            yield Finding("it lets everybody call the function", resource)
        return
    document = resource.get("policy")
    for statement in _statements(document) if document else ():
        if dig(statement, "Effect") != "Allow":
            continue
        if dig(statement, "NotPrincipal") is not None:
            yield Finding("it allows something to all but some", resource)
        if "*" in _principals(statement) and _trivial(dig(statement, "Condition")):
            yield Finding("it allows something to everybody", resource)


@rule(
    "s3-owner-enforced",
    severity=Severity.HIGH,
    protects="An object's ACL could bypass the bucket policy.",
    fix="Set object_ownership to BucketOwnerEnforced.",
    link=f"{_S3}/about-object-ownership.html",
    types=(
        "s3/bucketOwnershipControls:BucketOwnershipControls",
        "s3/bucketAcl:BucketAcl",
        "s3/bucketAclV2:BucketAclV2",
        "s3/bucket:Bucket",
        "s3/bucketV2:BucketV2",
    ),
)
def owner_enforced(controls: Resource, _: Parameters) -> Findings:
    """Buckets have no ACLs."""
    if controls.type.endswith((":Bucket", ":BucketV2")):
        if controls.get("acl") not in (None, "private") or controls.get("grants"):
            yield Finding(f"its ACL is {controls.get('acl') or 'of its own'}", controls)
    elif controls.type.endswith((":BucketAcl", ":BucketAclV2")):
        yield Finding(f"it gives the bucket an ACL: {controls.get('acl') or 'of its own'}", controls)
    elif controls.get("rule", "objectOwnership") != "BucketOwnerEnforced":
        yield Finding(f"ownership is {controls.get('rule', 'objectOwnership')}", controls)


@rule(
    "s3-kept",
    severity=Severity.CRITICAL,
    protects="The backups would go with it.",
    fix="Leave force_destroy off; empty a bucket by hand before destroying it (docs/deploy.md).",
    link=f"{_S3}/delete-bucket.html",
    types=("s3/bucket:Bucket", "s3/bucketV2:BucketV2"),
)
def bucket_kept(bucket: Resource, _: Parameters) -> Findings:
    """A bucket with objects can't be deleted."""
    if bucket.get("forceDestroy"):
        yield Finding("force_destroy is on", bucket)


@rule(
    "s3-backups-kept",
    severity=Severity.HIGH,
    protects="A mistake found after the backups are gone can't be undone.",
    fix="Keep backups and their old versions for {days} days or more (simone:redis.backup.retention).",
    link=f"{_S3}/object-lifecycle-mgmt.html",
    types=("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",),
    parameters={"days": 7},
)
def backups_kept(lifecycle: Resource, parameters: Parameters) -> Findings:
    """Backups live for at least `days`."""
    for entry in lifecycle.get("rules") or ():
        if dig(entry, "status") not in (None, "Enabled"):
            continue
        for part, name in (("expiration", "days"), ("noncurrentVersionExpiration", "noncurrentDays")):
            days = dig(entry, part, name)
            if days is not None and 0 < int(days) < parameters["days"]:
                yield Finding(f"{dig(entry, 'id') or 'a rule'} deletes after {int(days)} days", lifecycle)


@rule(
    "kms-rotation",
    severity=Severity.MEDIUM,
    protects="A leaked key that never changes opens everything ever written.",
    fix="Set enable_key_rotation=True.",
    link="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    types=("kms/key:Key",),
)
def rotation(key: Resource, _: Parameters) -> Findings:
    """Keys are rotated every year."""
    if key.get("enableKeyRotation") is not True:
        yield Finding("the key isn't rotated", key)
