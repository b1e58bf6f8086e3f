"""Which property changes force a resource to be replaced, for the types this program declares.

Only the cloud providers know this exactly, so this is a table of what each provider's source marks as forcing a new
resource. The offline review and the stand-in plugins of the engine tests read the
same table; the real providers have the last word, and whatever isn't in the table is treated as an update.

Sources, by the constant that names them:
  KUBERNETES  pulumi-kubernetes, provider/pkg/provider/diff.go (forceNew table; ConfigMap and Secret data unless the
              provider's enableConfigMapMutable/enableSecretMutable is on or the object is immutable)
  RDS, EC2, S3, IAM, SECRETS, LOGS, KMS
              terraform-provider-aws, internal/service/<service>/*.go, arguments with ForceNew
  CLOUDFLARE  terraform-provider-cloudflare, internal/services/<service>/schema.go, RequiresReplace
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stack.properties import Path, contains, parse_path

KUBERNETES = "pulumi-kubernetes provider/pkg/provider/diff.go"
RDS = "terraform-provider-aws internal/service/rds"
EC2 = "terraform-provider-aws internal/service/ec2"
S3 = "terraform-provider-aws internal/service/s3"
IAM = "terraform-provider-aws internal/service/iam"
SECRETS = "terraform-provider-aws internal/service/secretsmanager"
LOGS = "terraform-provider-aws internal/service/logs"
KMS = "terraform-provider-aws internal/service/kms"
CLOUDFLARE = "terraform-provider-cloudflare internal/services"


@dataclass(frozen=True)
class Forcing:
    """The properties of one type whose change forces a replacement, and where that is written."""

    properties: tuple[str, ...]
    source: str


_KUBERNETES_METADATA = ("metadata.name", "metadata.namespace")

FORCING: Mapping[str, Forcing] = {
    # Kubernetes; metadata.name and metadata.namespace force a replacement of every kind, see `forcing_property`.
    "kubernetes:apps/v1:StatefulSet": Forcing(
        (
            "spec.podManagementPolicy",
            "spec.revisionHistoryLimit",
            "spec.selector",
            "spec.serviceName",
            "spec.volumeClaimTemplates",
        ),
        KUBERNETES,
    ),
    "kubernetes:apps/v1:Deployment": Forcing(("spec.selector",), KUBERNETES),
    "kubernetes:apps/v1:DaemonSet": Forcing(("spec.selector",), KUBERNETES),
    "kubernetes:batch/v1:Job": Forcing(
        ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"), KUBERNETES
    ),
    "kubernetes:core/v1:Service": Forcing(("spec.clusterIP",), KUBERNETES),
    "kubernetes:core/v1:ResourceQuota": Forcing(("spec.scopes",), KUBERNETES),
    "kubernetes:core/v1:PersistentVolumeClaim": Forcing(("spec",), KUBERNETES),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": Forcing(("roleRef",), KUBERNETES),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": Forcing(("roleRef",), KUBERNETES),
    # AWS
    "aws:rds/instance:Instance": Forcing(
        (
            "availabilityZone",
            "backupTarget",
            "characterSetName",
            "customIamInstanceProfile",
            "dbName",
            "engine",
            "kmsKeyId",
            "ncharCharacterSetName",
            "restoreToPointInTime",
            "s3Import",
            "snapshotIdentifier",
            "storageEncrypted",
            "timezone",
            "username",
        ),
        RDS,
    ),
    "aws:rds/parameterGroup:ParameterGroup": Forcing(("name", "namePrefix", "family", "description"), RDS),
    "aws:rds/subnetGroup:SubnetGroup": Forcing(("name", "namePrefix"), RDS),
    "aws:ec2/securityGroup:SecurityGroup": Forcing(("name", "namePrefix", "description", "vpcId"), EC2),
    "aws:ec2/securityGroupRule:SecurityGroupRule": Forcing(
        (
            "cidrBlocks",
            "fromPort",
            "ipv6CidrBlocks",
            "prefixListIds",
            "protocol",
            "securityGroupId",
            "self",
            "sourceSecurityGroupId",
            "toPort",
            "type",
        ),
        EC2,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Forcing(("securityGroupId",), EC2),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Forcing(("securityGroupId",), EC2),
    "aws:s3/bucket:Bucket": Forcing(("bucket", "bucketPrefix", "objectLockEnabled"), S3),
    "aws:s3/bucketVersioning:BucketVersioning": Forcing(("bucket", "expectedBucketOwner"), S3),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Forcing(
        ("bucket", "expectedBucketOwner"), S3
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Forcing(("bucket", "expectedBucketOwner"), S3),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Forcing(("bucket",), S3),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Forcing(("bucket",), S3),
    "aws:s3/bucketPolicy:BucketPolicy": Forcing(("bucket",), S3),
    "aws:iam/role:Role": Forcing(("name", "namePrefix", "path"), IAM),
    "aws:iam/policy:Policy": Forcing(("name", "namePrefix", "path", "description"), IAM),
    "aws:iam/rolePolicy:RolePolicy": Forcing(("name", "namePrefix", "role"), IAM),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Forcing(("role", "policyArn"), IAM),
    "aws:secretsmanager/secret:Secret": Forcing(("name", "namePrefix"), SECRETS),
    "aws:secretsmanager/secretVersion:SecretVersion": Forcing(("secretId", "secretString", "secretBinary"), SECRETS),
    "aws:cloudwatch/logGroup:LogGroup": Forcing(("name", "namePrefix", "logGroupClass"), LOGS),
    "aws:kms/key:Key": Forcing(("customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion"), KMS),
    "aws:kms/alias:Alias": Forcing(("name", "namePrefix"), KMS),
    # Cloudflare
    "cloudflare:index/ruleset:Ruleset": Forcing(("accountId", "zoneId", "kind", "phase"), CLOUDFLARE),
    "cloudflare:index/zoneSetting:ZoneSetting": Forcing(("zoneId", "settingId"), CLOUDFLARE),
    "cloudflare:index/dnsRecord:DnsRecord": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/tieredCache:TieredCache": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/argoSmartRouting:ArgoSmartRouting": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/argoTieredCaching:ArgoTieredCaching": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": Forcing(
        ("zoneId",), CLOUDFLARE
    ),
    "cloudflare:index/regionalTieredCache:RegionalTieredCache": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/zoneCacheVariants:ZoneCacheVariants": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/zoneCacheReserve:ZoneCacheReserve": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/regionalHostname:RegionalHostname": Forcing(("zoneId", "hostname"), CLOUDFLARE),
    "cloudflare:index/logpushJob:LogpushJob": Forcing(("accountId", "zoneId", "dataset"), CLOUDFLARE),
    "cloudflare:index/loadBalancer:LoadBalancer": Forcing(("zoneId",), CLOUDFLARE),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": Forcing(("accountId",), CLOUDFLARE),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": Forcing(("accountId",), CLOUDFLARE),
    "cloudflare:index/notificationPolicy:NotificationPolicy": Forcing(("accountId",), CLOUDFLARE),
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": Forcing(
        ("zoneId", "certificate", "privateKey"), CLOUDFLARE
    ),
    "cloudflare:index/originCaCertificate:OriginCaCertificate": Forcing(
        ("csr", "hostnames", "requestType", "requestedValidity"), CLOUDFLARE
    ),
}

_MUTABLE_BY_PROVIDER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kubernetes:core/v1:ConfigMap": ("enableConfigMapMutable", ("data", "binaryData")),
    "kubernetes:core/v1:Secret": ("enableSecretMutable", ("data", "stringData", "type")),
}
"""Types whose contents are replaced unless the provider (this setting) says that they may change in place."""

_NAMES = ("bucket", "identifier", "name")
"""Properties that name an AWS or Cloudflare resource; two of one name can't exist beside each other."""


def forcing_property(type_: str, path: Path, inputs: Mapping[str, Any], provider: Mapping[str, Any]) -> str | None:
    """The property of the table that this changed path belongs to, or None when the change is an update.

    `inputs` are the resource's new inputs, `provider` those of its provider resource ({} for a default provider).
    """
    candidates = FORCING[type_].properties if type_ in FORCING else ()
    if type_.startswith("kubernetes:"):
        candidates += _KUBERNETES_METADATA
    if type_ in _MUTABLE_BY_PROVIDER:
        switch, contents = _MUTABLE_BY_PROVIDER[type_]
        if not _is_true(provider.get(switch)) or inputs.get("immutable") is True:
            candidates += contents
    return next((candidate for candidate in candidates if contains(parse_path(candidate), path)), None)


def _is_true(value: Any) -> bool:
    """Provider inputs travel as JSON text ("true"), as the engine sends them."""
    return value is True or value == "true"


def source_of(type_: str) -> str:
    """The source that says which of the type's properties force a replacement."""
    if type_ in FORCING:
        return FORCING[type_].source
    return KUBERNETES if type_.startswith("kubernetes:") else "not in the table"


def is_known(type_: str) -> bool:
    """Whether the table has the type; for others only the engine knows what a change does."""
    return type_ in FORCING or type_.startswith("kubernetes:")


def deleted_first(type_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a replacement deletes the old resource before it creates the new one, which means downtime.

    It does when the program fixes the name, as two resources can't share it. The Kubernetes provider looks whether the
    name stays the same; bridged ones don't (pulumi-terraform-bridge, pkg/tfbridge/schema.go).
    """
    name = fixed_name(type_, new)
    return name is not None and (not type_.startswith("kubernetes:") or name == fixed_name(type_, old))


def is_autonamed(type_: str, inputs: Mapping[str, Any]) -> bool:
    """Whether the provider has made up the name that the engine shows among a resource's inputs.

    Bridged providers list it in `__defaults`; the Kubernetes provider says so in an annotation.
    """
    if type_.startswith("kubernetes:"):
        metadata: Mapping[str, Any] = inputs.get("metadata") or {}
        return (metadata.get("annotations") or {}).get("pulumi.com/autonamed") == "true"
    return any(name in (inputs.get("__defaults") or ()) for name in _NAMES)


def fixed_name(type_: str, inputs: Mapping[str, Any]) -> tuple[str, ...] | None:
    """A resource's name in the cloud or cluster, if the program sets it."""
    if type_.startswith("kubernetes:"):
        metadata: Mapping[str, Any] = inputs.get("metadata") or {}
        return (str(metadata.get("namespace", "")), str(metadata["name"])) if "name" in metadata else None
    return next(((str(inputs[name]),) for name in _NAMES if name in inputs), None)
