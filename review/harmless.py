"""Which changes in place are known to harm nothing; of all others the report says that nobody has judged them.

A change is on the list because nothing restarts, opens, closes or vanishes with it, or because policies judge the new
value whatever it was before.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from policies.rules.coverage import is_judged
from review.options import is_ignored
from review.widening.aws import same_meaning
from stack.configuration_texts import yaml_document
from stack.properties import Change, Path, changes, contains, format_path, parse_path
from stack.resource import Resource, dig
from stack.values import UNKNOWN

Test = Callable[[Any, Any], bool]
"""Whether it is harmless that the first value becomes the second; None is no value."""

MOST_NAMED = 6
"""Properties that a sentence names."""


def _any(_old: Any, _new: Any) -> bool:
    return True


def _grows(old: Any, new: Any) -> bool:
    numbers = (old, new)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers) and new >= old


def _switched_on(_old: Any, new: Any) -> bool:
    return new is True


def _equal_json(old: Any, new: Any) -> bool:
    """The same document, written in another way."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    try:
        return json.loads(old) == json.loads(new) or ('"Statement"' in new and same_meaning(old, new))
    except (ValueError, TypeError, AttributeError):
        return False


def _alerts_added(old: Any, new: Any) -> bool:
    """A file of alerts in which all that were there stay as they were."""
    before, after = _rules_of(old), _rules_of(new)
    return before is not None and after is not None and all(rule in after for rule in before)


def _rules_of(text: Any) -> Sequence[Any] | None:
    if text is None:
        return ()
    try:
        groups = dig(yaml_document(str(text)), "groups")
    except yaml.YAMLError:
        return None
    return None if groups is None else [rule for group in groups for rule in dig(group, "rules") or ()]


def _is_dashboard(text: Any) -> bool:
    if text is None:
        return True
    try:
        content: Any = json.loads(str(text))
    except ValueError:
        return False
    return isinstance(content, dict) and "panels" in content


def _dashboards(old: Any, new: Any) -> bool:
    return _is_dashboard(old) and _is_dashboard(new)


def _private_note(path: Path) -> bool:
    """An annotation that no controller reads: without a domain, or the shop's own."""
    name = str(path[2]) if len(path) > 2 else ""
    return "/" not in name or name.startswith(("simone.shop/", "app.kubernetes.io/", "kubernetes.io/description"))


_JUDGED_PARAMETERS = {
    *("work_mem", "maintenance_work_mem", "effective_cache_size", "log_min_duration_statement", "log_statement"),
    *("log_lock_waits", "log_temp_files", "log_autovacuum_min_duration", "log_connections", "log_disconnections"),
}
"""Parameters of Postgres that take effect at once and whose values policies/rules/postgres.py bounds, or that only say
what is logged."""

_TABLE: Mapping[str, Mapping[str, Test]] = {
    "aws:": {"tags": _any, "tagsAll": _any},
    "aws:cloudwatch/logGroup:LogGroup": {"retentionInDays": _grows},
    "aws:ec2/securityGroupRule:SecurityGroupRule": {"description": _any},
    "aws:iam/role:Role": {"description": _any, "maxSessionDuration": lambda old, new: _grows(new, old)},
    "aws:kms/key:Key": {"description": _any, "enableKeyRotation": _switched_on, "deletionWindowInDays": _grows},
    "aws:rds/instance:Instance": {
        "allocatedStorage": _grows,
        "backupRetentionPeriod": _grows,
        "backupWindow": _any,
        "copyTagsToSnapshot": _switched_on,
        "deletionProtection": _switched_on,
        "finalSnapshotIdentifier": _any,
        "maintenanceWindow": _any,
        "maxAllocatedStorage": _grows,
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
        "spec.minReadySeconds": _any,
        "spec.progressDeadlineSeconds": _any,
        "spec.replicas": _grows,
        "spec.revisionHistoryLimit": _any,
    },
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": {"spec.minReplicas": _grows, "spec.maxReplicas": _grows},
    "kubernetes:batch/v1:CronJob": {
        "spec.failedJobsHistoryLimit": _any,
        "spec.jobTemplate.metadata": _any,
        "spec.jobTemplate.spec.template.metadata": _any,
        "spec.schedule": _any,
        "spec.successfulJobsHistoryLimit": _any,
        "spec.suspend": lambda _old, new: not new,
    },
    "kubernetes:policy/v1:PodDisruptionBudget": {"spec.maxUnavailable": _any, "spec.minAvailable": _any},
    "kubernetes:core/v1:ResourceQuota": {"spec.hard": _any},
}
"""By type, or the beginning of types, the properties that may change and how."""


_FOR_VISITORS = (
    *("dnsRecord:DnsRecord", "record:Record", "loadBalancer:LoadBalancer", "loadBalancerPool:LoadBalancerPool"),
    *("ruleset:Ruleset", "zoneCacheVariants:ZoneCacheVariants", "zoneSetting:ZoneSetting"),
)
"""Types of the edge that change what visitors get by being there."""


def unjudged(old: Resource | None, new: Resource | None, *, in_place: bool) -> tuple[str, ...]:
    """Sentences on what nobody has judged about a creation, or a change in place; empty where all of it is known."""
    # Of a component, ours or somebody's, what is in it is listed besides.
    if new is None or new.type.startswith("simone:") or not (new.custom or new.type.startswith("kubernetes:")):
        return ()
    if not is_judged(new.type):
        return (f"nobody judges the type {new.type} yet",)
    if old is None and new.type.endswith(_FOR_VISITORS):
        return ("nobody has judged what it does to visitors",)
    if old is None or not in_place:
        return ()
    found = [
        change
        for change in changes(old.inputs, new.inputs)
        if not is_ignored(change, new) and not _is_harmless(change, old, new)
    ]
    paths = list(dict.fromkeys(format_path(_place(change.path)) for change in found))
    if not paths:
        return ()
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return (f"nobody has judged what changing it does: {', '.join(paths[:MOST_NAMED])}{more}",)


def _place(path: Path) -> Path:
    """A path as far as a sentence names it: to the first element of a list, four parts at most."""
    first = next((position for position, part in enumerate(path) if isinstance(part, int)), 3)
    return path[: min(first, 3) + 1]


def _is_harmless(change: Change, old: Resource, new: Resource) -> bool:
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


def _is_on_the_list(change: Change, new: Resource) -> bool:
    if new.type.startswith("kubernetes:") and change.path[:1] == ("metadata",):
        # Others select these by their labels; annotations with a domain are for a controller.
        selected = new.kind in ("Namespace", "Node", "Pod")
        if selected or (change.path[:2] == ("metadata", "annotations") and not _private_note(change.path)):
            return False
    return any(
        contains(parse_path(path), change.path) and test(change.old, change.new)
        for prefix, table in _TABLE.items()
        if new.type == prefix or (prefix.endswith(":") and new.type.startswith(prefix))
        for path, test in table.items()
    )


def _of_parameters(old: Resource, new: Resource) -> bool:
    """Whether only parameters differ that are judged whatever their value, and take effect at once."""
    before, after = ({str(dig(entry, "name")): entry for entry in side.get("parameters") or ()} for side in (old, new))
    return all(
        name in _JUDGED_PARAMETERS and name in after and dig(after[name], "applyMethod") in (None, "immediate")
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    )


_TAG = re.compile(r"(@sha256:[0-9a-f]+|:[\w.-]+)$")


def runs_the_same_again(old: Resource, new: Resource) -> bool:
    """Whether a Job that is made anew does what it did, of another version of its image."""

    def comparable(job: Resource) -> Mapping[str, Any]:
        kept = {key: value for key, value in job.inputs.items() if key != "metadata"}
        return json.loads(json.dumps(kept), object_hook=_without_version)

    return comparable(old) == comparable(new)


def _without_version(tree: dict[str, Any]) -> dict[str, Any]:
    """An object without what may differ between two versions: the image's tag, labels and notes."""
    kept = {key: value for key, value in tree.items() if key not in ("labels", "annotations")}
    if isinstance(image := kept.get("image"), str):
        kept["image"] = _TAG.sub("", image).rpartition("/")[2]
    return kept
