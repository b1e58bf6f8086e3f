"""The slow-query report's log of RDS: downloaded whole, hour by hour, by answers as RDS gives them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from kpi.database.slow_queries.log import read_logs
from kpi.database.slow_queries.rds_log import NoLog, download

INSTANCE = "simone-prod-postgres"
HOURS = ("error/postgresql.log.2026-01-01-00", "error/postgresql.log.2026-01-01-01")
LISTED = {"DBInstanceIdentifier": INSTANCE, "FilenameContains": "postgresql.log", "FileLastWritten": ANY}


def line(milliseconds: int) -> str:
    """As the declared log_line_prefix makes it."""
    prefix = "2026-01-01 00:00:00.000 UTC:10.0.0.1(5):app@simone:[18]:1:00000:2026-01-01:1/2:0:c:api:"
    return f"{prefix}LOG:  duration: {milliseconds} ms  statement: SELECT {milliseconds}\n"


@pytest.fixture
def rds() -> Iterator[tuple[Any, Stubber]]:
    """A client whose answers are recorded, and the record."""
    client: Any = boto3.client("rds", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def listing(*names: str) -> dict[str, Any]:
    return {"DescribeDBLogFiles": [{"LogFileName": name, "Size": 1} for name in names]}


def portion(stub: Stubber, name: str, asked: str, text: str, following: str | None) -> None:
    answer = {"LogFileData": text, "AdditionalDataPending": following is not None, "Marker": following or "end"}
    stub.add_response(
        "download_db_log_file_portion",
        answer,
        {"DBInstanceIdentifier": INSTANCE, "LogFileName": name, "Marker": asked},
    )


def test_every_hour_is_read_from_its_beginning_to_its_end(rds: tuple[Any, Stubber], tmp_path: Path) -> None:
    client, stub = rds
    stub.add_response("describe_db_log_files", {**listing(HOURS[1], f"{HOURS[0]}.csv"), "Marker": "more"}, LISTED)
    stub.add_response("describe_db_log_files", listing(HOURS[0]), {**LISTED, "Marker": "more"})
    portion(stub, HOURS[0], "0", line(150), "100")
    portion(stub, HOURS[0], "100", line(250), None)
    portion(stub, HOURS[1], "0", line(350), None)
    logs = download(client, INSTANCE, tmp_path)
    assert [path.name for path in logs] == ["postgresql.log.2026-01-01-00", "postgresql.log.2026-01-01-01"]
    assert read_logs(logs)["SELECT ?"].milliseconds == [150.0, 250.0, 350.0]


def test_no_log_at_all_is_said(rds: tuple[Any, Stubber], tmp_path: Path) -> None:
    client, stub = rds
    stub.add_response("describe_db_log_files", listing(), LISTED)
    with pytest.raises(NoLog, match=f"{INSTANCE} has no log of the last 7 days"):
        download(client, INSTANCE, tmp_path)


def test_an_instance_that_rds_does_not_know_is_one_clear_error(rds: tuple[Any, Stubber], tmp_path: Path) -> None:
    client, stub = rds
    stub.add_client_error("describe_db_log_files", "DBInstanceNotFound", "DBInstance nowhere not found.")
    with pytest.raises(NoLog, match=r"the log of nowhere can't be read: .*not found"):
        download(client, "nowhere", tmp_path)


def test_the_command_without_credentials_says_so_in_one_line(tmp_path: Path) -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-central-1", "HOME": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "kpi.database", "slow-queries", "--rds", INSTANCE, "--output", str(tmp_path)],
        env=kept | nothing | {"DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"the log of {INSTANCE} can't be read: Unable to locate credentials\n"
