"""An RDB file on disk: taken from a node, checked, fingerprinted."""

import hashlib
import os
import subprocess
from pathlib import Path

from app.operations.redis_nodes import PORT, USER, Login
from app.operations.settings import OperationError


def dump(address: str, login: Login, file: Path) -> None:
    """Downloads a node's data set as a replica would. The password is passed in the environment, not in argv."""
    tls = ["--tls", "--cacert", str(login.ca_file)] if login.ca_file else []
    command = ["redis-cli", *tls, "-h", address, "-p", str(PORT), "--user", USER, "--rdb", str(file)]
    done = subprocess.run(
        command, env=os.environ | {"REDISCLI_AUTH": login.password}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not file.exists() or file.stat().st_size == 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no data came"]
        raise OperationError(f"no snapshot from {address}: {last[0]}")


def check(file: Path) -> int:
    """Checks the whole file with Redis's checker. Returns its number of keys; raises `OperationError` if it is
    damaged.
    """
    done = subprocess.run(["redis-check-rdb", str(file)], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not any("RDB looks OK" in line for line in lines):
        raise OperationError(f"redis-check-rdb rejects {file.name}: {(lines or [done.stderr.strip()])[-1]}")
    return next((int(line.split()[1]) for line in lines if line.endswith("keys read")), 0)


def sha256(file: Path) -> str:
    """The file's SHA-256, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
