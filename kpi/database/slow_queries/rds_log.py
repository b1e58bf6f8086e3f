"""The log of an RDS instance, hour by hour, as the RDS API returns it.

It holds values of statements, so the caller's directory should be a temporary one.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

DAYS: Final = 7
"""As long as the declared `rds.log_retention_period` keeps it on the instance."""
_FIRST: Final = "0"
"""The marker of a file's beginning; without one RDS begins near the end."""

Client = Any
"""A boto3 client of RDS: its methods are made from AWS's service descriptions at run time."""


class NoLog(Exception):
    """RDS doesn't return the log; the message says why."""


def download(client: Client, instance: str, directory: Path, *, days: int = DAYS) -> list[Path]:
    """Write the instance's logs of the last `days` days into `directory`, oldest first. Raises NoLog, OSError.

    Needs the permissions rds:DescribeDBLogFiles and rds:DownloadDBLogFilePortion.
    """
    since = int((time.time() - days * 86400) * 1000)
    paths: list[Path] = []
    try:
        pages = client.get_paginator("describe_db_log_files").paginate(
            DBInstanceIdentifier=instance, FilenameContains="postgresql.log", FileLastWritten=since
        )
        names = [file["LogFileName"] for page in pages for file in page["DescribeDBLogFiles"]]
        # Names end with the hour; the same log as CSV, where it is on, would count everything twice.
        for name in sorted(name for name in names if not name.endswith(".csv")):
            path = directory / name.rpartition("/")[2]
            with path.open("w", encoding="utf-8") as file:
                file.writelines(_portions(client, instance, name))
            paths.append(path)
    except (BotoCoreError, ClientError) as error:
        raise NoLog(f"the log of {instance} can't be read: {error}") from None
    if not paths:
        raise NoLog(f"{instance} has no log of the last {days} days: is log_min_duration_statement set?")
    return paths


def _portions(client: Client, instance: str, name: str) -> Iterator[str]:
    marker = _FIRST
    while True:
        found = client.download_db_log_file_portion(DBInstanceIdentifier=instance, LogFileName=name, Marker=marker)
        yield found.get("LogFileData") or ""
        if not found["AdditionalDataPending"]:
            return
        marker = found["Marker"]
