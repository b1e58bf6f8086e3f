"""Debian packages with the programs that stand for container images: what is missing, and installing it.

Installing starts no server and touches none that runs: `policy-rc.d` refuses for the time of the call, and
PostgreSQL's package makes no cluster.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from local.problem import Problem

POLICY = Path("/usr/sbin/policy-rc.d")
_NO_START = "#!/bin/sh\n# Written while packages for the local environment are installed: starts no server.\nexit 101\n"
_CLUSTER_SETTING = Path("/etc/postgresql-common/createcluster.conf")


def install_command(packages: Sequence[str]) -> str:
    """The one line that a person with the right can run."""
    names = " ".join(packages)
    return (
        'sudo sh -c \'printf "#!/bin/sh\\nexit 101\\n" > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d; '
        "mkdir -p /etc/postgresql-common; "
        "echo create_main_cluster=false >> /etc/postgresql-common/createcluster.conf; "
        f"apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {names}; "
        "rm /usr/sbin/policy-rc.d'"
    )


def _privilege() -> list[str] | None:
    """The words before a command that make it root's, or None where this user has no way to."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return [sudo, "-n"] if allowed.returncode == 0 else None


def install(packages: Iterable[str]) -> None:
    """Install Debian packages. Problem with the line to run when this user may not."""
    wanted = sorted(set(packages))
    if not wanted:
        return
    privilege = _privilege()
    if privilege is None:
        raise Problem(
            f"these Debian packages are missing: {' '.join(wanted)}. Installing needs root, and this user has no sudo "
            f"without a password. Run this line, then try again:\n  {install_command(wanted)}"
        )
    with _no_server_starts(privilege):
        _run([*privilege, "apt-get", "update", "-qq"])
        environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
        _run([*privilege, *environment, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise Problem(f"{' '.join(command)} failed:\n{last}")


def _write(privilege: Sequence[str], path: Path, text: str, mode: str) -> None:
    subprocess.run([*privilege, "mkdir", "-p", str(path.parent)], check=True)
    subprocess.run([*privilege, "tee", str(path)], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*privilege, "chmod", mode, str(path)], check=True)


@contextlib.contextmanager
def _no_server_starts(privilege: Sequence[str]) -> Generator[None]:
    """While it lasts, no package starts a server. A policy of the machine's own is put back afterwards."""
    own = POLICY.read_text() if POLICY.exists() else None
    if not _CLUSTER_SETTING.exists():
        _write(privilege, _CLUSTER_SETTING, "create_main_cluster = false\n", "644")
    _write(privilege, POLICY, _NO_START, "755")
    try:
        yield
    finally:
        if own is None:
            subprocess.run([*privilege, "rm", "-f", str(POLICY)], check=True)
        else:
            _write(privilege, POLICY, own, "755")
