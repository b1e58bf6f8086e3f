"""The database machine's figures come from CloudWatch: the newest, and none that nobody gave."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from prometheus_client import CollectorRegistry

from app.operations.rds_exporter import RdsMetrics
from app.operations.settings import OperationError

INSTANCE, REGION = "simone-test-postgres", "eu-central-1"


class Cloud:
    """AWS's stand-in with one instance of 20 GiB."""

    def __init__(self) -> None:
        self.rds: Any = boto3.client("rds", region_name=REGION)
        self.cloudwatch: Any = boto3.client("cloudwatch", region_name=REGION)
        self.rds.create_db_instance(
            DBInstanceIdentifier=INSTANCE, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20
        )

    def count(self, metric: str, value: float, *, minutes_ago: int, instance: str = INSTANCE) -> None:
        """As CloudWatch has it of a minute."""
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": instance}]
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        datum = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        self.cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=[datum])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Cloud()


def test_the_newest_minute_of_this_instance_is_told(cloud: Cloud) -> None:
    cloud.count("CPUUtilization", 90, minutes_ago=9)
    cloud.count("CPUUtilization", 42, minutes_ago=3)
    cloud.count("CPUUtilization", 99, minutes_ago=2, instance="another")
    cloud.count("FreeStorageSpace", 5 * 2**30, minutes_ago=3)
    registry = CollectorRegistry()
    RdsMetrics(registry).read(cloud.rds, cloud.cloudwatch, INSTANCE)
    label = {"database": INSTANCE}
    assert registry.get_sample_value("rds_cpu_ratio", label) == pytest.approx(0.42)
    assert registry.get_sample_value("rds_free_storage_bytes", label) == 5 * 2**30
    assert registry.get_sample_value("rds_storage_bytes", label) == 20 * 2**30
    assert registry.get_sample_value("rds_last_success_timestamp_seconds") == pytest.approx(time.time(), abs=60)


def test_figures_that_are_missing_are_named_and_no_others_are_made_up(cloud: Cloud) -> None:
    registry = CollectorRegistry()
    metrics = RdsMetrics(registry)
    cloud.count("CPUUtilization", 42, minutes_ago=3)
    with pytest.raises(OperationError, match=f"no FreeStorageSpace of {INSTANCE} in 15 minutes"):
        metrics.read(cloud.rds, cloud.cloudwatch, INSTANCE)
    # A made-up 0 would page for a full disk; that nothing is known is what RdsMetricsStale sees.
    assert registry.get_sample_value("rds_free_storage_bytes", {"database": INSTANCE}) is None
    assert registry.get_sample_value("rds_last_success_timestamp_seconds") == 0


def test_an_unknown_instance_is_one_clear_error(cloud: Cloud) -> None:
    with pytest.raises(OperationError, match=r"AWS says nothing of nowhere: .*not found"):
        RdsMetrics(CollectorRegistry()).read(cloud.rds, cloud.cloudwatch, "nowhere")
