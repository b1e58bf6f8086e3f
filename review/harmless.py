"""Changes in place that are known to be harmless; the report says of all others that nobody has judged them.

A change is on the list because it restarts, opens, closes and removes nothing, or because policies judge the new value
whatever the old one was.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from policies.rules.coverage import is_judged
from review.options import is_ignored
from review.widening import widened
from review.widening.aws import same_meaning
from stack.configuration_texts import kubernetes_bytes, yaml_document
from stack.listing import few
from stack.properties import Path, PropertyChange, changes, contains, format_path, parse_path
from stack.resource import Resource, dig
from stack.values import UNKNOWN

Test = Callable[[Any, Any], bool]
"""Whether a change from the first value to the second is harmless; None is no value."""


def _any(_old: Any, _new: Any) -> bool:
    return True


def _grows(old: Any, new: Any) -> bool:
    numbers = (old, new)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers) and new >= old


def _grows_a_little(old: Any, new: Any) -> bool:
    """At most doubled: whatever costs more, or can't be reverted, needs a person's decision."""
    return _grows(old, new) and new <= 2 * old


def _between(low: int, high: int) -> Test:
    return lambda _old, new: isinstance(new, int) and not isinstance(new, bool) and low <= new <= high


def _like(pattern: str) -> Test:
    return lambda _old, new: isinstance(new, str) and re.fullmatch(pattern, new) is not None


def _quota(old: Any, new: Any) -> bool:
    """One entry of a quota that stays of the same order: a far larger one is no limit."""
    try:
        before, after = kubernetes_bytes(old), kubernetes_bytes(new)
    except ValueError:
        return False
    return before <= 2 * after and after <= 2 * before


def _switched_on(_old: Any, new: Any) -> bool:
    return new is True


def _equal_json(old: Any, new: Any) -> bool:
    """Whether both are the same JSON document."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    try:
        return json.loads(old) == json.loads(new) or ('"Statement"' in new and same_meaning(old, new))
    except (ValueError, TypeError, AttributeError):
        return False


def _alerts_added(old: Any, new: Any) -> bool:
    """Whether all old alerts of the file are unchanged. A new recording rule isn't harmless: others may read it."""
    before, after = _rules_of(old), _rules_of(new)
    if before is None or after is None:
        return False
    added = [rule for rule in after if rule not in before]
    return all(rule in after for rule in before) and all(dig(rule, "alert") for _, rule in added)


def _rules_of(text: Any) -> Sequence[tuple[Any, Any]] | None:
    """The rules of a file, each with its group's settings."""
    if text is None:
        return ()
    try:
        groups = dig(yaml_document(str(text)), "groups")
    except yaml.YAMLError:
        return None
    if groups is None:
        return None
    return [
        ({key: value for key, value in group.items() if key != "rules"}, rule)
        for group in groups
        for rule in dig(group, "rules") or ()
    ]


def _dashboards(old: Any, new: Any) -> bool:
    """Whether a dashboard is new or changed, and not removed."""
    return (old is None or _is_dashboard(old)) and _is_dashboard(new)


def _is_dashboard(text: Any) -> bool:
    try:
        content: Any = json.loads(str(text))
    except ValueError:
        return False
    return isinstance(content, dict) and "panels" in content


def _private(change: PropertyChange, at: int) -> bool:
    """Whether labels or annotations, which stand at this part of the path, are none that a controller reads: those
    without a domain, and the shop's own.
    """
    names = [str(change.path[at])] if len(change.path) > at else [*(change.old or {}), *(change.new or {})]
    return all(
        "/" not in name or name.startswith(("simone.shop/", "app.kubernetes.io/", "kubernetes.io/description"))
        for name in names
    )


_ON = _like("1|on")
_COUNTED = _like(r"\d+")
_PARAMETERS: Mapping[str, Test] = {
    **dict.fromkeys(("work_mem", "maintenance_work_mem", "log_min_duration_statement"), _any),
    **dict.fromkeys(("log_lock_waits", "log_connections", "log_disconnections"), _ON),
    **dict.fromkeys(("log_temp_files", "log_autovacuum_min_duration"), _COUNTED),
    "log_statement": _like("ddl|mod"),
}
"""Parameters of Postgres that take effect at once and whose values policies/rules/postgres.py bounds, or that only say
what is logged, as long as it is."""

_TABLE: Mapping[str, Mapping[str, Test]] = {
    "aws:": {"tags": _any, "tagsAll": _any},
    "aws:cloudwatch/logGroup:LogGroup": {"retentionInDays": _grows},
    "aws:ec2/securityGroupRule:SecurityGroupRule": {"description": _any},
    "aws:iam/role:Role": {"description": _any, "maxSessionDuration": lambda old, new: _grows(new, old)},
    "aws:kms/key:Key": {"description": _any, "enableKeyRotation": _switched_on, "deletionWindowInDays": _grows},
    "aws:rds/instance:Instance": {
        "allocatedStorage": _grows_a_little,
        "backupRetentionPeriod": _grows,
        "copyTagsToSnapshot": _switched_on,
        "deletionProtection": _switched_on,
        "finalSnapshotIdentifier": _like(r"[a-z](?:-?[a-z0-9])*"),
        "maxAllocatedStorage": _grows_a_little,
        "performanceInsightsEnabled": _switched_on,
        "performanceInsightsRetentionPeriod": _grows,
    },
    "aws:rds/subnetGroup:SubnetGroup": {"description": _any},
    "aws:secretsmanager/secret:Secret": {"description": _any, "recoveryWindowInDays": _grows},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {"description": _any},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"description": _any},
    "cloudflare:index/dnsRecord:DnsRecord": {"comment": _any, "tags": _any},
    "cloudflare:index/loadBalancer:LoadBalancer": {"description": _any},
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": {"description": _any},
    "cloudflare:index/notificationPolicy:NotificationPolicy": {"description": _any},
    "cloudflare:index/ruleset:Ruleset": {"description": _any, "rules[*].description": _any},
    "kubernetes:": {"metadata.labels": _any, "metadata.annotations": _any},
    "kubernetes:apps/v1:Deployment": {
        "spec.minReadySeconds": _between(0, 60),
        "spec.progressDeadlineSeconds": _between(120, 3600),
        "spec.replicas": _grows_a_little,
        "spec.revisionHistoryLimit": _between(1, 100),
    },
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": {
        "spec.minReplicas": _grows_a_little,
        "spec.maxReplicas": _grows_a_little,
    },
    "kubernetes:batch/v1:CronJob": {
        "spec.failedJobsHistoryLimit": _between(1, 100),
        "spec.jobTemplate.metadata.annotations": _any,
        "spec.jobTemplate.metadata.labels": _any,
        "spec.jobTemplate.spec.template.metadata.annotations": _any,
        "spec.successfulJobsHistoryLimit": _between(1, 100),
    },
    "kubernetes:policy/v1:PodDisruptionBudget": {"spec.maxUnavailable": _any, "spec.minAvailable": _any},
    "kubernetes:core/v1:ResourceQuota": {"spec.hard.*": _quota},
}
"""By type, or the beginning of types, the properties that may change and how."""


def _added(_new: Resource) -> bool:
    return True


def _plain_secret(new: Resource) -> bool:
    return new.inputs.get("type") in (None, "Opaque")


def _inner_service(new: Resource) -> bool:
    return dig(new.inputs, "spec", "type") in (None, "ClusterIP") and bool(dig(new.inputs, "spec", "selector"))


_ADDITIONS: Mapping[str, Callable[[Resource], bool]] = {
    **dict.fromkeys(
        (
            *("aws:cloudwatch/logGroup:LogGroup", "aws:kms/alias:Alias", "aws:kms/key:Key"),
            *("aws:rds/parameterGroup:ParameterGroup", "aws:rds/subnetGroup:SubnetGroup", "aws:s3/bucket:Bucket"),
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "aws:secretsmanager/secret:Secret",
            "cloudflare:index/notificationPolicy:NotificationPolicy",
            "kubernetes:core/v1:ConfigMap",
            "kubernetes:core/v1:ServiceAccount",
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        ),
        _added,
    ),
    "kubernetes:core/v1:Secret": _plain_secret,
    "kubernetes:core/v1:Service": _inner_service,
}
"""Types that have no effect by existing: nothing reads them until something else changes, or policies judge all their
effects. What runs, schedules, limits, evicts or overrides isn't on the list."""

_FOR_VISITORS = (
    *("dnsRecord:DnsRecord", "record:Record", "loadBalancer:LoadBalancer", "loadBalancerPool:LoadBalancerPool"),
    *("ruleset:Ruleset", "zoneCacheVariants:ZoneCacheVariants", "zoneSetting:ZoneSetting"),
)
"""Types of the edge that affect visitors by existing."""


def unjudged(old: Resource | None, new: Resource | None, *, in_place: bool) -> tuple[str, ...]:
    """Sentences on what nobody has judged about a creation, or a change in place; empty where all of it is known."""
    # A component's children have items of their own.
    if new is None or new.type.startswith("simone:") or not (new.custom or new.type.startswith("kubernetes:")):
        return ()
    if not is_judged(new.type):
        return (f"no rule judges the type {new.type} yet",)
    if old is None and not in_place:
        return _of_an_addition(new)
    if old is None or not in_place:
        return ()
    found = [
        change
        for change in changes(old.inputs, new.inputs)
        if not is_ignored(change, new) and not _is_harmless(change, old, new)
    ]
    if not found:
        return ()
    return (f"nobody has judged what changing it does: {few(format_path(_place(change.path)) for change in found)}",)


def _of_an_addition(new: Resource) -> tuple[str, ...]:
    if new.type.endswith(_FOR_VISITORS):
        return ("nobody has judged what it does to visitors",)
    if new.is_workload:
        images = dict.fromkeys(str(container.get("image")) for container in new.containers())
        return (f"nobody has judged what it runs: {', '.join(images)}",)
    test = _ADDITIONS.get(new.type)
    return () if (test and test(new)) or widened(None, new) else ("nobody has judged what it does by being there",)


def _place(path: Path) -> Path:
    """The part of a path that a sentence names: up to the first list element, four parts at most."""
    first = next((position for position, part in enumerate(path) if isinstance(part, int)), 3)
    return path[: min(first, 3) + 1]


def _is_harmless(change: PropertyChange, old: Resource, new: Resource) -> bool:
    if UNKNOWN in (change.old, change.new):
        return False
    if _equal_json(change.old, change.new):
        return True
    match new.type, change.path:
        case "aws:rds/parameterGroup:ParameterGroup", ("parameters", *_):
            return _of_parameters(old, new)
        case "kubernetes:core/v1:ConfigMap", ("data", *_):
            return _dashboards(change.old, change.new) or _alerts_added(change.old, change.new)
        case _:
            return _is_on_the_list(change, new)


def _is_on_the_list(change: PropertyChange, new: Resource) -> bool:
    if new.type.startswith("kubernetes:"):
        notes = next((at for at, part in enumerate(change.path) if part in ("labels", "annotations")), None)
        # Other objects select these by their labels.
        selected = new.kind in ("Namespace", "Node", "Pod") and change.path[:1] == ("metadata",)
        if selected or (notes and change.path[notes - 1] == "metadata" and not _private(change, notes + 1)):
            return False
    return any(
        contains(parse_path(path), change.path) and test(change.old, change.new)
        for prefix, table in _TABLE.items()
        if new.type == prefix or (prefix.endswith(":") and new.type.startswith(prefix))
        for path, test in table.items()
    )


def _of_parameters(old: Resource, new: Resource) -> bool:
    """Whether all differing parameters are judged by their value and take effect at once."""
    before, after = ({str(dig(entry, "name")): entry for entry in side.get("parameters") or ()} for side in (old, new))
    return all(
        name in after
        and name in _PARAMETERS
        and _PARAMETERS[name](None, str(dig(after[name], "value")))
        and dig(after[name], "applyMethod") in (None, "immediate")
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    )


_TAG = re.compile(r"(@sha256:[0-9a-f]+|:[\w.-]+)$")


def runs_the_same_again(old: Resource, new: Resource) -> bool:
    """Whether a replaced Job does the same as before, with another version of its image."""

    def comparable(job: Resource) -> Mapping[str, Any]:
        kept = {key: value for key, value in job.inputs.items() if key != "metadata"}
        return json.loads(json.dumps(kept), object_hook=_without_version)

    return comparable(old) == comparable(new)


def _without_version(tree: dict[str, Any]) -> dict[str, Any]:
    """An object without what may differ between versions: the image's tag, labels and annotations."""
    kept = {key: value for key, value in tree.items() if key not in ("labels", "annotations")}
    if isinstance(image := kept.get("image"), str):
        kept["image"] = _TAG.sub("", image).rpartition("/")[2]
    return kept
