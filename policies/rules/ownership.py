"""Who owns a resource, and that what holds data is protected."""

from collections.abc import Mapping

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource

STATEFUL = (
    "rds/instance:Instance",
    "s3/bucket:Bucket",
    "kms/key:Key",
    "secretsmanager/secret:Secret",
    "core/v1:PersistentVolumeClaim",
    "core/v1:Namespace",
)
"""Types whose loss is a loss of data, or of all that is in them."""

_TAGGED = (
    "cloudwatch/logGroup:LogGroup",
    "ec2/securityGroup:SecurityGroup",
    "iam/policy:Policy",
    "iam/role:Role",
    "kms/key:Key",
    "rds/instance:Instance",
    "rds/parameterGroup:ParameterGroup",
    "rds/subnetGroup:SubnetGroup",
    "s3/bucket:Bucket",
    "secretsmanager/secret:Secret",
)


def _is_replica(resource: Resource) -> bool:
    return "replicateSourceDb" in resource.inputs


@rule(
    "stateful-protected",
    severity=Severity.CRITICAL,
    protects="A renamed component or a typing error would delete the data at the next `pulumi up`.",
    fix="Declare it with pulumi.ResourceOptions(protect=True).",
    link="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    types=(*STATEFUL, ":StatefulSet"),
    parameters={"disposable": ["gateway", "prometheus", "alertmanager", "grafana"]},
)
def stateful_protected(resource: Resource, parameters: Parameters) -> Findings:
    """What holds data can't be deleted by an update; `disposable` systems can be rebuilt from nothing."""
    if resource.protect or _is_replica(resource):
        return
    if resource.kind == "StatefulSet" and resource.system in parameters["disposable"]:
        return
    yield Finding("it isn't protected", resource)


@rule(
    "aws-tags",
    severity=Severity.LOW,
    protects="Nobody knows what a resource costs or whom to ask about it.",
    fix="Use Platform.tags.",
    link="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
    types=_TAGGED,
    parameters={"required": ["project", "environment", "component", "owner"]},
)
def tags(resource: Resource, parameters: Parameters) -> Findings:
    """AWS resources carry the required tags."""
    present: Mapping[str, str] = resource.get("tags") or {}
    missing = [name for name in parameters["required"] if not present.get(name)]
    if missing:
        yield Finding(f"tags are missing: {', '.join(missing)}", resource)


@rule(
    "kubernetes-labels",
    severity=Severity.LOW,
    protects="Selectors, dashboards and NetworkPolicies miss what isn't labelled.",
    fix="Use the metadata of components.kubernetes.scope.",
    link="https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
    types=(":Deployment", ":StatefulSet", ":CronJob", ":Job", ":Service", ":ConfigMap", "core/v1:Secret"),
    parameters={"required": ["name", "component", "part-of", "managed-by", "instance"]},
)
def labels(resource: Resource, parameters: Parameters) -> Findings:
    """Kubernetes objects carry the recommended labels."""
    missing = [name for name in parameters["required"] if f"app.kubernetes.io/{name}" not in resource.labels]
    if missing:
        yield Finding(f"labels are missing: {', '.join(missing)}", resource)
