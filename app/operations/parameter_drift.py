"""Compares the RDS instance's parameters, in its group and in the running database, with the declared ones.

RDS reports for a whole group whether it waits for a reboot; only the database knows which parameters wait.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from app.operations.database_connection import connected
from app.operations.report import report
from app.operations.settings import DriftSettings, OperationError

PENDING_REBOOT = "pending-reboot"
_BOOLEANS = {"on": "1", "off": "0", "true": "1", "false": "0"}


@dataclass(frozen=True)
class Drift:
    """One difference: a parameter whose value in RDS isn't the declared one, or one that nobody declared."""

    name: str
    declared: str | None
    found: str | None

    def __str__(self) -> str:
        if self.declared is None:
            return f"{self.name} is set to {self.found} and not declared"
        return f"{self.name} is {self.found or 'not set'} and declared as {self.declared}"


@dataclass(frozen=True)
class AppliedParameters:
    """What RDS reports: the instance's parameter group, how far it is applied, and the group's values."""

    group: str
    apply_status: str
    values: Mapping[str, str]
    """Values that somebody set; the defaults are left out."""


@dataclass(frozen=True)
class Waiting:
    """A declared value that the group has and the running database doesn't. `apply_method` is the declared one."""

    name: str
    declared: str
    running: str
    apply_method: str

    def __str__(self) -> str:
        waits_for = "a reboot" if self.apply_method == PENDING_REBOOT else "RDS to apply it"
        return f"{self.name} still is {self.running} and waits for {waits_for} to become {self.declared}"


def compare(declared: Mapping[str, str], answer: AppliedParameters) -> list[Drift]:
    """Differences by name. Values are compared without regard to case, as Postgres reads them."""
    names = sorted({*declared, *answer.values})
    return [
        Drift(name, declared.get(name), answer.values.get(name))
        for name in names
        if (declared.get(name) or "").lower() != (answer.values.get(name) or "").lower()
    ]


def waiting(rows: Sequence[Mapping[str, str]], running: Mapping[str, str]) -> list[Waiting]:
    """Declared parameters that the database doesn't run with yet, without those that Postgres doesn't have
    (`rds.…`).
    """
    return [
        Waiting(row["name"], row["value"], running[row["name"]], row["apply_method"])
        for row in rows
        if row["name"] in running and not _same(row["value"], running[row["name"]])
    ]


def _same(declared: str, running: str) -> bool:
    """Whether a value of `pg_settings` is the declared one. RDS adds entries of its own to lists."""
    wanted, found = declared.lower(), running.lower()
    if "," in wanted:
        return {part.strip() for part in wanted.split(",")} <= {part.strip() for part in found.split(",")}
    return _BOOLEANS.get(wanted, wanted) == _BOOLEANS.get(found, found)


def declared_rows(file: Path) -> Sequence[Mapping[str, str]]:
    """The declared parameters: name, value and apply_method of each."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise OperationError(f"{file} can't be read: {error}") from None


async def running_values(settings: DriftSettings, names: Sequence[str]) -> dict[str, str]:
    """The running values, each in its parameter's own unit. Raises `OperationError` if the database can't be
    reached.
    """
    async with connected(settings) as connection:
        rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])", names)
    return {row["name"]: row["setting"] for row in rows}


def ask(instance: str, client: Any) -> AppliedParameters:
    """What RDS reports of the instance's parameters. Raises `OperationError`."""
    try:
        found = client.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]
        group = found["DBParameterGroups"][0]
        name: str = group["DBParameterGroupName"]
        pages = client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name, Source="user")
        values = {
            row["ParameterName"]: row["ParameterValue"]
            for page in pages
            for row in page["Parameters"]
            if "ParameterValue" in row
        }
    except (BotoCoreError, ClientError) as error:
        raise OperationError(f"RDS doesn't describe {instance}: {error}") from error
    return AppliedParameters(group=name, apply_status=group.get("ParameterApplyStatus", "unknown"), values=values)


def drift(settings: DriftSettings) -> None:
    """Reports every difference and everything that waits. Raises `OperationError` when there is either."""
    client: Any = boto3.client("rds", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    answer = ask(settings.database_instance, client)
    rows = declared_rows(settings.declared_parameters)
    running = asyncio.run(running_values(settings, [row["name"] for row in rows]))
    reasons = judge(settings.database_instance, rows, answer, running)
    if reasons:
        raise OperationError("; ".join(reasons))


def judge(
    instance: str, rows: Sequence[Mapping[str, str]], answer: AppliedParameters, running: Mapping[str, str]
) -> tuple[str, ...]:
    """Reports the findings and returns what has to be done: nothing if all is as declared."""
    declared = {row["name"]: row["value"] for row in rows}
    differences = compare(declared, answer)
    different = {difference.name for difference in differences}
    # A value that the group lacks is reported as a difference already.
    late = [one for one in waiting(rows, running) if one.name not in different]
    for difference in differences:
        report(
            "parameter differs",
            parameter=difference.name,
            declared=difference.declared,
            found=difference.found,
            group=answer.group,
        )
    for one in late:
        report(
            "parameter waits",
            parameter=one.name,
            declared=one.declared,
            running=one.running,
            apply_method=one.apply_method,
        )
    report(
        "parameters compared",
        instance=instance,
        group=answer.group,
        declared=len(declared),
        different=len(differences),
        waiting=len(late),
        apply_status=answer.apply_status,
    )
    reasons = [*map(str, differences), *map(str, late)]
    if answer.apply_status == PENDING_REBOOT or any(one.apply_method == PENDING_REBOOT for one in late):
        reasons.append(f"reboot {instance}, in its maintenance window: only then do static parameters take effect")
    return tuple(reasons)
