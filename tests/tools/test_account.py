"""What the account refuses is said before anything is planned, and what waits for its window is no drift."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from tools import account, deploy

VERSIONS = {"DBEngineVersions": [{"Engine": "postgres", "EngineVersion": each} for each in ("16.9", "16.10", "17.6")]}
OPTION = {"StorageType": "gp3", "MultiAZCapable": True, "DBInstanceClass": "db.m7g.xlarge"}
QUOTAS = {
    "AccountQuotas": [
        {"AccountQuotaName": "DBInstances", "Used": 3, "Max": 40},
        {"AccountQuotaName": "AllocatedStorage", "Used": 300, "Max": 100_000},
    ]
}


def _account(
    *,
    versions: Mapping[str, Any] = VERSIONS,
    options: tuple[Mapping[str, Any], ...] = (OPTION,),
    quotas: Mapping[str, Any] = QUOTAS,
    instance: Mapping[str, Any] | None = None,
) -> Any:
    """RDS's client with recorded answers; botocore's own model judges questions and answers."""
    rds = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="-", aws_secret_access_key="-")
    stub = Stubber(rds)
    if instance is None:
        stub.add_client_error("describe_db_instances", "DBInstanceNotFound")
    else:
        stub.add_response("describe_db_instances", {"DBInstances": [instance]})
    stub.add_response("describe_db_engine_versions", dict(versions))
    stub.add_response("describe_orderable_db_instance_options", {"OrderableDBInstanceOptions": list(options)})
    stub.add_response("describe_account_attributes", dict(quotas))
    stub.activate()
    return rds


def test_what_the_account_offers_passes() -> None:
    assert account.faults("prod", _account()) == []


def test_what_runs_already_is_not_asked_for_again() -> None:
    running = {"DBInstanceIdentifier": "simone-prod-postgres", "EngineVersion": "16.8"}
    assert account.faults("prod", _account(instance=running)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"versions": {"DBEngineVersions": [{"EngineVersion": "17.6"}, {"EngineVersion": "18.1"}]}},
            "simone:postgres.engine_version is 16, which AWS doesn't offer in this region; it offers 17.6, 18.1",
        ),
        ({"options": ()}, "instance_class is db.m7g.xlarge, which this region doesn't offer for Postgres 16.10 on gp3"),
        ({"options": ({**OPTION, "MultiAZCapable": False},)}, "which this region doesn't offer in two zones"),
        (
            {"quotas": {"AccountQuotas": [{"AccountQuotaName": "DBInstances", "Used": 40, "Max": 40}]}},
            "the account has 40 of 40 database instances, and 1 more are declared; raise the quota",
        ),
    ],
)
def test_what_the_account_would_refuse_is_one_line(changed: dict[str, Any], told: str) -> None:
    (line,) = account.faults("prod", _account(**changed))
    assert told in line


def test_a_deployment_stops_before_it_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: str) -> Any:
        return _account(options=())

    monkeypatch.setattr(account, "client", asked)
    result = CliRunner().invoke(deploy.app, ["plan", "prod"])
    assert result.exit_code == 2
    assert "instance_class is db.m7g.xlarge, which this region doesn't offer" in result.output


def _preview(**changed: Any) -> dict[str, Any]:
    inputs = {"identifier": "simone-prod-postgres", "engineVersion": "17", "instanceClass": "db.m7g.2xlarge", **changed}
    diff = {"engineVersion": {"kind": "update"}, "instanceClass": {"kind": "update"}}
    old = {"inputs": {**inputs, "engineVersion": "16", "instanceClass": "db.m7g.xlarge"}}
    step = {"op": "update", "urn": "u", "oldState": old, "newState": {"inputs": inputs}, "detailedDiff": diff}
    return {"steps": [step, {"op": "same", "urn": "v"}]}


def test_what_waits_for_the_maintenance_window_is_no_drift() -> None:
    pending = {"PendingModifiedValues": {"EngineVersion": "17.6", "DBInstanceClass": "db.m7g.2xlarge"}}
    told = account.waiting("prod", _account(instance={"DBInstanceIdentifier": "x", "EngineVersion": "16.9", **pending}))
    settled = account.without_waiting(_preview(), "simone-prod-postgres", told)
    assert [step["op"] for step in settled["steps"]] == ["same", "same"]


@pytest.mark.parametrize(
    "pending", [{"engineVersion": "17.6"}, {"engineVersion": "16.9", "instanceClass": "db.m7g.2xlarge"}]
)
def test_what_nobody_asked_rds_for_stays_drift(pending: dict[str, str]) -> None:
    kept = account.without_waiting(_preview(), "simone-prod-postgres", pending)
    assert kept["steps"][0]["op"] == "update"
