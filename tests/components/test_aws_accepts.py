"""What is declared of AWS is judged by AWS's own service models, as botocore ships them: required parameters, types,
patterns, lengths, allowed values, and what the parameters' documentation says in words ("Valid characters: …").
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from stack.render import Rendered
from stack.values import UNKNOWN

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """The call that a declared resource becomes: `parameters` are the operation's by the declared property, with a path
    below where they are nested; `elsewhere` are properties that the provider sets by other calls, or keeps to itself.
    """

    service: str
    operation: str
    parameters: Mapping[str, str]
    elsewhere: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _same(*names: str) -> dict[str, str]:
    """Parameters that are called as the properties, but for the first letter."""
    return {name: name[0].upper() + name[1:] for name in names}


BUCKET = {"bucket": "Bucket"}
RULE = "IpPermissions.0."
CALLS: Mapping[str, Call] = {
    "aws:cloudwatch/logGroup:LogGroup": Call(
        "logs", "CreateLogGroup", {"name": "logGroupName", "kmsKeyId": "kmsKeyId", "tags": "tags"},
        elsewhere=frozenset({"retentionInDays"}),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Call(
        "ec2", "CreateSecurityGroup",
        {"name": "GroupName", "description": "Description", "vpcId": "VpcId"}, elsewhere=frozenset({"tags"}),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Call(
        "ec2", "AuthorizeSecurityGroupIngress",
        {
            "securityGroupId": "GroupId",
            "ipProtocol": f"{RULE}IpProtocol",
            "fromPort": f"{RULE}FromPort",
            "toPort": f"{RULE}ToPort",
            "description": f"{RULE}UserIdGroupPairs.0.Description",
            "referencedSecurityGroupId": f"{RULE}UserIdGroupPairs.0.GroupId",
        },
        elsewhere=frozenset({"tags"}),
    ),
    "aws:iam/role:Role": Call(
        "iam", "CreateRole", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        elsewhere=frozenset({"tags"}),
    ),
    "aws:iam/rolePolicy:RolePolicy": Call(
        "iam", "PutRolePolicy", {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"}
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Call(
        "iam", "AttachRolePolicy", {"role": "RoleName", "policyArn": "PolicyArn"}
    ),
    "aws:kms/alias:Alias": Call("kms", "CreateAlias", {"name": "AliasName", "targetKeyId": "TargetKeyId"}),
    "aws:kms/key:Key": Call(
        "kms", "CreateKey", _same("description", "policy"),
        elsewhere=frozenset({"deletionWindowInDays", "enableKeyRotation", "tags"}),
    ),
    "aws:rds/instance:Instance": Call(
        "rds", "CreateDBInstance",
        {
            **_same(
                "allocatedStorage", "autoMinorVersionUpgrade", "backupRetentionPeriod", "copyTagsToSnapshot",
                "databaseInsightsMode", "deletionProtection", "engine", "engineVersion", "iops", "kmsKeyId",
                "maxAllocatedStorage", "monitoringInterval", "monitoringRoleArn", "port", "publiclyAccessible",
                "storageEncrypted", "storageThroughput", "storageType",
            ),
            "backupWindow": "PreferredBackupWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "dbName": "DBName",
            "dbSubnetGroupName": "DBSubnetGroupName",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "multiAz": "MultiAZ",
            "parameterGroupName": "DBParameterGroupName",
            "password": "MasterUserPassword",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
            "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
            "username": "MasterUsername",
            "vpcSecurityGroupIds": "VpcSecurityGroupIds",
        },
        elsewhere=frozenset(
            {"applyImmediately", "deleteAutomatedBackups", "finalSnapshotIdentifier", "skipFinalSnapshot", "tags"}
        ),
    ),
    "aws:rds/parameterGroup:ParameterGroup": Call(
        "rds", "CreateDBParameterGroup",
        {"namePrefix": "DBParameterGroupName", "family": "DBParameterGroupFamily", "description": "Description"},
        elsewhere=frozenset({"parameters", "tags"}),
    ),
    "aws:rds/subnetGroup:SubnetGroup": Call(
        "rds", "CreateDBSubnetGroup",
        {"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription", "subnetIds": "SubnetIds"},
        elsewhere=frozenset({"tags"}),
    ),
    "aws:s3/bucket:Bucket": Call("s3", "CreateBucket", BUCKET, elsewhere=frozenset({"tags"})),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Call(
        "s3", "PutBucketLifecycleConfiguration", {**BUCKET, "rules": "LifecycleConfiguration.Rules"}
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Call(
        "s3", "PutBucketOwnershipControls", {**BUCKET, "rule": "OwnershipControls.Rules.0"}
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Call("s3", "PutBucketPolicy", {**BUCKET, "policy": "Policy"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Call(
        "s3", "PutPublicAccessBlock",
        {
            **BUCKET,
            **{
                name: f"PublicAccessBlockConfiguration.{name[0].upper()}{name[1:]}"
                for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
            },
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Call(
        "s3", "PutBucketEncryption", {**BUCKET, "rules": "ServerSideEncryptionConfiguration.Rules"}
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Call(
        "s3", "PutBucketVersioning", {**BUCKET, "versioningConfiguration": "VersioningConfiguration"}
    ),
    "aws:secretsmanager/secret:Secret": Call(
        "secretsmanager", "CreateSecret", _same("name", "description", "kmsKeyId"),
        elsewhere=frozenset({"recoveryWindowInDays", "tags"}),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Call(
        "secretsmanager", "PutSecretValue", _same("secretId", "secretString")
    ),
}  # fmt: skip
RENAMED = {"id": "ID", "kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm"}
"""Nested properties whose parameters are spelt otherwise."""


def _capital(name: str) -> str:
    return RENAMED.get(name) or name[0].upper() + name[1:]


def _nested(value: Any) -> Any:
    """A nested property in the API's spelling."""
    if isinstance(value, Mapping):
        return {_capital(key): _nested(inner) for key, inner in value.items()}
    return [_nested(inner) for inner in value] if isinstance(value, list) else value


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    name, _, rest = path.partition(".")
    if not rest:
        target[name] = value
    elif rest == "0" or rest.startswith("0."):
        entries: list[dict[str, Any]] = target.setdefault(name, [{}])
        if rest == "0":
            entries[0].update(value)
        else:
            _put(entries[0], rest[2:], value)
    else:
        _put(target.setdefault(name, {}), rest, value)


def faults(type_: str, inputs: Inputs) -> list[str]:
    """What AWS would refuse, one line each; a property that nobody knows to be a parameter is a fault as well."""
    call = CALLS[type_]
    parameters: dict[str, Any] = {}
    unknown = inputs.keys() - call.parameters.keys() - call.elsewhere
    found = [f"{name} is no parameter of {call.operation} that this test knows" for name in sorted(unknown)]
    for name, path in call.parameters.items():
        if name in inputs:
            nested = name == "tags" or not isinstance(inputs[name], Mapping | list)
            _put(parameters, path, inputs[name] if nested else _nested(inputs[name]))
    model = botocore.session.get_session().get_service_model(call.service).operation_model(call.operation)
    assert isinstance(model.input_shape, StructureShape)
    return found + list(_judged(parameters, model.input_shape, call.operation))


def _judged(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if value == UNKNOWN:
        return
    # botocore computes these when they are first asked for, which its stubs don't say.
    inner_shape: Any = shape
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name in inner_shape.required_members:
            if name not in value:
                yield f"{path}.{name} is required"
        for name, inner in value.items():
            if name in inner_shape.members:
                yield from _judged(inner, inner_shape.members[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is no parameter"
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _judged(inner, inner_shape.member, f"{path}[{number}]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _judged(name, inner_shape.key, f"{path} key")
            yield from _judged(inner, inner_shape.value, f"{path}.{name}")
    else:
        yield from (f"{path} is {value!r}: {fault}" for fault in _wrong(value, shape))


KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "integer": (int, float), "long": (int, float), "boolean": bool, "blob": str,
}  # fmt: skip


def _wrong(value: Any, shape: Any) -> Iterator[str]:
    if not isinstance(value, KINDS[shape.type_name]):
        yield f"must be of the type {shape.type_name}"
        return
    size = len(value) if isinstance(value, str) else value
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"less than {low}"
    if high is not None and size > high:
        yield f"more than {high}"
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"must be one of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not re.fullmatch(_python(pattern), value):
        yield f"must match {pattern}"
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", shape.documentation)))
        for sentence, allows in DOCUMENTED.items():
            for said in re.finditer(sentence, text):
                if not allows(value, said):
                    yield f"the documentation says: {said[0]!r}"


def _python(pattern: str) -> str:
    r"""AWS writes some patterns for Java: `\p{Print}` and the like mean printable ASCII here."""
    return re.sub(r"\\p\{\w+\}", "\x20-\x7e", pattern)


def _characters(value: Any, said: re.Match[str]) -> bool:
    signs = said["signs"].strip()
    return bool(re.fullmatch(f"[a-zA-Z0-9 {re.escape(signs)}]*", str(value)))


DOCUMENTED: Mapping[str, Callable[[Any, re.Match[str]], bool]] = {
    # EC2's descriptions and names.
    r"(?:Valid|Allowed) characters(?::| are) a-z, A-Z, 0-9, spaces, and (?P<signs>\S+)": _characters,
    r"Up to (?P<most>\d+) characters in length": lambda value, said: len(value) <= int(said["most"]),
    r"Can't start with sg-": lambda value, _: not value.startswith("sg-"),
    # RDS's identifiers and passwords.
    r"Must (?:be|contain from) 1 to (?P<most>\d+) letters, numbers, or (?P<sign>hyphens|underscores)": (
        lambda value, said: bool(
            re.fullmatch(f"[a-zA-Z0-9{'-' if said['sign'] == 'hyphens' else '_'}]{{1,{said['most']}}}", value)
        )
    ),
    r"Must contain no more than (?P<most>\d+) letters, numbers, periods, underscores, spaces, or hyphens": (
        lambda value, said: bool(re.fullmatch(f"[a-zA-Z0-9._ -]{{1,{said['most']}}}", value))
    ),
    r"First character must be a letter": lambda value, _: value[:1].isalpha(),
    r"Can't end with a hyphen or contain two consecutive hyphens": (
        lambda value, _: not value.rstrip("-").endswith("-") and "--" not in value
    ),
    r"RDS for PostgreSQL - Must contain from (?P<least>\d+) to (?P<most>\d+) characters": (
        lambda value, said: int(said["least"]) <= len(value) <= int(said["most"])
    ),
    r"Can include any printable ASCII character except \"/\", \"\"\", or \"@\"": (
        lambda value, _: value.isascii() and value.isprintable() and not set('/"@') & set(value)
    ),
    r"Must be a value from (?P<least>\d+) to (?P<most>\d+)": (
        lambda value, said: int(said["least"]) <= int(value) <= int(said["most"])
    ),
    r"Valid Values: (?P<values>\d+(?: \| \d+)+)": lambda value, said: str(int(value)) in said["values"].split(" | "),
    r"Must be in the format hh24:mi-hh24:mi": lambda value, _: bool(re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", value)),
    # Secrets Manager's and KMS's names.
    r"The secret name can contain ASCII letters, numbers, and the following characters: (?P<signs>\S+)": _characters,
    r"This value must begin with alias/": lambda value, _: value.startswith("alias/"),
    r"The alias name cannot begin with alias/aws/": lambda value, _: not value.startswith("alias/aws/"),
}
"""Constraints that the models state in words only, by what they say."""


def test_aws_takes_everything_that_is_declared(environment: Rendered) -> None:
    declared = [resource for resource in environment.resources if resource.type.startswith("aws:")]
    assert len(declared) > 20
    refused = {resource.name: lines for resource in declared if (lines := faults(resource.type, resource.inputs))}
    assert refused == {}


@pytest.mark.parametrize(
    ("type_", "inputs", "expected"),
    [
        (
            "aws:ec2/securityGroup:SecurityGroup",
            {"name": "shop", "description": "the cluster's nodes"},
            "CreateSecurityGroup.Description is \"the cluster's nodes\": the documentation says: 'Valid characters",
        ),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"securityGroupId": "sg-0", "description": "nobody's"},
            "UserIdGroupPairs[0].Description is \"nobody's\": the documentation says: 'Allowed characters",
        ),
        ("aws:iam/role:Role", {"name": "r" * 65, "assumeRolePolicy": "{}"}, "CreateRole.RoleName is 'rrr"),
        ("aws:iam/role:Role", {"name": "shop"}, "CreateRole.AssumeRolePolicyDocument is required"),
        (
            "aws:rds/instance:Instance",
            {"identifier": "a--b", "instanceClass": "db.m7g.large", "engine": "postgres"},
            "two consecutive hyphens",
        ),
        (
            "aws:rds/instance:Instance",
            {"identifier": "a", "instanceClass": "x", "engine": "postgres", "databaseInsightsMode": "most"},
            "must be one of ['standard', 'advanced']",
        ),
        (
            "aws:rds/instance:Instance",
            {"identifier": "a", "instanceClass": "x", "engine": "postgres", "monitoringInterval": 7},
            "the documentation says: 'Valid Values: 0 | 1 | 5",
        ),
        ("aws:kms/alias:Alias", {"name": "shop", "targetKeyId": "k"}, "must begin with alias/"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "b", "status": "On"}, "status is no parameter"),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {"bucket": "b", "versioningConfiguration": {"status": "On"}},
            "must be one of ['Enabled', 'Suspended']",
        ),
    ],
)
def test_what_aws_would_refuse_is_found(type_: str, inputs: Inputs, expected: str) -> None:
    assert any(expected in line for line in faults(type_, inputs)), faults(type_, inputs)
