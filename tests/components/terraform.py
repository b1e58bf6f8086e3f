"""Rendered AWS resources as Terraform's JSON, which outside advisers read: the providers share types and fields."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stack.resource import Resource
from stack.values import UNKNOWN

TYPES: Mapping[str, str] = {
    "aws:cloudwatch/logGroup:LogGroup": "aws_cloudwatch_log_group",
    "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
    "aws:iam/role:Role": "aws_iam_role",
    "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "aws_iam_role_policy_attachment",
    "aws:kms/alias:Alias": "aws_kms_alias",
    "aws:kms/key:Key": "aws_kms_key",
    "aws:rds/instance:Instance": "aws_db_instance",
    "aws:rds/parameterGroup:ParameterGroup": "aws_db_parameter_group",
    "aws:rds/subnetGroup:SubnetGroup": "aws_db_subnet_group",
    "aws:s3/bucket:Bucket": "aws_s3_bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "aws_s3_bucket_lifecycle_configuration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "aws_s3_bucket_ownership_controls",
    "aws:s3/bucketPolicy:BucketPolicy": "aws_s3_bucket_policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "aws_s3_bucket_versioning",
    "aws:secretsmanager/secret:Secret": "aws_secretsmanager_secret",
    "aws:secretsmanager/secretVersion:SecretVersion": "aws_secretsmanager_secret_version",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
}
# Pulumi says lists in the plural.
_BLOCKS = {"parameters": "parameter", "rules": "rule"}


def as_terraform(resources: Iterable[Resource]) -> dict[str, Any]:
    """The AWS resources; a KeyError for a type that isn't in the table. What isn't known yet refers to its source."""
    ours = [resource for resource in resources if resource.type.startswith("aws:")]
    addresses = {resource.urn: f"{TYPES[resource.type]}.{resource.name}" for resource in ours}
    found: dict[str, dict[str, Any]] = {}
    for resource in ours:
        found.setdefault(TYPES[resource.type], {})[resource.name] = _block(resource, addresses)
    return {"resource": found}


def _block(resource: Resource, addresses: Mapping[str, str]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key, value in resource.inputs.items():
        sources = [addresses[urn] for urn in resource.property_dependencies.get(key, ()) if urn in addresses]
        reference = f"${{{sources[0]}.id}}" if sources else UNKNOWN
        # Advisers join a bucket's parts to it by reference, and the bucket's name is a known text.
        block[_snake(key)] = reference if key == "bucket" and sources else _plain(value, reference)
    return block


def _plain(value: Any, reference: str) -> Any:
    if isinstance(value, Mapping):
        return {_snake(key): _plain(item, reference) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, reference) for item in value]
    return reference if value == UNKNOWN else value


def _snake(key: str) -> str:
    return _BLOCKS.get(key, re.sub(r"(?<=[a-z0-9])[A-Z]", lambda letter: f"_{letter[0].lower()}", key))
