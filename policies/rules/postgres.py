"""The RDS instance and its parameters."""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.postgres_parameters import parameters as parameters_of_version
from stack.resource import Resource, Stack, dig

_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
_INSTANCE = ("rds/instance:Instance",)

MEMORY_GIB: Mapping[str, float] = {
    "db.t4g.micro": 1,
    "db.t4g.small": 2,
    "db.t4g.medium": 4,
    "db.t4g.large": 8,
    "db.t4g.xlarge": 16,
    "db.m6g.large": 8,
    "db.m6g.xlarge": 16,
    "db.m7g.large": 8,
    "db.m7g.xlarge": 16,
    "db.m7g.2xlarge": 32,
    "db.r6g.large": 16,
    "db.r6g.xlarge": 32,
    "db.r7g.large": 16,
    "db.r7g.xlarge": 32,
    "db.r7g.2xlarge": 64,
}
"""Memory by instance class (AWS: Hardware specifications for DB instance classes)."""

_STATIC_OF_RDS = {"rds.logical_replication", "rds.restrict_password_commands", "rds.custom_dns_resolution"}
"""RDS's own parameters that take effect at a restart only (AWS: Working with parameters on RDS for PostgreSQL)."""


class FormulaError(ValueError):
    """A value is neither a number nor an RDS formula."""


def evaluated(value: str, memory: float) -> float:
    """A parameter's value as a number. RDS's formulas depend on the instance's memory in bytes.

    `{DBInstanceClassMemory/32768}`, `LEAST({DBInstanceClassMemory/9531392},5000)`, SUM, GREATEST, log (AWS: Specifying
    DB parameters). Raises FormulaError for anything else.
    """
    text = re.sub(r"DBInstanceClassMemory", repr(memory), value.replace("{", "(").replace("}", ")"))
    try:
        return _number(ast.parse(text, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError) as error:
        raise FormulaError(f"{value!r} is no number and no formula of RDS") from error


_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS = {"LEAST": min, "GREATEST": max, "SUM": lambda *parts: sum(parts), "LOG": math.log2}


def _number(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return float(_OPERATORS[type(op)](_number(left), _number(right)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name.upper() in _FUNCTIONS:
            return float(_FUNCTIONS[name.upper()](*(_number(argument) for argument in arguments)))
        case ast.Tuple(elts=[only]):
            return _number(only)
        case _:
            raise ValueError(ast.dump(node))


_MAX_CONNECTIONS = "LEAST({DBInstanceClassMemory/9531392},5000)"
"""RDS's own value where a group sets none."""


def max_connections(stack: Stack) -> Iterator[float]:
    """How many connections each database takes."""
    for instance in stack.of(*_INSTANCE):
        memory = MEMORY_GIB.get(str(instance.get("instanceClass")), 0) * 1024**3
        for _group, values in _groups(stack):
            value = values.get("max_connections", (_MAX_CONNECTIONS, ""))[0]
            if memory or value.isdigit():
                yield evaluated(value, memory)


def parameters_of(group: Resource) -> Mapping[str, tuple[str, str]]:
    """A parameter group's values and apply methods by name."""
    entries: list[Mapping[str, Any]] = group.get("parameters") or []
    return {
        str(dig(entry, "name")): (str(dig(entry, "value")), str(dig(entry, "applyMethod") or "immediate"))
        for entry in entries
    }


def _groups(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, tuple[str, str]]]]:
    for group in stack.of("rds/parameterGroup:ParameterGroup"):
        yield group, parameters_of(group)


def _primary(instance: Resource) -> bool:
    return "replicateSourceDb" not in instance.inputs


@rule(
    "postgres-encrypted",
    severity=Severity.CRITICAL,
    protects="Whoever gets hold of its snapshots or disks could read them.",
    fix="Set storage_encrypted=True; restore an existing instance from an encrypted snapshot.",
    link=f"{_RDS}/Overview.Encryption.html",
    types=_INSTANCE,
)
def encrypted(instance: Resource, _: Parameters) -> Findings:
    """The database's storage is encrypted."""
    if instance.get("storageEncrypted") is not True:
        yield Finding("the storage isn't encrypted", instance)


@rule(
    "postgres-not-public",
    severity=Severity.CRITICAL,
    protects="The internet could reach the database.",
    fix="Set publicly_accessible=False.",
    link=f"{_RDS}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    types=_INSTANCE,
)
def not_public(instance: Resource, _: Parameters) -> Findings:
    """The database has no public address."""
    if instance.get("publiclyAccessible") is not False:
        yield Finding("the instance is publicly accessible", instance)


@rule(
    "postgres-multi-az",
    severity=Severity.HIGH,
    protects="Losing a zone would stop the shop until a restore.",
    fix="Set simone:postgres.multi_az to true.",
    link=f"{_RDS}/Concepts.MultiAZSingleStandby.html",
    types=_INSTANCE,
)
def multi_az(instance: Resource, _: Parameters) -> Findings:
    """The database has a standby in another zone."""
    if _primary(instance) and instance.get("multiAz") is not True:
        yield Finding("the instance has no standby in another zone", instance)


@rule(
    "postgres-deletion-protection",
    severity=Severity.CRITICAL,
    protects="One wrong command would delete the database.",
    fix="Set simone:postgres.deletion_protection to true.",
    link=f"{_RDS}/USER_DeleteInstance.html",
    types=_INSTANCE,
)
def deletion_protection(instance: Resource, _: Parameters) -> Findings:
    """AWS refuses to delete the database."""
    if instance.get("deletionProtection") is not True:
        yield Finding("the instance can be deleted", instance)


@rule(
    "postgres-placed",
    severity=Severity.HIGH,
    protects="The default subnets may be public; other storage costs several times as much.",
    fix="Name a subnet group of the stack and an allowed storage type; leave the zone out, or "
    "name one of the region's.",
    link=f"{_RDS}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    types=_INSTANCE,
    parameters={"storage": ["gp3"]},
)
def placed(instance: Resource, parameters: Parameters) -> Findings:
    """The database is in the stack's subnets, on an allowed storage type, in a zone of the region."""
    if _primary(instance) and instance.get("dbSubnetGroupName") in (None, "default"):
        yield Finding("it is in the subnet group `default`", instance)
    if (storage := instance.get("storageType")) not in (None, *parameters["storage"]):
        yield Finding(f"its storage is {storage}; allowed are {', '.join(parameters['storage'])}", instance)
    zone = instance.get("availabilityZone")
    if zone is not None and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d[a-f]", str(zone)):
        yield Finding(f"{zone} is no availability zone", instance)


@rule(
    "postgres-changed-with-care",
    severity=Severity.HIGH,
    protects="A reboot would happen at once; a new major version would run untested.",
    fix="Leave apply_immediately and allow_major_version_upgrade off; an upgrade turns the second on in its commit.",
    link=f"{_RDS}/USER_ModifyInstance.ApplyImmediately.html",
    types=_INSTANCE,
)
def changed_with_care(instance: Resource, _: Parameters) -> Findings:
    """Changes wait for the maintenance window; the major version stays."""
    for name in ("applyImmediately", "allowMajorVersionUpgrade"):
        if instance.get(name):
            yield Finding(f"{name} is on", instance)


@rule(
    "postgres-final-snapshot",
    severity=Severity.HIGH,
    protects="The data would go with the instance.",
    fix="Set skip_final_snapshot=False and a final_snapshot_identifier.",
    link=f"{_RDS}/USER_DeleteInstance.html",
    types=_INSTANCE,
)
def final_snapshot(instance: Resource, _: Parameters) -> Findings:
    """Deleting the database leaves a snapshot."""
    if not _primary(instance):
        return
    if instance.get("skipFinalSnapshot") is True:
        yield Finding("no snapshot is taken when the instance is deleted", instance)
    elif not instance.get("finalSnapshotIdentifier"):
        yield Finding("the final snapshot has no name, so the deletion would fail", instance)


@rule(
    "postgres-backups",
    severity=Severity.CRITICAL,
    protects="A mistake found after the retention can't be undone.",
    fix="Raise simone:postgres.backup_retention to {days} days or more.",
    link=f"{_RDS}/USER_WorkingWithAutomatedBackups.html",
    types=_INSTANCE,
    parameters={"days": 7},
)
def backups(instance: Resource, parameters: Parameters) -> Findings:
    """The database's backups are kept long enough."""
    days = int(instance.get("backupRetentionPeriod") or 0)
    if _primary(instance) and days < parameters["days"]:
        yield Finding(f"backups are kept for {days} days, {parameters['days']} are needed", instance)


@rule(
    "postgres-tls-forced",
    severity=Severity.CRITICAL,
    protects="Passwords and customers' data would cross the network unencrypted.",
    fix="Set the parameter rds.force_ssl to 1.",
    link=f"{_RDS}/PostgreSQL.Concepts.General.SSL.html",
)
def tls_forced(stack: Stack, _: Parameters) -> Findings:
    """The database refuses connections without TLS."""
    for group, values in _groups(stack):
        if values.get("rds.force_ssl", ("", ""))[0] != "1":
            yield Finding("rds.force_ssl isn't 1", group)


@rule(
    "postgres-statement-logging",
    severity=Severity.MEDIUM,
    protects="Without slow statements in the log nobody finds them; all of them fill it with personal data.",
    fix="Set log_min_duration_statement between 1 and {slowest_ms} ms, an allowed log_statement, "
    "and pg_stat_statements.",
    link=f"{_RDS}/USER_LogAccess.Concepts.PostgreSQL.overview.parameter-groups.html",
    parameters={"slowest_ms": 1000, "log_statement": ["none", "ddl", "mod"]},
)
def statement_logging(stack: Stack, parameters: Parameters) -> Findings:
    """Postgres logs slow statements and no others."""
    for group, values in _groups(stack):
        slow = int(values.get("log_min_duration_statement", ("-1", ""))[0])
        if not 0 < slow <= parameters["slowest_ms"]:
            yield Finding(f"log_min_duration_statement is {slow} ms", group)
        logged = values.get("log_statement", ("none", ""))[0]
        if logged not in parameters["log_statement"]:
            yield Finding(f"log_statement is {logged}", group)
        if "pg_stat_statements" not in values.get("shared_preload_libraries", ("", ""))[0]:
            yield Finding("pg_stat_statements isn't loaded", group)


@rule(
    "postgres-apply-method",
    severity=Severity.HIGH,
    protects="RDS refuses to apply a static parameter at once, in the middle of an update.",
    fix="Give static parameters the apply method pending-reboot.",
    link=f"{_RDS}/USER_WorkingWithParamGroups.html",
)
def apply_method(stack: Stack, _: Parameters) -> Findings:
    """Each parameter exists in Postgres and has an apply method that RDS accepts."""
    for group, values in _groups(stack):
        known = parameters_of_version(_major(group.get("family")))
        if not known:
            yield Finding(f"the parameters of {group.get('family')} aren't known here: {_HOW_TO_KNOW}", group)
            continue
        loaded = {part.strip() for part in values.get("shared_preload_libraries", ("", ""))[0].split(",")}
        for name, (value, method) in values.items():
            extension, dot, _rest = name.partition(".")
            parameter = known.get(name)
            if method not in ("immediate", "pending-reboot"):
                yield Finding(f"{name} has the apply method {method}", group)
            elif method == "immediate" and (
                name in _STATIC_OF_RDS or (parameter and parameter.context == "postmaster")
            ):
                yield Finding(f"{name} takes effect at a restart only, but is to be applied at once", group)
            if parameter is None or (dot and extension not in loaded):
                if not (dot and extension in {"rds", *loaded}):
                    yield Finding(
                        f"{name} is no parameter of {group.get('family')}, nor of a library that it loads", group
                    )
            elif parameter.context == "internal":
                yield Finding(f"{name} can't be set: it is read-only in Postgres", group)
            elif fault := parameter.refuses(value):
                yield Finding(f"{name} {value!r} {fault}", group)


_HOW_TO_KNOW = "add the version to testing/postgres_programs.py and run python -m testing.postgres_parameters"


def _major(text: Any) -> int:
    """The major version in a family (postgres17) or an engine's version (17.4); 0 for what has none."""
    found = re.search(r"\d+", str(text))
    return int(found[0]) if found else 0


@rule(
    "postgres-versions-agree",
    severity=Severity.HIGH,
    protects="AWS refuses an instance whose parameter group has another major version.",
    fix="Derive both from one setting, as components/postgres does.",
    link=f"{_RDS}/USER_WorkingWithParamGroups.html",
)
def versions_agree(stack: Stack, _: Parameters) -> Findings:
    """Parameter group and instance have the same major version."""
    for group in stack.of("rds/parameterGroup:ParameterGroup"):
        for instance in stack.of(*_INSTANCE):
            versions = _major(group.get("family")), _major(instance.get("engineVersion"))
            used = instance.get("parameterGroupName") in (group.get("name"), group.name) or _primary(instance)
            if used and all(versions) and versions[0] != versions[1]:
                yield Finding(f"{group.get('family')} isn't the family of version {versions[1]}", group)


@rule(
    "postgres-parameters-fit",
    severity=Severity.HIGH,
    protects="With shared buffers beyond its memory Postgres doesn't start.",
    fix="Lower the parameters or choose a larger instance class, from which the shop derives them.",
    link=f"{_RDS}/Appendix.PostgreSQL.CommonDBATasks.Parameters.html",
    parameters={"buffers_share": 0.4, "cache_share": 0.9, "maintenance_share": 0.25, "work_share": 0.05},
)
def parameters_fit(stack: Stack, parameters: Parameters) -> Findings:
    """The memory parameters fit the instance."""
    kib, page = 1024, 8 * 1024
    for instance in stack.of(*_INSTANCE):
        class_ = str(instance.get("instanceClass"))
        if class_ not in MEMORY_GIB:
            yield Finding(f"the memory of a {class_} isn't known here: add it to MEMORY_GIB", instance)
            continue
        memory = MEMORY_GIB[class_] * 1024**3
        for group, values in _groups(stack):
            for name, unit, share in (
                ("shared_buffers", page, parameters["buffers_share"]),
                ("effective_cache_size", page, parameters["cache_share"]),
                ("maintenance_work_mem", kib, parameters["maintenance_share"]),
                ("work_mem", kib, parameters["work_share"]),
            ):
                size = evaluated(values.get(name, ("0", ""))[0], memory) * unit
                if size > share * memory:
                    yield Finding(
                        f"{name} is {size / 1024**3:.1f} GiB on a {class_} with {MEMORY_GIB[class_]:g} GiB",
                        group,
                    )


@rule(
    "postgres-log-retention",
    severity=Severity.MEDIUM,
    protects="Logs without an end cost more every month and keep personal data.",
    fix="Set retention_in_days on the log group.",
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    types=("cloudwatch/logGroup:LogGroup",),
    parameters={"days": 365},
)
def log_retention(group: Resource, parameters: Parameters) -> Findings:
    """Log groups delete their entries after at most `days`."""
    days = int(group.get("retentionInDays") or 0)
    if not 0 < days <= parameters["days"]:
        yield Finding(f"lines are kept for {f'{days} days' if days else 'ever'}", group)
