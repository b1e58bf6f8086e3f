"""Types that no rule judges, and rules for resources of every type."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from policies.rule import Finding, Findings, Level, Parameters, Rule, Severity, rule
from policies.rules import alerting, aws, edge, gateway, kubernetes, monitoring, ownership, pgbouncer, postgres, redis
from stack.properties import format_path
from stack.resource import Resource, Stack
from stack.sensitive import secrets_in
from stack.values import UNKNOWN

_STACK_WIDE: Final = frozenset(
    {
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings",
        "cloudflare:index/dnsRecord:DnsRecord",
        "cloudflare:index/loadBalancer:LoadBalancer",
        "cloudflare:index/record:Record",
        "cloudflare:index/zoneSetting:ZoneSetting",
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "kubernetes:core/v1:ConfigMap",
        "kubernetes:core/v1:ResourceQuota",
        "kubernetes:core/v1:Secret",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:policy/v1:PodDisruptionBudget",
    }
)
"""Types that rules over the whole stack judge."""
NEED_NONE: Final[Mapping[str, str]] = {
    "aws:kms/alias:Alias": "a name for a key, which is judged",
    "aws:rds/subnetGroup:SubnetGroup": "its subnets are given by a setting; whether the database uses it is judged",
    "aws:secretsmanager/secretVersion:SecretVersion": "the secret's value; who may read it is judged on the secret",
    "cloudflare:index/argoTieredCaching:ArgoTieredCaching": "which tier the edge asks first; opens nothing",
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": "shown to the gateway, "
    "which judges it; a wrong one is refused there",
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": "checks the origins' health; opens nothing",
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": "the origins' public names, given by a setting",
    "cloudflare:index/notificationPolicy:NotificationPolicy": "mails; opens nothing",
    "cloudflare:index/regionalTieredCache:RegionalTieredCache": "which tier the edge asks first; opens nothing",
    "cloudflare:index/tieredCache:TieredCache": "which tier the edge asks first; opens nothing",
    "cloudflare:index/zoneCacheVariants:ZoneCacheVariants": "image formats with copies of their own; opens nothing",
    "pulumi:providers:aws": "whose account it is; the review compares its settings",
    "pulumi:providers:cloudflare": "whose account it is; the review compares its settings",
    "pulumi:providers:kubernetes": "which cluster it is; the review compares its settings",
    "pulumi:pulumi:Stack": "the stack itself; its exports are judged",
}
"""Types that no rule has to judge, with the reason."""
_NOT_LOOKED_INTO: Final = (":Chart", ":Release", ":ConfigFile", ":ConfigGroup", ":Directory", ":CustomResource")
_EVERYWHERE: Final = frozenset({"aws-tags", "kubernetes-labels"})
"""Rules that say nothing about what a resource does."""


@cache
def _rules() -> tuple[Rule, ...]:
    modules = (alerting, aws, edge, gateway, kubernetes, monitoring, ownership, pgbouncer, postgres, redis)
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Rule))


def is_judged(type_: str) -> bool:
    """Whether a rule judges resources of this type, or none has to."""
    if type_ in _STACK_WIDE or type_ in NEED_NONE:
        return True
    if type_.partition(":")[0] not in ("aws", "cloudflare", "kubernetes"):
        return False
    return any(one.applies_to(type_) for one in _rules() if one.id not in _EVERYWHERE)


@rule(
    "types-are-judged",
    severity=Severity.MEDIUM,
    level=Level.ADVISORY,
    protects="What no rule judges may open, delete or cost anything, and the report would be green.",
    fix="Write a rule for the type, or list it with a reason in NEED_NONE of policies/rules/coverage.py.",
    link="https://www.pulumi.com/docs/iac/concepts/resources/",
)
def types_are_judged(stack: Stack, _: Parameters) -> Findings:
    """Some rule judges each resource type."""
    for resource in stack.resources:
        if resource.type.startswith("simone:"):
            continue  # a component: what is in it is judged
        if resource.type.endswith(_NOT_LOOKED_INTO):
            yield Finding(f"it is a {resource.type}: its contents can't be judged", resource)
        elif not is_judged(resource.type):
            inputs = ", ".join(resource.inputs) or "none"
            yield Finding(f"no rule judges the type {resource.type} yet; its inputs: {inputs}", resource)


_SECRETS_BELONG_HERE: Final[Mapping[str, frozenset[str]]] = {
    "kubernetes:core/v1:Secret": frozenset({"data", "stringData"}),
    "aws:secretsmanager/secretVersion:SecretVersion": frozenset({"secretString", "secretBinary"}),
    "aws:rds/instance:Instance": frozenset({"password"}),
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": frozenset(
        {"privateKey"}
    ),
}
"""Properties whose values are secrets by nature. The engine hands them to the policies without the mark."""


@rule(
    "no-plain-secrets",
    severity=Severity.CRITICAL,
    protects="Whoever sees the resource's console or the stack's outputs could read it.",
    fix="Put it into Secrets Manager or a Kubernetes Secret; mark an export with pulumi.Output.secret.",
    link="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def no_plain_secrets(stack: Stack, _: Parameters) -> Findings:
    """No resource and no export holds a secret in plain text."""
    for resource in stack.resources:
        if resource.is_workload or resource.type == "kubernetes:core/v1:ConfigMap":
            continue  # kubernetes-no-plain-secrets reports these
        for path, kind in _plain_secrets(resource):
            yield Finding(f"{path} holds a secret: {kind}", resource)
    for name, value in stack.exports.items():
        for path, kind in secrets_in({name: value}):
            text = format_path(path)
            if not any(text.startswith(marked) for marked in stack.secret_exports):
                yield Finding(f"the export {text} holds a secret: {kind}")


def _plain_secrets(resource: Resource) -> Iterator[tuple[str, str]]:
    allowed = _SECRETS_BELONG_HERE.get(resource.type, frozenset())
    for path, kind in secrets_in(dict(resource.inputs)):
        text = format_path(path)
        if path[0] not in allowed and not any(text.startswith(marked) for marked in resource.secret_paths):
            yield text, kind


_NAMED_BY: Final = ("bucket", "identifier", "name")
_NAMED_WITHIN: Final = ("role", "user", "group", "cluster")
"""The properties that name a resource in an account, and those within whose resource a name is unique (a role's
policies).
"""


@rule(
    "names-are-unique",
    severity=Severity.HIGH,
    protects="They overwrite each other, or an update stops halfway.",
    fix="Give one of them another name.",
    link="https://www.pulumi.com/docs/iac/concepts/resources/names/",
)
def names_are_unique(stack: Stack, _: Parameters) -> Findings:
    """No two resources share a URN, or a name in the cluster or the account."""
    seen: dict[tuple[object, ...], Resource] = {}
    for resource in stack.resources:
        if not resource.custom:
            continue
        places: list[tuple[object, ...]] = [("the URN", resource.urn)]
        if resource.type.startswith("kubernetes:") and isinstance(resource.inputs.get("metadata"), Mapping):
            metadata = resource.inputs["metadata"]
            group = resource.type.split(":")[1].split("/")[0]
            if name := metadata.get("name"):
                places.append(("the object", group, resource.kind, metadata.get("namespace"), name))
        elif not resource.type.startswith("pulumi:"):
            named = next((str(resource.inputs[key]) for key in _NAMED_BY if resource.inputs.get(key)), "")
            parent = next((str(resource.inputs[key]) for key in _NAMED_WITHIN if resource.inputs.get(key)), "")
            if named and UNKNOWN not in named and not resource.type.startswith("cloudflare:"):
                places.append(("the name", resource.type, parent, named))
        for place in places:
            if place in seen:
                where = " ".join(str(part) for part in place if part)
                yield Finding(f"{where} is {seen[place].name}'s already", resource)
            seen[place] = resource
