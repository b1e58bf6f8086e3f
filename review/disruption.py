"""Restarts and reboots that a change causes and that no diff shows."""

from collections.abc import Mapping
from typing import Any

from policies.rules.ownership import STATEFUL
from policies.rules.postgres import parameters_of
from review.plan import Op, Step
from stack.configuration_texts import redis_bytes, redis_settings
from stack.properties import same
from stack.resource import Resource, Undecided
from stack.values import UNKNOWN

CHECKSUM = "simone.shop/config-checksum"
"""The annotation by which a pod follows the files that it reads (components/kubernetes/configuration.py)."""

_REBOOTS = ("instanceClass", "engineVersion", "parameterGroupName", "identifier", "port", "multiAz")
"""Properties of an RDS instance whose change interrupts it: at once, or in the next maintenance window."""


def is_stateful(resource: Resource) -> bool:
    """Whether its deletion loses data."""
    return resource.type.endswith((*STATEFUL, ":StatefulSet"))


def keeps_volumes(resource: Resource) -> bool:
    """Whether its data outlives it: a StatefulSet's claims stay unless it says otherwise."""
    policy = (resource.inputs.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return resource.type.endswith(":StatefulSet") and policy.get("whenDeleted", "Retain") == "Retain"


def disruptions(step: Step) -> tuple[str, ...]:
    """Sentences on what this update interrupts; none if nothing."""
    if step.op is not Op.UPDATE or step.old is None or step.new is None:
        return ()
    if step.new.type.endswith(("apps/v1:StatefulSet", "apps/v1:Deployment", "apps/v1:DaemonSet")):
        return _restarts(step.old, step.new)
    if step.new.type.endswith("rds/parameterGroup:ParameterGroup"):
        return _reboots(step.old, step.new)
    if step.new.type.endswith("rds/instance:Instance"):
        return _interruptions(step.old, step.new)
    if step.new.type == "kubernetes:core/v1:ConfigMap":
        return _evictions(step.old, step.new)
    return ()


def loses_address(step: Step) -> bool:
    """Whether a Service whose address pods have read is replaced by a new one.

    A container reads it from its environment variables (`service_links`) at its start, and never again. Headless
    Services have none.
    """
    if step.op is not Op.REPLACE or step.old is None or not step.old.type.endswith("core/v1:Service"):
        return False
    spec = step.old.inputs.get("spec") or {}
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"


def _evictions(old: Resource, new: Resource) -> tuple[str, ...]:
    """A smaller maxmemory evicts keys as soon as the node has restarted with it."""
    texts = [(resource.inputs.get("data") or {}).get("redis.conf") for resource in (old, new)]
    if not all(isinstance(text, str) and text != UNKNOWN for text in texts):
        return ()
    before, after = (redis_bytes(redis_settings(str(text)).get("maxmemory", "0")) for text in texts)
    if not 0 < after < before:
        return ()
    return (f"evicts up to {(before - after) / 1024**2:,.0f} MiB of keys: maxmemory shrinks",)


def _restarts(old: Resource, new: Resource) -> tuple[str, ...]:
    templates = [resource.inputs.get("spec", {}).get("template") for resource in (old, new)]
    if templates[0] == templates[1]:
        return ()
    count = new.inputs["spec"].get("replicas")
    pods = "its pod" if count == 1 else f"{count} pods" if count else "its pods"
    why = " because a file that they read changes" if _checksum(templates[0]) != _checksum(templates[1]) else ""
    if new.type.endswith("StatefulSet"):
        handover = "; a Redis master hands over first" if _runs_redis(templates[1]) else ""
        return (f"restarts {pods} one after the other{why}{handover}",)
    return (f"rolls {pods}{why}",)


def _checksum(template: Mapping[str, Any]) -> Any:
    return (template.get("metadata", {}).get("annotations") or {}).get(CHECKSUM)


def _runs_redis(template: Mapping[str, Any]) -> bool:
    return any(container.get("name") == "redis" for container in template.get("spec", {}).get("containers", ()))


def _reboots(old: Resource, new: Resource) -> tuple[str, ...]:
    try:
        before, after = parameters_of(old), parameters_of(new)
    except Undecided:
        return ("some parameters aren't known yet, so whether a reboot is needed isn't either",)
    waiting = sorted(
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
        and "pending-reboot" in (before.get(name, ("", ""))[1], after.get(name, ("", ""))[1])
    )
    return (f"takes effect after a reboot of the database: {', '.join(waiting)}",) if waiting else ()


def _interruptions(old: Resource, new: Resource) -> tuple[str, ...]:
    def value(resource: Resource, key: str) -> Any:
        properties: Mapping[str, Any] = resource.inputs
        return properties.get(key)

    changed = [key for key in _REBOOTS if not same(value(old, key), value(new, key))]
    if not changed:
        return ()
    when = "at once" if new.inputs.get("applyImmediately") else "in the next maintenance window"
    return (f"interrupts the database {when}: {', '.join(changed)}",)
