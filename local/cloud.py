"""The stack's AWS resources in a moto server: created through boto3 as the stack declares them.

What is here answers the shop's own calls (backups to S3, secrets, the database's description). A resource
type without an entry in `_CREATORS` exists in AWS only, and `make up` says so.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.images import Image, find
from local.plan import PlannedPod, Resource
from local.problem import Problem
from local.spec import Container, Pod, Probe
from local.state import State
from review.render import UNKNOWN

NAME = "moto"
ADDRESS, PORT = "127.0.0.1", 5566
ENDPOINT = f"http://{ADDRESS}:{PORT}"
_EXISTS = (
    "AlreadyExists",
    "AlreadyOwnedByYou",
    "ResourceExistsException",
    "EntityAlreadyExists",
    "BucketAlreadyExists",
    "Conflict",
)

Client = Any
"""A boto3 client: its methods are made from AWS's service descriptions at run time."""


def pod(state: State, images: Mapping[str, Image]) -> PlannedPod:
    """The moto server as one more pod. What it holds ends with it, and is made anew at the next start."""
    image = find("moto", images, NAME)
    container = Container(
        name="moto",
        argv=("python", "-m", "moto.server", "-H", ADDRESS, "-p", str(PORT)),
        environment={"PATH": image.environment["PATH"], "HOME": "/tmp", "PYTHONUNBUFFERED": "1"},  # noqa: S108
        uid=1000,
        gid=1000,
        mounts=image.mounts,
        readiness=Probe(host=ADDRESS, port=PORT),
    )
    return PlannedPod(
        pod=Pod(
            name=NAME,
            address=ADDRESS,
            containers=(container,),
            grace=5,
            directory=str(state.pod(NAME)),
            logs=str(state.logs / NAME),
        ),
        workload=NAME,
        kind="Cloud",
        ports=(("moto", "aws", PORT),),
    )


def _known(value: Any) -> Any:
    """The value without what only a real cloud knows."""
    if isinstance(value, Mapping):
        return {key: _known(inner) for key, inner in value.items() if inner is not None and inner != UNKNOWN}
    if isinstance(value, list):
        return [_known(inner) for inner in value if inner != UNKNOWN]
    return value


def _tags(inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": str(value)} for key, value in (inputs.get("tags") or {}).items()]


def _bucket(session: "Clients", inputs: Mapping[str, Any]) -> None:
    s3, region = session["s3"], session.region
    name = inputs["bucket"]
    if region == "us-east-1":
        s3.create_bucket(Bucket=name)
    else:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": _tags(inputs)})


def _bucket_versioning(session: "Clients", inputs: Mapping[str, Any]) -> None:
    status = inputs["versioningConfiguration"]["status"]
    session["s3"].put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})


def _bucket_public_access_block(session: "Clients", inputs: Mapping[str, Any]) -> None:
    names = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
    block = {name[0].upper() + name[1:]: bool(inputs.get(name)) for name in names}
    session["s3"].put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=block)


def _secret(session: "Clients", inputs: Mapping[str, Any]) -> None:
    session["secretsmanager"].create_secret(
        Name=inputs["name"], Description=inputs.get("description") or "", SecretString="{}", Tags=_tags(inputs)
    )


def _secret_version(session: "Clients", inputs: Mapping[str, Any]) -> None:
    session["secretsmanager"].put_secret_value(SecretId=inputs["secretId"], SecretString=inputs["secretString"])


def _parameter_group(session: "Clients", inputs: Mapping[str, Any]) -> None:
    rds = session["rds"]
    name = group_name(inputs)
    rds.create_db_parameter_group(
        DBParameterGroupName=name,
        DBParameterGroupFamily=inputs["family"],
        Description=inputs.get("description") or "Managed by Pulumi",
        Tags=_tags(inputs),
    )
    parameters = [
        {
            "ParameterName": each["name"],
            "ParameterValue": str(each["value"]),
            "ApplyMethod": each.get("applyMethod") or "immediate",
        }
        for each in inputs.get("parameters") or []
    ]
    for start in range(0, len(parameters), 20):  # RDS takes 20 in a call
        rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=parameters[start : start + 20])


def group_name(inputs: Mapping[str, Any]) -> str:
    """A parameter group's name here: AWS makes one from a prefix, so the prefix stands for it."""
    return str(inputs.get("name") or inputs["namePrefix"]).rstrip("-")


def _instance(session: "Clients", inputs: Mapping[str, Any]) -> None:
    session["rds"].create_db_instance(
        DBInstanceIdentifier=inputs["identifier"],
        DBInstanceClass=inputs["instanceClass"],
        Engine=inputs["engine"],
        AllocatedStorage=int(inputs.get("allocatedStorage") or 20),
        MasterUsername=inputs["username"],
        MasterUserPassword=inputs.get("password") or "managed-by-rds",
        DBName=inputs.get("dbName") or "postgres",
        Tags=_tags(inputs),
        **({"DBParameterGroupName": inputs["parameterGroupName"]} if inputs.get("parameterGroupName") else {}),
    )


def _log_group(session: "Clients", inputs: Mapping[str, Any]) -> None:
    session["logs"].create_log_group(logGroupName=inputs["name"])
    if inputs.get("retentionInDays"):
        session["logs"].put_retention_policy(
            logGroupName=inputs["name"], retentionInDays=int(inputs["retentionInDays"])
        )


def _role(session: "Clients", inputs: Mapping[str, Any]) -> None:
    policy = inputs["assumeRolePolicy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    session["iam"].create_role(RoleName=inputs["name"], AssumeRolePolicyDocument=text, Tags=_tags(inputs))


_CREATORS: Mapping[str, Callable[["Clients", Mapping[str, Any]], None]] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketV2:BucketV2": _bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_versioning,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_public_access_block,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:rds/parameterGroup:ParameterGroup": _parameter_group,
    "aws:rds/instance:Instance": _instance,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:iam/role:Role": _role,
}


class Clients:
    """boto3 clients of the stand-in, by service."""

    def __init__(self, region: str, endpoint: str = ENDPOINT) -> None:
        self.region = region
        self._endpoint = endpoint
        self._clients: dict[str, Client] = {}

    def __getitem__(self, service: str) -> Client:
        if service not in self._clients:
            self._clients[service] = boto3.client(  # pyright: ignore[reportCallIssue, reportUnknownMemberType]
                service,  # pyright: ignore[reportArgumentType]
                endpoint_url=self._endpoint,
                region_name=self.region,
                aws_access_key_id="local",
                aws_secret_access_key="local",  # noqa: S106 - moto takes any
                config=Config(retries={"max_attempts": 2}, connect_timeout=2, read_timeout=10),
            )
        return self._clients[service]


def create(resources: Sequence[Resource], clients: Clients) -> tuple[list[str], list[str]]:
    """Create what the stack declares and isn't there yet. Returns the URNs that exist now and the AWS types
    that have no stand-in here.
    """
    there: list[str] = []
    only_in_aws: set[str] = set()
    for resource in resources:
        creator = _CREATORS.get(resource.type)
        if creator is None:
            if resource.type.startswith("aws:"):
                only_in_aws.add(resource.type)
            continue
        try:
            creator(clients, _known(resource.inputs))
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if not any(word in code for word in _EXISTS):
                raise Problem(f"{resource.urn.rpartition('::')[2]} ({resource.type}) at {ENDPOINT}: {error}") from None
        there.append(resource.urn)
    return there, sorted(only_in_aws)


def resolve(kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What AWS would answer about a new resource, for the render: names, ARNs, the database's address."""
    arn = f"arn:aws:{kind.split(':')[1].split('/', maxsplit=1)[0]}:local:000000000000:{name}"
    found: dict[str, Any] = {"arn": arn}
    if kind == "aws:rds/instance:Instance":
        found |= {
            "id": inputs.get("identifier") or name,
            "address": "127.0.0.1",
            "endpoint": "127.0.0.1:5432",
            "port": 5432,
            "resourceId": "db-LOCAL",
        }
    elif kind == "aws:rds/parameterGroup:ParameterGroup":
        found |= {"id": group_name(inputs), "name": group_name(inputs)}
    elif kind.startswith("aws:"):
        own = inputs.get("bucket") or inputs.get("name") or inputs.get("namePrefix") or name
        found |= {"id": own, "name": own}
    else:
        return {}
    return found
