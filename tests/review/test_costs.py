"""What a change costs a month is told by resource, and what has no price is named."""

import dataclasses
import re
from typing import Any

from review.compare import compare
from review.costs import costs, priced_on
from review.markdown import markdown
from review.plan import Plan
from review.report import build
from review.report_data import Part
from stack.resource import Resource
from stack.values import UNKNOWN
from testing.pull_requests import base, planned

REGION = "eu-central-1"


def _resource(type_: str, name: str = "x", **inputs: Any) -> Resource:
    return Resource(urn=f"urn:pulumi:prod::simone::{type_}::{name}", type=type_, name=name, inputs=inputs)


def _cost(resource: Resource, region: str = REGION) -> tuple[float, tuple[str, ...]]:
    cost = costs((resource,), region)[resource.urn]
    return cost.priced, cost.unpriced


def test_a_database_costs_its_storage_in_both_zones_and_its_class_has_no_price() -> None:
    database = _resource(
        "aws:rds/instance:Instance",
        instanceClass="db.m7g.xlarge",
        allocatedStorage=100,
        storageType="gp3",
        multiAz=True,
        engine="postgres",
    )
    assert _cost(database) == (27.4, ("2 of db.m7g.xlarge",))
    assert _cost(database, "eu-west-1") == (0, ("2 of db.m7g.xlarge", "2 of 100 GiB on gp3"))


def test_keys_secrets_balancers_and_volumes_are_counted() -> None:
    assert _cost(_resource("aws:kms/key:Key")) == (1, ())
    assert _cost(_resource("aws:secretsmanager/secret:Secret")) == (0.4, ())
    assert _cost(_resource("kubernetes:core/v1:Service", spec={"type": "LoadBalancer"})) == (19.71, ())
    claim = {"spec": {"resources": {"requests": {"storage": "25Gi"}}}}
    server = _resource("kubernetes:apps/v1:StatefulSet", spec={"replicas": 2, "volumeClaimTemplates": [claim]})
    assert _cost(server) == (0, ("2 of 25 GiB on the class default",))
    assert costs((_resource("kubernetes:core/v1:Service", spec={"type": "ClusterIP"}),), REGION) == {}


def test_what_is_not_known_yet_has_no_price() -> None:
    database = _resource("aws:rds/instance:Instance", instanceClass=UNKNOWN)
    assert _cost(database) == (0, ("what isn't known before the deployment",))


def test_every_price_has_a_source_and_the_file_a_day() -> None:
    from review.costs import _prices

    prices = _prices()
    assert re.search(r"\d{4}-\d\d-\d\d, USD", priced_on())
    for region in prices["regions"].values():
        assert region.keys() <= prices["sources"].keys()
        assert all(price > 0 for price in region.values())
    assert all(source.startswith("https://aws.amazon.com/") for source in prices["sources"].values())


def _told(plan: Plan) -> str:
    report = build([dataclasses.replace(plan, region=REGION, violations=())])
    return markdown(report) if Part.COSTS in report.sections else ""


def test_a_change_that_costs_the_same_says_nothing() -> None:
    assert _told(planned("immediate-parameter")) == ""
    assert _told(planned("nothing")) == ""


def test_a_smaller_instance_is_told_with_what_has_no_price() -> None:
    text = _told(planned("smaller-instance"))
    assert "### Costs a month" in text
    assert "has no price in review/prices.json: 2 of db.m7g.xlarge → 2 of db.m7g.large" in text


def test_a_key_that_goes_costs_nothing_any_more() -> None:
    after = tuple(resource for resource in base().resources if resource.name != "redis-backup-key")
    plan = compare(base(), dataclasses.replace(base(), resources=after))
    assert "`redis-backup-key`: `1.00` → `0.00`" in _told(plan)
