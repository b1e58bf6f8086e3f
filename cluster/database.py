"""`python -m cluster.database`: the declared RDS instance as a Postgres of its major version outside the cluster.

It listens with TLS in the control plane's network; the certificate is for the host name that the stack is given.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cluster.layout import CONTROL, CONTROL_NAMESPACE, PKI, STATE
from cluster.network import inside
from local import database
from local.problem import Problem
from testing.postgres_programs import folder

NAME = "database"
HOME = STATE / "database"
_SEEN = "/run/database"
"""Where its process sees HOME: a path that is short enough for its socket and that its user may enter."""
_SEEN_PROGRAMS = "/run/database-programs"


def command(major: int) -> list[str]:
    """The command that starts it."""
    namespaces = ("--mount", "--propagation", "private")
    return inside(CONTROL_NAMESPACE, "unshare", *namespaces, sys.executable, "-m", "cluster.database", str(major))


def prepare(instance: database.Instance, superuser_password: str) -> None:
    """Write its configuration, from the parameter group, and the files that it is created from."""
    files = {
        "etc/postgres/postgresql.conf": database.postgresql_conf(instance.parameters, CONTROL, _SEEN),
        "etc/postgres/pg_hba.conf": database.pg_hba_conf(instance.parameters, "10.10.0.0/16"),
        "etc/postgres/pg_ident.conf": "",
        "etc/passwd": f"postgres:x:{database.UID}:{database.UID}::/:/bin/sh\n",  # initdb asks who it is
        "etc/bootstrap/start.sh": database.create_script(_SEEN),
        "etc/bootstrap/superuser-password": superuser_password + "\n",
        "etc/bootstrap/roles.sql": database.roles_sql(instance),
        "etc/bootstrap/database.sql": database.database_sql(),
        "etc/bootstrap/database": instance.database,
    }
    for name, text in files.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
    tls = HOME / "etc/postgres-tls"
    for name in ("etc/postgres-tls", "run/postgresql", "data"):
        (HOME / name).mkdir(parents=True, exist_ok=True)
    for kind in ("crt", "key"):
        shutil.copyfile(PKI / f"database.{kind}", tls / f"server.{kind}")
        (tls / f"server.{kind}").chmod(0o600)
    for path in (HOME, *HOME.rglob("*")):
        os.chown(path, database.UID, database.UID, follow_symlinks=False)
    (HOME / "data").chmod(0o700)


def main(major: int) -> None:
    """Create the database if it is missing, then become its server."""
    for source, seen in ((HOME, _SEEN), (folder(major).parent.resolve(), _SEEN_PROGRAMS)):
        if seen == _SEEN:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        Path(seen).mkdir()
        subprocess.run(["mount", "--bind", source, seen], check=True)
    subprocess.run(["mount", "--bind", f"{_SEEN}/etc/passwd", "/etc/passwd"], check=True)
    os.setgroups([])
    os.setgid(database.UID)
    os.setuid(database.UID)
    environment = {
        "PATH": f"{_SEEN_PROGRAMS}/bin:/usr/bin:/bin",
        "DATABASE": Path(f"{_SEEN}/etc/bootstrap/database").read_text(),
        "LC_ALL": "C.UTF-8",
        "PGTZ": "UTC",
        "TZ": "UTC",
    }
    os.chdir(_SEEN)
    made = subprocess.run(["sh", f"{_SEEN}/etc/bootstrap/start.sh"], env=environment, check=False)
    if made.returncode:
        raise Problem("the database could not be created; its messages are above")
    arguments = ["postgres", "-D", f"{_SEEN}/data", "-c", f"config_file={_SEEN}/etc/postgres/postgresql.conf"]
    os.execvpe("postgres", arguments, environment)  # noqa: S606 (without a shell)


if __name__ == "__main__":
    main(int(sys.argv[1]))
