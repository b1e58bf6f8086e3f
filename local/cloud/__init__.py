"""The stack's AWS resources in a moto server: created through boto3 as the stack declares them.

They serve the shop's own calls (backups to S3, secrets, the database's description), and requests whose form AWS would
refuse are refused here. A resource type without an entry in `_CREATORS` exists in AWS only, and `make up` says so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.cloud import access, ec2, rds, s3
from local.cloud.account import ADDRESS, ENDPOINT, PORT, Account
from local.images import Image, find
from local.plan import PlannedPod, of_this_machine
from local.problem import Problem
from local.spec import Container, Probe
from local.state import State
from stack import stand_in_outputs
from stack.resource import Resource

__all__ = ["ADDRESS", "ENDPOINT", "NAME", "PORT", "Account", "create", "pod", "resolve"]

NAME = "moto"
_EXISTS = (
    "AlreadyExists",
    "AlreadyOwnedByYou",
    "ResourceExistsException",
    "EntityAlreadyExists",
    "BucketAlreadyExists",
    "Conflict",
    "Duplicate",
)

Creator = Callable[[Account, Mapping[str, Any]], None]
Names = Callable[[Account, Mapping[str, Any]], Mapping[str, str] | None]

_CREATORS: Mapping[str, Creator] = {
    "aws:s3/bucket:Bucket": s3.bucket,
    "aws:s3/bucketVersioning:BucketVersioning": s3.versioning,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": s3.public_access_block,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": s3.ownership,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": s3.encryption,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": s3.lifecycle,
    "aws:s3/bucketPolicy:BucketPolicy": s3.policy,
    "aws:ec2/securityGroup:SecurityGroup": ec2.security_group,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ec2.ingress_rule,
    "aws:rds/parameterGroup:ParameterGroup": rds.parameter_group,
    "aws:rds/subnetGroup:SubnetGroup": rds.subnet_group,
    "aws:rds/instance:Instance": rds.instance,
    "aws:cloudwatch/logGroup:LogGroup": rds.log_group,
    "aws:iam/role:Role": access.role,
    "aws:iam/rolePolicy:RolePolicy": access.role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": access.role_policy_attachment,
    "aws:kms/key:Key": access.key,
    "aws:kms/alias:Alias": access.alias,
    "aws:secretsmanager/secret:Secret": access.secret,
    "aws:secretsmanager/secretVersion:SecretVersion": access.secret_version,
}

_NAMED_BY_AWS: Mapping[str, Names] = {
    "aws:ec2/securityGroup:SecurityGroup": ec2.security_group_names,
    "aws:iam/role:Role": access.role_names,
    "aws:kms/key:Key": access.key_names,
    "aws:rds/instance:Instance": rds.instance_names,
}
"""The names that AWS gives and others refer to, by output."""


def pod(state: State, images: Mapping[str, Image]) -> PlannedPod:
    """The moto server as one more pod. Its contents end with it, and are created again at the next start."""
    image = find("moto", images, NAME)
    container = Container(
        name="moto",
        argv=("python", "-m", "moto.server", "-H", ADDRESS, "-p", str(PORT)),
        environment={
            "PATH": image.environment["PATH"],
            "HOME": "/tmp",  # noqa: S108 (the pod's own)
            "PYTHONUNBUFFERED": "1",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        },
        uid=1000,
        gid=1000,
        mounts=image.mounts,
        readiness=Probe(host=ADDRESS, port=PORT),
    )
    return of_this_machine(NAME, ADDRESS, container, state, kind="Cloud", ports=(("moto", "aws", PORT),))


def create(resources: Sequence[Resource], account: Account) -> tuple[list[str], list[str]]:
    """Create what the stack declares and the account lacks. Returns the URNs that exist now and the AWS types that
    don't.
    """
    there: list[str] = []
    only_in_aws: set[str] = set()
    ec2.given(account, resources)
    for resource in resources:
        creator = _CREATORS.get(resource.type)
        if creator is None:
            if resource.type.startswith("aws:"):
                only_in_aws.add(resource.type)
            continue
        try:
            _create(account, resource, creator)
        except ClientError as error:
            raise Problem(
                f"{resource.urn.rpartition('::')[2]} ({resource.type}) at {account.endpoint}: {error}"
            ) from None
        there.append(resource.urn)
    return there, sorted(only_in_aws)


def _create(account: Account, resource: Resource, creator: Creator) -> None:
    inputs = account.real(resource.inputs)
    names = _NAMED_BY_AWS.get(resource.type)
    if names is None or names(account, inputs) is None:
        try:
            creator(account, inputs)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if not any(word in code for word in _EXISTS):
                raise
    if names is not None:
        declared = resolve(resource.type, resource.urn.rpartition("::")[2], resource.inputs)
        found = names(account, inputs) or {}
        account.names |= {str(declared[output]): real for output, real in found.items()}


def resolve(kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The outputs that AWS would give a new resource, for the render: names, ARNs, and where the database listens
    here.
    """
    if not kind.startswith("aws:"):
        return {}
    here = {"address": "127.0.0.1", "endpoint": "127.0.0.1:5432"} if kind == "aws:rds/instance:Instance" else {}
    return {**stand_in_outputs.outputs(kind, name, inputs), **here}
