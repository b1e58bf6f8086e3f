"""A real Postgres to measure and test on: temporary directory, Unix socket, no privilege, durable only if asked for."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

from testing.postgres_programs import declared_major, install
from testing.waits import PATIENCE, eventually

OWNER = "simone_owner"
NOBODY = pwd.getpwnam("nobody")
UNPRIVILEGED = (
    ("unshare", "--user", f"--map-user={NOBODY.pw_uid}", f"--map-group={NOBODY.pw_gid}") if os.geteuid() == 0 else ()
)
"""Postgres refuses to run as root: in its own user namespace, root gets another user's number."""


FOLLOWING = ("setpriv", "--pdeathsig", "INT")
"""Stops the server when the process that started it is gone, for any reason."""


class Cluster:
    """One server process and its data; `with Cluster() as cluster:` stops it and deletes the data.

    `major`: its major version; without it, the one that `prod` declares. Raises PostgresMissing.
    """

    def __init__(
        self, settings: Mapping[str, str] | None = None, *, durable: bool = False, major: int | None = None
    ) -> None:
        self._programs = install(major or declared_major())
        self.directory = Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self.settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "shared_buffers": "128MB",
            "max_connections": "100",
            "shared_preload_libraries": "pg_stat_statements,auto_explain",
            "pg_stat_statements.track": "all",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
            "effective_cache_size": "2GB",
            "work_mem": "20MB",
        }
        if not durable:
            # Not synchronous_commit: VACUUM marks no page all-visible whose commits aren't known to be on disk.
            self.settings |= {"fsync": "off", "full_page_writes": "off"}
        self.settings |= settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.initialise()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def initialise(self) -> None:
        """Create the data directory: the owner logs in without a password, everyone else by SCRAM."""
        subprocess.run(
            [*UNPRIVILEGED, self._programs / "initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
             f"--username={OWNER}", "--auth=trust", f"--pgdata={self.data}"],
            check=True, capture_output=True,
        )  # fmt: skip
        (self.data / "pg_hba.conf").write_text(
            f"local all {OWNER} trust\nlocal all all scram-sha-256\nhost all all all scram-sha-256\n"
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        arguments = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*UNPRIVILEGED, *FOLLOWING, self._programs / "postgres", "-D", self.data, *arguments],
                stdout=log,
                stderr=log,
            )
        eventually(self._ready, f"Postgres is ready ({self.log})")

    def _ready(self) -> bool:
        """Whether it accepts connections, as pg_ctl knows: by the last line of postmaster.pid (miscadmin.h,
        LOCK_FILE_LINE_PM_STATUS). Raises RuntimeError with its log when it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"Postgres did not start:\n{self.log.read_text()[-3000:]}")
        file = self.data / "postmaster.pid"
        lines = file.read_text().splitlines() if file.exists() else []
        own = lines[:1] == [str(self._process.pid)]
        return own and len(lines) >= 8 and lines[7].strip() == "ready"

    @property
    def port(self) -> str:
        """The port in its socket's name, on which it also listens if it listens on TCP."""
        return self.settings.get("port", "5432")

    def stop(self, how: str = "fast") -> None:
        """Stop the server: `fast` ends its sessions, `immediate` is a crash."""
        if self._process is None:
            return
        if self._process.poll() is None:
            subprocess.run(
                [*UNPRIVILEGED, self._programs / "pg_ctl", "stop", "-m", how, "-D", self.data],
                check=True, capture_output=True,
            )  # fmt: skip
        self._process.wait(PATIENCE)
        self._process = None

    def dsn(self, database: str = "postgres", user: str = OWNER, password: str | None = None) -> str:
        """The URL of a database in this cluster."""
        secret = f":{quote(password, safe='')}" if password is not None else ""
        return f"postgresql://{user}{secret}@/{database}?{urlencode({'host': str(self.directory)})}"
