"""CPU and disk of the database's machine, which only AWS knows, as Prometheus metrics.

CloudWatch counts by the minute and a little late: the metrics show the newest minute that it has.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from app.operations.polling import poll
from app.operations.settings import OperationError, RdsExporterSettings

GIB: Final = 2**30
PERIOD_SECONDS: Final = 60
LOOK_BACK: Final = timedelta(minutes=15)
"""Long enough for CloudWatch's delay; older figures say nothing about now."""
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
CPU, FREE_STORAGE = "CPUUtilization", "FreeStorageSpace"

Client = Any
"""A boto3 client: its methods are made from AWS's service descriptions at run time."""


class RdsMetrics:
    """Gauges of an instance, absent until first read. While AWS doesn't answer they stay, and their age grows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        label = ["database"]
        self._cpu = Gauge("rds_cpu_ratio", "Share of the instance's processor time in use", label, registry=registry)
        self._free = Gauge("rds_free_storage_bytes", "Free bytes of the instance's volume", label, registry=registry)
        self._size = Gauge("rds_storage_bytes", "Size of the instance's volume, bytes", label, registry=registry)
        self._success = Gauge(
            "rds_last_success_timestamp_seconds", "When CloudWatch last gave figures", registry=registry
        )

    def read(self, rds: Client, cloudwatch: Client, instance: str) -> None:
        """Read the newest figures. Raises `OperationError`, also when CloudWatch has none."""
        try:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"]
            now = datetime.now(UTC)
            answer = cloudwatch.get_metric_data(
                MetricDataQueries=[_query(metric, instance) for metric in (CPU, FREE_STORAGE)],
                StartTime=now - LOOK_BACK,
                EndTime=now,
                ScanBy="TimestampDescending",
            )
        except (BotoCoreError, ClientError) as error:
            raise OperationError(f"AWS says nothing of {instance}: {error}") from error
        newest = {result["Label"]: result["Values"][0] for result in answer["MetricDataResults"] if result["Values"]}
        if missing := {CPU, FREE_STORAGE} - newest.keys():
            minutes = LOOK_BACK // timedelta(minutes=1)
            raise OperationError(f"CloudWatch has no {', '.join(sorted(missing))} of {instance} in {minutes} minutes")
        self._cpu.labels(instance).set(newest[CPU] / 100)
        self._free.labels(instance).set(newest[FREE_STORAGE])
        self._size.labels(instance).set(found["AllocatedStorage"] * GIB)
        self._success.set_to_current_time()


def _query(metric: str, instance: str) -> dict[str, Any]:
    return {
        "Id": metric.lower(),
        "Label": metric,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/RDS",
                "MetricName": metric,
                "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
            },
            "Period": PERIOD_SECONDS,
            "Stat": "Average",
        },
    }


def serve(settings: RdsExporterSettings) -> None:
    """Serves the metrics until the process is stopped."""
    registry = CollectorRegistry()
    metrics = RdsMetrics(registry)
    rds: Client = boto3.client("rds", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    cloudwatch: Client = boto3.client(
        "cloudwatch", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url
    )
    start_http_server(settings.metrics_port, addr=settings.pod_ip, registry=registry)
    poll("the instance", lambda: metrics.read(rds, cloudwatch, settings.rds_instance), settings.interval_seconds)
