"""AWS's own data on an environment's database before a plan: versions, classes, quotas, pending changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from components.platform import PROJECT
from components.postgres.settings import PostgresSettings
from components.settings.quantities import GIB
from stack.environments import stack_config

ENGINE: Final = "postgres"
PENDING: Final[Mapping[str, str]] = {
    "AllocatedStorage": "allocatedStorage",
    "BackupRetentionPeriod": "backupRetentionPeriod",
    "CACertificateIdentifier": "caCertIdentifier",
    "DBInstanceClass": "instanceClass",
    "EngineVersion": "engineVersion",
    "IAMDatabaseAuthenticationEnabled": "iamDatabaseAuthenticationEnabled",
    "Iops": "iops",
    "MultiAZ": "multiAz",
    "StorageThroughput": "storageThroughput",
    "StorageType": "storageType",
}
"""RDS's pending changes (`PendingModifiedValues`), by the provider's property names."""


class AccountError(Exception):
    """AWS doesn't answer or refuses; the message has its reason."""


class Rds(Protocol):
    """The part of boto3's client that is used here."""

    def get_paginator(self, operation_name: str, /) -> Any: ...
    def describe_account_attributes(self) -> Mapping[str, Any]: ...
    def describe_db_instances(self, *, DBInstanceIdentifier: str) -> Mapping[str, Any]: ...


def client(environment: str) -> Rds | None:
    """RDS in the environment's region, with the caller's own credentials; None where there are none."""
    session = boto3.Session(region_name=stack_config(environment)["aws:region"])
    return cast(Rds, session.client("rds")) if session.get_credentials() else None


def database(environment: str) -> tuple[str, PostgresSettings]:
    """The instance's name and its settings."""
    settings = PostgresSettings.model_validate(stack_config(environment).get(f"{PROJECT}:postgres") or {})
    return f"{PROJECT}-{environment}-postgres", settings


def faults(environment: str, rds: Rds) -> list[str]:
    """What AWS would refuse, or what exceeds a quota, one line each. Raises `AccountError`."""
    identifier, settings = database(environment)
    try:
        found = _instance(rds, identifier)
        if found is not None and found["EngineVersion"].startswith(settings.engine_version):
            return []  # an instance that exists isn't created again
        offered = _versions(rds)
        wanted = settings.engine_version
        versions = [version for version in offered if _is(wanted, version)]
        if not versions:
            told = f"{PROJECT}:postgres.engine_version is {wanted}, which AWS doesn't offer in this region"
            return [f"{told}; it offers {', '.join(offered)}"]
        return [*_not_orderable(rds, settings, versions[-1]), *_beyond_quota(rds, settings, exists=found is not None)]
    except (BotoCoreError, ClientError) as error:
        raise AccountError(f"AWS doesn't say what it offers: {error}") from error


def waiting(environment: str, rds: Rds) -> dict[str, str]:
    """Changes that RDS has accepted for the maintenance window: values by the provider's property names.

    Raises `AccountError`.
    """
    try:
        found = _instance(rds, database(environment)[0])
    except (BotoCoreError, ClientError) as error:
        raise AccountError(f"RDS doesn't say what waits for the maintenance window: {error}") from error
    pending: Mapping[str, Any] = found["PendingModifiedValues"] if found else {}
    return {PENDING[name]: _text(value) for name, value in pending.items() if name in PENDING}


def without_waiting(preview: Mapping[str, Any], instance: str, pending: Mapping[str, str]) -> dict[str, Any]:
    """A preview's JSON without the instance's update, if that only repeats what is pending already."""
    steps = [_settled(step, instance, pending) for step in preview.get("steps") or ()]
    return {**preview, "steps": steps}


def _settled(step: Mapping[str, Any], instance: str, pending: Mapping[str, str]) -> Mapping[str, Any]:
    wanted: Mapping[str, Any] = (step.get("newState") or {}).get("inputs") or {}
    changed = sorted(step.get("detailedDiff") or step.get("diffReasons") or ())
    if step.get("op") != "update" or wanted.get("identifier") != instance or not changed:
        return step
    if not all(name in pending and _is(_text(wanted.get(name)), pending[name]) for name in changed):
        return step
    return {
        **{key: value for key, value in step.items() if key not in ("detailedDiff", "diffReasons")},
        "op": "same",
        "newState": step.get("oldState"),
    }


def _is(wanted: str, pending: str) -> bool:
    """Whether they are equal; a major version equals any of its minor ones."""
    return pending == wanted or pending.startswith(f"{wanted}.")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _instance(rds: Rds, identifier: str) -> Mapping[str, Any] | None:
    try:
        return rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            return None
        raise


def _versions(rds: Rds) -> list[str]:
    """The versions that can be created, oldest first."""
    pages = rds.get_paginator("describe_db_engine_versions").paginate(Engine=ENGINE)
    offered = [
        str(row["EngineVersion"])
        for page in pages
        for row in page["DBEngineVersions"]
        if row.get("Status", "available") == "available"
    ]
    return sorted(offered, key=lambda version: [int(part) for part in version.split(".") if part.isdigit()])


def _not_orderable(rds: Rds, settings: PostgresSettings, version: str) -> Iterator[str]:
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(
        Engine=ENGINE, EngineVersion=version, DBInstanceClass=settings.instance_class
    )
    options: Sequence[Mapping[str, Any]] = [row for page in pages for row in page["OrderableDBInstanceOptions"]]
    with_volume = [row for row in options if row.get("StorageType") == "gp3"]
    named = f"{PROJECT}:postgres.instance_class is {settings.instance_class}"
    if not with_volume:
        yield f"{named}, which this region doesn't offer for Postgres {version} on gp3; choose another class"
    elif settings.multi_az and not any(row.get("MultiAZCapable") for row in with_volume):
        yield f"{named}, which this region doesn't offer in two zones; choose another, or multi_az: false"


def _beyond_quota(rds: Rds, settings: PostgresSettings, *, exists: bool) -> Iterator[str]:
    if exists:
        return
    quotas = {row["AccountQuotaName"]: row for row in rds.describe_account_attributes()["AccountQuotas"]}
    needs = {
        "DBInstances": (1 + settings.replica, "database instances"),
        "AllocatedStorage": (settings.storage // GIB, "GiB of database storage"),
    }
    for name, (more, what) in needs.items():
        quota = quotas.get(name)
        if quota is not None and quota["Used"] + more > quota["Max"]:
            yield (
                f"the account has {quota['Used']} of {quota['Max']} {what}, and {more} more are declared; raise the "
                "quota (Service Quotas, Amazon RDS) or delete what isn't needed"
            )
