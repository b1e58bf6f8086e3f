"""The drift job names what differs and what waits for a reboot: by answers as RDS gives them, recorded."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from app.operations.parameter_drift import AppliedParameters, ask, declared_rows, judge
from app.operations.settings import OperationError
from components.postgres.jobs import declared_parameters
from components.postgres.settings import PostgresSettings

INSTANCE, GROUP = "simone-prod-postgres", "simone-prod-pg20260101"
SETTINGS = PostgresSettings()


def rows(tmp_path: Path) -> Any:
    """The declared parameters, by way of the file that the job reads."""
    file = tmp_path / "parameters.json"
    file.write_text(declared_parameters(SETTINGS))
    return declared_rows(file)


def recorded(values: dict[str, str], apply_status: str) -> AppliedParameters:
    """What the job reads from RDS's own answers, in two pages, with a default among them."""
    client: Any = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    parameters = [
        {
            "ParameterName": name,
            "ParameterValue": value,
            "Source": "user",
            "ApplyType": "dynamic",
            "DataType": "string",
            "IsModifiable": True,
        }
        for name, value in values.items()
    ]
    parameters.append({"ParameterName": "autovacuum", "Source": "user", "ApplyType": "dynamic"})
    half = len(parameters) // 2
    with Stubber(client) as stub:
        group = {"DBParameterGroupName": GROUP, "ParameterApplyStatus": apply_status}
        stub.add_response(
            "describe_db_instances",
            {"DBInstances": [{"DBInstanceIdentifier": INSTANCE, "DBParameterGroups": [group]}]},
            {"DBInstanceIdentifier": INSTANCE},
        )
        asked = {"DBParameterGroupName": GROUP, "Source": "user"}
        stub.add_response("describe_db_parameters", {"Parameters": parameters[:half], "Marker": "m"}, asked)
        stub.add_response("describe_db_parameters", {"Parameters": parameters[half:]}, {**asked, "Marker": "m"})
        answer = ask(INSTANCE, client)
        stub.assert_no_pending_responses()
    return answer


def running(declared: Any) -> dict[str, str]:
    """`pg_settings` of an instance that runs with all of it, as RDS spells it there."""
    values = {row["name"]: row["value"] for row in declared if not row["name"].startswith("rds.")}
    return values | {"jit": "on", "shared_preload_libraries": "rdsutils,pg_stat_statements,auto_explain"}


def test_an_instance_as_declared_is_no_drift(tmp_path: Path) -> None:
    declared = rows(tmp_path)
    answer = recorded({row["name"]: row["value"] for row in declared}, "in-sync")
    assert judge(INSTANCE, declared, answer, running(declared)) == ()


def test_every_difference_is_named_with_both_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared = rows(tmp_path)
    values = {row["name"]: row["value"] for row in declared} | {"work_mem": "4096", "geqo": "0"}
    del values["log_min_duration_statement"]
    reasons = judge(INSTANCE, declared, recorded(values, "in-sync"), running(declared))
    assert reasons == (
        "geqo is set to 0 and not declared",
        "log_min_duration_statement is not set and declared as 100",
        "work_mem is 4096 and declared as 20480",
    )
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["parameter"] for line in told if line["event"] == "parameter differs"] == [
        "geqo",
        "log_min_duration_statement",
        "work_mem",
    ]


def test_a_pending_reboot_is_named_with_the_parameters_that_wait_for_it(tmp_path: Path) -> None:
    declared = rows(tmp_path)
    answer = recorded({row["name"]: row["value"] for row in declared}, "pending-reboot")
    still = running(declared) | {"shared_buffers": "16384", "shared_preload_libraries": "rdsutils,pg_stat_statements"}
    libraries = "pg_stat_statements,auto_explain"
    reasons = judge(INSTANCE, declared, answer, still)
    assert reasons == (
        "shared_buffers still is 16384 and waits for a reboot to become 524288",
        f"shared_preload_libraries still is rdsutils,pg_stat_statements and waits for a reboot to become {libraries}",
        f"reboot {INSTANCE}, in its maintenance window: only then do static parameters take effect",
    )


def test_a_pending_reboot_is_named_even_where_the_values_are_the_same(tmp_path: Path) -> None:
    """A static parameter that was changed and changed back: RDS still waits for the reboot."""
    declared = rows(tmp_path)
    answer = recorded({row["name"]: row["value"] for row in declared}, "pending-reboot")
    (reason,) = judge(INSTANCE, declared, answer, running(declared))
    assert INSTANCE in reason


def test_an_immediate_parameter_that_is_not_there_yet_asks_for_no_reboot(tmp_path: Path) -> None:
    declared = rows(tmp_path)
    answer = recorded({row["name"]: row["value"] for row in declared}, "applying")
    (reason,) = judge(INSTANCE, declared, answer, running(declared) | {"jit": "off"})
    assert reason == "jit still is off and waits for RDS to apply it to become 1"


def test_an_instance_that_rds_does_not_know_is_one_clear_error() -> None:
    client: Any = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("describe_db_instances", "DBInstanceNotFound", "DBInstance nowhere not found.")
        with pytest.raises(OperationError, match=r"RDS doesn't describe nowhere: .*not found"):
            ask("nowhere", client)
