"""The backups' age comes from the bucket, so it outlives every pod that makes one."""

import time
from collections.abc import Generator

import boto3
import pytest
from moto import mock_aws
from prometheus_client import CollectorRegistry

from app.operations.backup_exporter import BackupMetrics
from app.operations.backup_store import BackupStore
from app.operations.settings import BackupExporterSettings, OperationError
from components.monitoring.rules.redis import REDIS
from components.monitoring.thresholds import BACKUP_AGE
from components.settings.quantities import HOUR

BUCKET = "backups-of-a-test"
NEWEST = "redis_backup_last_success_timestamp_seconds"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Generator[BackupStore]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield BackupStore(
            BackupExporterSettings(
                pod_ip="127.0.0.1",
                metrics_port=9464,
                interval_seconds=60,
                aws_region="us-east-1",
                backup_bucket=BUCKET,
                backup_prefix="redis",
                redis_pairs="sessions data",
            )
        )


def _put(key: str, size: int) -> None:
    boto3.client("s3", region_name="us-east-1").put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)


def test_newest_backup_counts_and_a_pair_without_one_is_seen(store: BackupStore) -> None:
    registry = CollectorRegistry()
    metrics = BackupMetrics(registry)
    begun = time.time() - 1
    _put("redis/data/2026-11-25T00-00-00Z.rdb", 10)
    _put("redis/data/2026-11-25T06-00-00Z.rdb", 25)
    _put("elsewhere/sessions/2026-11-25T06-00-00Z.rdb", 99)
    metrics.read(store, ["sessions", "data"])
    assert registry.get_sample_value("redis_backup_stored", {"pair": "data"}) == 2
    assert registry.get_sample_value("redis_backup_stored", {"pair": "sessions"}) == 0
    assert registry.get_sample_value("redis_backup_last_size_bytes", {"pair": "data"}) == 25
    assert registry.get_sample_value(NEWEST, {"pair": "sessions"}) is None
    stored_at = registry.get_sample_value(NEWEST, {"pair": "data"})
    assert stored_at is not None
    assert begun <= stored_at <= time.time() + 1


def test_an_unreadable_bucket_leaves_the_last_time_to_grow_old(store: BackupStore) -> None:
    registry = CollectorRegistry()
    metrics = BackupMetrics(registry)
    _put("redis/data/2026-11-25T00-00-00Z.rdb", 10)
    metrics.read(store, ["data"])
    before = registry.get_sample_value(NEWEST, {"pair": "data"})
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.delete_object(Bucket=BUCKET, Key="redis/data/2026-11-25T00-00-00Z.rdb")
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(OperationError, match="can't be listed"):
        metrics.read(store, ["data"])
    assert registry.get_sample_value(NEWEST, {"pair": "data"}) == before


def test_the_alert_allows_for_one_missed_backup() -> None:
    alert = next(alert for alert in REDIS.alerts if alert.name == "RedisBackupAge")
    assert alert.expr == f"time() - {NEWEST} > {BACKUP_AGE}"
    assert 2 * 6 * HOUR < BACKUP_AGE < 3 * 6 * HOUR
