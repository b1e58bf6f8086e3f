"""Compares the parameters that the RDS instance has with the declared ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from app.operations.report import report
from app.operations.settings import DriftSettings, OperationError


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
class Answer:
    """What RDS says: the instance's parameter group, how far it is applied, and the group's own values."""

    group: str
    apply_status: str
    values: Mapping[str, str]
    """Values that somebody set; the defaults are left out."""


def compare(declared: Mapping[str, str], answer: Answer) -> list[Drift]:
    """Differences by name. Values are compared without regard to case, as Postgres reads them."""
    names = sorted({*declared, *answer.values})
    return [
        Drift(name, declared.get(name), answer.values.get(name))
        for name in names
        if (declared.get(name) or "").lower() != (answer.values.get(name) or "").lower()
    ]


def declared_values(file: Path) -> dict[str, str]:
    """The declared parameters by name."""
    try:
        rows: Sequence[Mapping[str, str]] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise OperationError(f"{file} can't be read: {error}") from None
    return {row["name"]: row["value"] for row in rows}


def ask(instance: str, client: Any) -> Answer:
    """What RDS says of the instance's parameters."""
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
    return Answer(group=name, apply_status=group.get("ParameterApplyStatus", "unknown"), values=values)


def drift(settings: DriftSettings) -> None:
    """Reports every difference, and a reboot that is due. Raises `OperationError` when there is either."""
    client: Any = boto3.client("rds", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    answer = ask(settings.database_instance, client)
    declared = declared_values(settings.declared_parameters)
    differences = compare(declared, answer)
    for difference in differences:
        report(
            "parameter differs",
            parameter=difference.name,
            declared=difference.declared,
            found=difference.found,
            group=answer.group,
        )
    report(
        "parameters compared",
        instance=settings.database_instance,
        group=answer.group,
        declared=len(declared),
        different=len(differences),
        apply_status=answer.apply_status,
    )
    reasons = [str(difference) for difference in differences]
    if answer.apply_status == "pending-reboot":
        reasons.append(f"{settings.database_instance} must be rebooted before static parameters take effect")
    if reasons:
        raise OperationError("; ".join(reasons))
