"""Changes that the platform refuses in the middle of an update, when half of it has happened."""

import re
from collections.abc import Iterator

from stack.resource import Resource

_RDS = "rds/instance:Instance"


def refusals(old: Resource | None, new: Resource | None) -> tuple[str, ...]:
    """Sentences on why this change in place will be refused, and by whom."""
    if old is None or new is None:
        return ()
    return tuple(_database(old, new)) if new.type.endswith(_RDS) else tuple(_claim(old, new))


def _database(old: Resource, new: Resource) -> Iterator[str]:
    """AWS: Amazon RDS User Guide, "Working with storage" and "Upgrading the engine version"."""
    storage = [_number(side.inputs.get("allocatedStorage")) for side in (old, new)]
    if storage[0] is not None and storage[1] is not None and storage[1] < storage[0]:
        yield f"AWS refuses it: storage never shrinks ({storage[0]:g} → {storage[1]:g} GiB)"
    limit = _number(new.inputs.get("maxAllocatedStorage"))
    if limit and storage[1] is not None and limit < storage[1]:
        yield f"AWS refuses it: maxAllocatedStorage {limit:g} is below allocatedStorage {storage[1]:g}"
    versions = [_version(side.inputs.get("engineVersion")) for side in (old, new)]
    before, after = versions
    told = f"({old.inputs.get('engineVersion')} → {new.inputs.get('engineVersion')})"
    if before and after and after < before[: len(after)]:
        yield f"AWS refuses it: there is no way back to an older version {told}"
    elif before and after and after[0] > before[0] and new.inputs.get("allowMajorVersionUpgrade") is not True:
        yield f"AWS refuses it: a new major version needs allow_major_version_upgrade {told}"


def _claim(old: Resource, new: Resource) -> Iterator[str]:
    """Kubernetes: "Expanding Persistent Volumes Claims"; a class's own fields never change."""
    if new.type == "kubernetes:storage.k8s.io/v1:StorageClass":
        for name in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"):
            if old.inputs.get(name) != new.inputs.get(name):
                yield f"Kubernetes refuses it: {name} of a storage class can't be changed"


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _version(value: object) -> tuple[int, ...]:
    """16.9 as (16, 9); empty for what is no version."""
    text = str(value)
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d+(\.\d+)*", text) else ()
