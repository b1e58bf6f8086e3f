"""Backups in S3: `<prefix>/<pair>/<UTC time>.rdb`, so that names sort by age."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from app.operations.settings import BucketSettings, OperationError

_FAILURES = (BotoCoreError, Boto3Error, ClientError)
_TIME = "%Y-%m-%dT%H-%M-%SZ"


@dataclass(frozen=True)
class Stored:
    """An object in the bucket. `sha256` is of the whole file, hexadecimal."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Listed:
    """An object as the bucket lists it. `stored_at`: when its upload was complete."""

    key: str
    size: int
    stored_at: datetime


class BackupStore:
    """The bucket's prefix with the pairs' backups."""

    def __init__(self, settings: BucketSettings) -> None:
        self._bucket, self._prefix = settings.backup_bucket, settings.backup_prefix
        self._s3: Any = boto3.client("s3", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)

    def put(self, pair: str, file: Path, sha256: str) -> Stored:
        """Stores the file as the pair's newest backup and verifies it. Raises `OperationError`."""
        key = f"{self._prefix}/{pair}/{datetime.now(UTC).strftime(_TIME)}.rdb"
        try:
            self._s3.upload_file(str(file), self._bucket, key, ExtraArgs={"Metadata": {"sha256": sha256}})
            found = self._s3.head_object(Bucket=self._bucket, Key=key)
        except _FAILURES as error:
            raise OperationError(f"s3://{self._bucket}/{key} can't be written: {error}") from error
        size = file.stat().st_size
        if found["ContentLength"] != size:
            raise OperationError(f"s3://{self._bucket}/{key} has {found['ContentLength']} bytes of {size}")
        return Stored(key=key, size=size, sha256=sha256)

    def newest(self, pair: str) -> str:
        """The key of the pair's newest backup. Raises `OperationError` when there is none."""
        return self.keys(pair)[-1]

    def keys(self, pair: str) -> list[str]:
        """All backups of a pair, oldest first. Raises `OperationError` when there is none."""
        keys = [listed.key for listed in self.listed(pair)]
        if not keys:
            raise OperationError(f"there is no backup in s3://{self._bucket}/{self._prefix}/{pair}/")
        return keys

    def listed(self, pair: str) -> list[Listed]:
        """A pair's backups, oldest first; empty where there is none. Raises `OperationError`."""
        prefix = f"{self._prefix}/{pair}/"
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            found = [
                Listed(key=item["Key"], size=item["Size"], stored_at=item["LastModified"])
                for page in pages
                for item in page.get("Contents", ())
            ]
        except _FAILURES as error:
            raise OperationError(f"s3://{self._bucket}/{prefix} can't be listed: {error}") from error
        return sorted(found, key=lambda listed: listed.key)

    def get(self, key: str, file: Path) -> Stored:
        """Downloads a backup into `file`. Raises `OperationError`."""
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=key)
            self._s3.download_file(self._bucket, key, str(file))
        except _FAILURES as error:
            raise OperationError(f"s3://{self._bucket}/{key} can't be read: {error}") from error
        return Stored(key=key, size=found["ContentLength"], sha256=found["Metadata"].get("sha256", ""))
