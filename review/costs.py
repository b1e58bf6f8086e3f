"""An environment's approximate monthly cost: its declared resources at the list prices of prices.json.

On-demand list prices, without taxes, discounts and usage (requests, traffic, logs, backups). A part without a price is
named; no price is made up.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stack.configuration_texts import kubernetes_bytes
from stack.resource import Resource, Undecided, dig

_FILE = Path(__file__).with_name("prices.json")
_HOURS = 730
"""Hours of a month, as AWS's own calculator counts them."""

_GIB = 1024**3


@dataclass(frozen=True)
class Cost:
    """One resource's monthly cost: the sum of its priced parts, and its parts without a price."""

    resource: str
    priced: float
    unpriced: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """A number of units of an entry in prices.json."""

    units: float
    price: str
    named: str


@cache
def _prices() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(_FILE.read_text())
    return content


def priced_on() -> str:
    """The day and the currency of the prices."""
    return f"list prices of {_prices()['date']}, {_prices()['currency']}"


def costs(resources: tuple[Resource, ...], region: str) -> Mapping[str, Cost]:
    """The cost by URN of the resources that cost something by existing."""
    prices: Mapping[str, float] = _prices()["regions"].get(region, {})
    found: dict[str, Cost] = {}
    for resource in resources:
        try:
            parts = [*_parts(resource)]
        except Undecided:
            found[resource.urn] = Cost(resource.name, 0, ("what isn't known before the deployment",))
            continue
        if parts:
            found[resource.urn] = Cost(
                resource.name,
                round(sum(part.units * prices[part.price] for part in parts if part.price in prices), 2),
                tuple(part.named for part in parts if part.price not in prices),
            )
    return found


def _parts(resource: Resource) -> Iterator[_Part]:
    if resource.type == "aws:rds/instance:Instance":
        copies = 2 if resource.get("multiAz") else 1
        class_, size = resource.get("instanceClass"), float(resource.get("allocatedStorage") or 0)
        storage = resource.get("storageType") or "gp2"
        engine = resource.get("engine") or "postgres"
        yield _Part(copies * _HOURS, f"rds_{engine}_{class_}_hour", f"{copies} of {class_}")
        yield _Part(copies * size, f"rds_{engine}_{storage}_gib", f"{copies} of {size:g} GiB on {storage}")
    elif resource.type == "aws:kms/key:Key":
        yield _Part(1, "aws_kms_key", "the key")
    elif resource.type == "aws:secretsmanager/secret:Secret":
        yield _Part(1, "aws_secret", "the secret")
    elif resource.type == "kubernetes:core/v1:Service" and resource.get("spec", "type") == "LoadBalancer":
        yield _Part(_HOURS, "load_balancer_hour", "the load balancer")
    elif resource.type == "kubernetes:apps/v1:StatefulSet":
        yield from _volumes(resource)


def _volumes(server: Resource) -> Iterator[_Part]:
    count = int(server.get("spec", "replicas") or 1)
    claims: list[Mapping[str, Any]] = server.get("spec", "volumeClaimTemplates") or []
    for claim in claims:
        size = kubernetes_bytes(dig(claim, "spec", "resources", "requests", "storage") or 0) / _GIB
        class_ = dig(claim, "spec", "storageClassName") or "default"
        yield _Part(count * size, f"volume_{class_}_gib", f"{count} of {size:g} GiB on the class {class_}")
