"""What the backups' bucket refuses is one error that says what, and no traceback: other pairs still get theirs."""

from collections.abc import Generator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from app.operations.backup_store import BackupStore
from app.operations.settings import BucketSettings, OperationError

BUCKET, REGION = "backups-of-a-test", "us-east-1"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Generator[BackupStore]:
    """A store without its bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield BackupStore(BucketSettings(aws_region=REGION, backup_bucket=BUCKET, backup_prefix="redis"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.rdb"
    path.write_bytes(b"REDIS0010" * 100)
    return path


def test_a_backup_is_found_again_as_it_was_stored(store: BackupStore, file: Path, tmp_path: Path) -> None:
    boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
    stored = store.put("data", file, "a-digest")
    assert store.newest("data") == stored.key
    back = store.get(stored.key, tmp_path / "back.rdb")
    assert back == stored
    assert (tmp_path / "back.rdb").read_bytes() == file.read_bytes()


def test_a_refused_upload_names_the_object(store: BackupStore, file: Path) -> None:
    with pytest.raises(OperationError, match=rf"s3://{BUCKET}/redis/data/.*\.rdb can't be written: .*NoSuchBucket"):
        store.put("data", file, "a-digest")


def test_a_missing_backup_names_the_object(store: BackupStore, tmp_path: Path) -> None:
    boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
    with pytest.raises(OperationError, match=rf"s3://{BUCKET}/redis/data/none.rdb can't be read"):
        store.get("redis/data/none.rdb", tmp_path / "back.rdb")
    with pytest.raises(OperationError, match="there is no backup in"):
        store.newest("data")
