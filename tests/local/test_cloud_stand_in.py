"""The AWS part, applied: every declared resource is created through boto3, and AWS's stand-in tells it back."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from local import cloud
from local.cloud import rds, s3
from local.cloud.account import Account
from local.problem import Problem
from stack.render import Rendered, render

Told = Callable[[Account, Mapping[str, Any]], Mapping[str, Any]]


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _bucket(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    client, name = account["s3"], inputs["bucket"]
    assert name in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    assert client.get_bucket_location(Bucket=name)["LocationConstraint"] == account.region
    return {"bucket": name, "tags": _tags(client.get_bucket_tagging(Bucket=name)["TagSet"])}


def _versioning(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    status = account["s3"].get_bucket_versioning(Bucket=inputs["bucket"])["Status"]
    return {"bucket": inputs["bucket"], "versioningConfiguration": {"status": status}}


def _public_access(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    block = account["s3"].get_public_access_block(Bucket=inputs["bucket"])["PublicAccessBlockConfiguration"]
    return {"bucket": inputs["bucket"], **_small(block)}


def _ownership(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = account["s3"].get_bucket_ownership_controls(Bucket=inputs["bucket"])["OwnershipControls"]["Rules"]
    return {"bucket": inputs["bucket"], "rule": _small(rules[0])}


def _encryption(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account["s3"].get_bucket_encryption(Bucket=inputs["bucket"])["ServerSideEncryptionConfiguration"]
    rules: list[Mapping[str, Any]] = []
    for rule in found["Rules"]:
        default = rule["ApplyServerSideEncryptionByDefault"]
        by_default = {"sseAlgorithm": default["SSEAlgorithm"], "kmsMasterKeyId": default["KMSMasterKeyID"]}
        rules.append({"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": rule["BucketKeyEnabled"]})
    return {"bucket": inputs["bucket"], "rules": rules}


def _lifecycle(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = account["s3"].get_bucket_lifecycle_configuration(Bucket=inputs["bucket"])["Rules"]
    told = [{("id" if key == "ID" else _small_name(key)): _small(value) for key, value in r.items()} for r in rules]
    return {"bucket": inputs["bucket"], "rules": told}


def _bucket_policy(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    account["s3"].head_bucket(Bucket=inputs["bucket"])
    return {"bucket": inputs["bucket"]}


def _security_group(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    (group,) = account["ec2"].describe_security_groups(Filters=[{"Name": "group-name", "Values": [inputs["name"]]}])[
        "SecurityGroups"
    ]
    return {
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "tags": _tags(group["Tags"]),
    }


def _ingress(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account["ec2"].describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
    )["SecurityGroupRules"]
    (rule,) = [rule for rule in found if not rule["IsEgress"]]
    (group,) = account["ec2"].describe_security_groups(GroupIds=[inputs["securityGroupId"]])["SecurityGroups"]
    (pair,) = group["IpPermissions"][0]["UserIdGroupPairs"]
    return {
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": rule["FromPort"],
        "toPort": rule["ToPort"],
        "description": pair["Description"],
        "referencedSecurityGroupId": rule["ReferencedGroupInfo"]["GroupId"],
        "tags": _tags(rule["Tags"]),
    }


def _parameter_group(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    client, name = account["rds"], rds.group_name(inputs)
    (group,) = client.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"]
    pages = client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name)
    parameters = [parameter for page in pages for parameter in page["Parameters"]]
    return {
        "namePrefix": group["DBParameterGroupName"] + "-",
        "family": group["DBParameterGroupFamily"],
        "description": group["Description"],
        "tags": _tags(client.list_tags_for_resource(ResourceName=group["DBParameterGroupArn"])["TagList"]),
        "parameters": sorted(
            (
                {"name": p["ParameterName"], "value": p["ParameterValue"], "applyMethod": p["ApplyMethod"]}
                for p in parameters
            ),
            key=lambda parameter: parameter["name"],
        ),
    }


def _subnet_group(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    client = account["rds"]
    (group,) = client.describe_db_subnet_groups(DBSubnetGroupName=inputs["name"])["DBSubnetGroups"]
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]}
    assert len(zones) >= 2
    return {
        "name": group["DBSubnetGroupName"],
        "description": group["DBSubnetGroupDescription"],
        "subnetIds": [subnet["SubnetIdentifier"] for subnet in group["Subnets"]],
        "tags": _tags(client.list_tags_for_resource(ResourceName=group["DBSubnetGroupArn"])["TagList"]),
    }


def _instance(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    (found,) = account["rds"].describe_db_instances(DBInstanceIdentifier=inputs["identifier"])["DBInstances"]
    elsewhere = {
        "dbSubnetGroupName": found["DBSubnetGroup"]["DBSubnetGroupName"],
        "enabledCloudwatchLogsExports": found["EnabledCloudwatchLogsExports"],
        "iamDatabaseAuthenticationEnabled": found["IAMDatabaseAuthenticationEnabled"],
        "parameterGroupName": found["DBParameterGroups"][0]["DBParameterGroupName"],
        "port": found["DbInstancePort"],
        "vpcSecurityGroupIds": [group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]],
        "tags": _tags(found["TagList"]),
    }
    same_name = {
        name: found[api] for name, api in rds.INSTANCE_PROPERTIES.items() if api in found and name not in elsewhere
    }
    return same_name | elsewhere


def _log_group(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    client = account["logs"]
    (group,) = client.describe_log_groups(logGroupNamePrefix=inputs["name"])["logGroups"]
    return {
        "name": group["logGroupName"],
        "retentionInDays": group["retentionInDays"],
        "kmsKeyId": group["kmsKeyId"],
        "tags": client.list_tags_log_group(logGroupName=inputs["name"])["tags"],
    }


def _role(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    role = account["iam"].get_role(RoleName=inputs["name"])["Role"]
    return {
        "name": role["RoleName"],
        "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
        "tags": _tags(role["Tags"]),
    }


def _role_policy(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account["iam"].get_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"])
    return {
        "role": found["RoleName"],
        "name": found["PolicyName"],
        "policy": json.dumps(found["PolicyDocument"]),
    }


def _attachment(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    attached = account["iam"].list_attached_role_policies(RoleName=inputs["role"])["AttachedPolicies"]
    return {"role": inputs["role"], "policyArn": attached[0]["PolicyArn"]}


def _key(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    client = account["kms"]
    keys = [client.describe_key(KeyId=listed["KeyId"])["KeyMetadata"] for listed in client.list_keys()["Keys"]]
    (found,) = [key for key in keys if key["Description"] == inputs["description"]]
    identity = {"KeyId": found["KeyId"]}
    return {
        "description": found["Description"],
        "enableKeyRotation": client.get_key_rotation_status(**identity)["KeyRotationEnabled"],
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in client.list_resource_tags(**identity)["Tags"]},
        **({"policy": client.get_key_policy(**identity, PolicyName="default")["Policy"]} if "policy" in inputs else {}),
    }


def _alias(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    (found,) = [a for a in account["kms"].list_aliases()["Aliases"] if a["AliasName"] == inputs["name"]]
    return {"name": found["AliasName"], "targetKeyId": found["TargetKeyId"]}


def _secret(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account["secretsmanager"].describe_secret(SecretId=inputs["name"])
    return {
        "name": found["Name"],
        "description": found["Description"],
        "kmsKeyId": found["KmsKeyId"],
        "tags": _tags(found["Tags"]),
    }


def _secret_version(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account["secretsmanager"].get_secret_value(SecretId=inputs["secretId"])
    return {"secretId": found["Name"], "secretString": found["SecretString"]}


TOLD: Mapping[str, Told] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _versioning,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _public_access,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _ownership,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _encryption,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _lifecycle,
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress,
    "aws:rds/parameterGroup:ParameterGroup": _parameter_group,
    "aws:rds/subnetGroup:SubnetGroup": _subnet_group,
    "aws:rds/instance:Instance": _instance,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
}

# Properties that are told to AWS at the deletion, or that the stand-in takes and doesn't tell back.
NOT_TOLD: Mapping[str, frozenset[str]] = {
    # Taken off again: the stand-in reads no conditions.
    "aws:s3/bucketPolicy:BucketPolicy": frozenset({"policy"}),
    "aws:rds/instance:Instance": rds.LATER - {"tags"}
    | {
        "password",
        "databaseInsightsMode",
        "performanceInsightsEnabled",
        "performanceInsightsKmsKeyId",
        "performanceInsightsRetentionPeriod",
    },
    "aws:kms/key:Key": frozenset({"deletionWindowInDays"}),
    "aws:secretsmanager/secret:Secret": frozenset({"recoveryWindowInDays"}),
}


def _small_name(name: str) -> str:
    return name[0].lower() + name[1:]


def _small(values: Any) -> Any:
    return {_small_name(key): value for key, value in values.items()} if isinstance(values, Mapping) else values


def _comparable(name: str, value: Any) -> Any:
    return json.loads(value) if "olicy" in name and str(value).startswith("{") else value


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            yield Account("eu-central-1", "http://{}:{}".format(*server.get_host_and_port()))
        finally:
            server.stop()


@pytest.fixture(scope="module")
def declared() -> Rendered:
    """Production, with what AWS would answer about new resources."""
    return render("prod", resolve=cloud.resolve)


@pytest.fixture(scope="module")
def applied(account: Account, declared: Rendered) -> Account:
    """The account once production is in it."""
    there, only_in_aws = cloud.create(declared.resources, account)
    assert only_in_aws == []
    assert set(there) == {resource.urn for resource in declared.resources if resource.type.startswith("aws:")}
    return account


def test_every_declared_aws_resource_is_told_back_as_declared(applied: Account, declared: Rendered) -> None:
    ours = [resource for resource in declared.resources if resource.type.startswith("aws:")]
    assert {resource.type for resource in ours} == TOLD.keys()
    for resource in ours:
        inputs = applied.real(resource.inputs)
        told = TOLD[resource.type](applied, inputs)
        silent = NOT_TOLD.get(resource.type, frozenset())
        assert inputs.keys() - silent == told.keys(), resource.name
        for name, value in told.items():
            assert _comparable(name, value) == _comparable(name, inputs[name]), (resource.name, name)


def test_nothing_refers_to_a_made_up_name(applied: Account, declared: Rendered) -> None:
    ours = [applied.real(r.inputs) for r in declared.resources if r.type.startswith("aws:")]
    assert "named-by-aws" in json.dumps([dict(r.inputs) for r in declared.resources])
    assert "named-by-aws" not in json.dumps(ours)
    assert ":local:" not in json.dumps(ours)


def test_a_second_run_makes_nothing_anew(applied: Account, declared: Rendered) -> None:
    def counted() -> tuple[int, int]:
        groups = applied["ec2"].describe_security_groups()["SecurityGroups"]
        return len(applied["kms"].list_keys()["Keys"]), len(groups)

    before = counted()
    cloud.create(declared.resources, Account(applied.region, applied.endpoint))
    assert counted() == before


def test_what_aws_refuses_is_one_message_that_names_the_resource(account: Account, declared: Rendered) -> None:
    policy = next(resource for resource in declared.resources if resource.type.endswith("BucketPolicy"))
    misplaced = dataclasses.replace(policy, inputs={**policy.inputs, "bucket": "nobody-has-this-bucket"})
    with pytest.raises(Problem, match=r"redis-backups-policy \(aws:s3/bucketPolicy:BucketPolicy\) at .*NoSuchBucket"):
        cloud.create([misplaced], Account("eu-central-1", account.endpoint))


@pytest.mark.full
def test_a_read_replica_is_made_of_its_source(account: Account) -> None:
    replicated = render("prod", config={"simone:postgres": {"replica": True}}, resolve=cloud.resolve)
    other = Account("eu-west-1", account.endpoint)
    cloud.create(replicated.resources, other)
    (found,) = other["rds"].describe_db_instances(DBInstanceIdentifier="simone-prod-postgres-replica")["DBInstances"]
    assert found["ReadReplicaSourceDBInstanceIdentifier"] == "simone-prod-postgres"


def test_backups_can_be_written_and_read_here_although_plain_http_is_refused_in_aws(
    applied: Account, declared: Rendered
) -> None:
    (policy,) = [resource for resource in declared.resources if resource.type.endswith("BucketPolicy")]
    assert "aws:SecureTransport" in policy.inputs["policy"]
    bucket = policy.inputs["bucket"]
    applied["s3"].put_object(Bucket=bucket, Key="redis/data/one.rdb", Body=b"content")
    assert applied["s3"].get_object(Bucket=bucket, Key="redis/data/one.rdb")["Body"].read() == b"content"


def test_public_access_is_blocked_in_all_four_ways(applied: Account, declared: Rendered) -> None:
    (bucket,) = [resource for resource in declared.resources if resource.type == "aws:s3/bucket:Bucket"]
    block = applied["s3"].get_public_access_block(Bucket=bucket.inputs["bucket"])["PublicAccessBlockConfiguration"]
    assert block == {s3.capital(name): True for name in s3.PUBLIC_ACCESS}
