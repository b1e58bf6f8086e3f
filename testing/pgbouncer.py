"""A real pgBouncer with the declared configuration: only addresses and paths differ."""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import asyncpg

from components.pgbouncer.pgbouncer_ini import pgbouncer_ini, userlist
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE
from components.settings.secrets import PostgresSecrets
from testing.postgres import FOLLOWING, UNPRIVILEGED, Cluster
from testing.waits import PATIENCE, eventually, free_port


class PgBouncer:
    """pgBouncer in front of `cluster`; `with PgBouncer(…) as pool:` stops it and deletes its files.

    It connects through the cluster's Unix socket, or by TCP where `host` is given.
    """

    def __init__(
        self, cluster: Cluster, secrets: PostgresSecrets, settings: PgBouncerSettings, *, host: str | None = None
    ) -> None:
        self._secrets = secrets
        self._host = host or str(cluster.directory)
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._directory.chmod(0o755)
        self._cluster = cluster
        self.log = self._directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._configure(settings, secrets, DATABASE)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _configure(self, settings: PgBouncerSettings, secrets: PostgresSecrets, database: str) -> None:
        """Write its files, which the next start reads."""
        passwords = self._directory / "userlist.txt"
        passwords.write_text(userlist(secrets))
        ini = pgbouncer_ini(settings, secrets).replace(f"{DATABASE} = ", f"{database} = ")
        for found, meant in (
            (r"\$\{DATABASE_HOST\} port=\d+", f"{self._host} port={self._cluster.port}"),
            (r"\$\{POD_IP\}", "127.0.0.1"),
            (r"(?m)^listen_port = .*", f"listen_port = {self.port}"),
            (r"(?m)^auth_file = .*", f"auth_file = {passwords}"),
        ):
            ini = re.sub(found, meant, ini)
        (self._directory / "pgbouncer.ini").write_text(ini)

    @property
    def pid(self) -> int:
        """The process's id, while it runs."""
        if self._process is None:
            raise RuntimeError("pgBouncer isn't running")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*UNPRIVILEGED, *FOLLOWING, "/usr/sbin/pgbouncer", str(self._directory / "pgbouncer.ini")],
                stdout=log,
                stderr=log,
            )

        def listens() -> bool:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"pgBouncer did not start:\n{self.log.read_text()[-3000:]}")
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True

        eventually(listens, f"pgBouncer listens ({self.log})")

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it at once, or as the pod's start script does (SIGINT: running transactions finish first)."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def restart(
        self, settings: PgBouncerSettings, *, users: PostgresSecrets | None = None, database: str = DATABASE
    ) -> None:
        """Kill it and start it with other settings, users or another database name."""
        self.stop()
        self._configure(settings, users or self._secrets, database)
        self.start()

    async def connect(self, *, password: str | None = None, database: str = DATABASE) -> Any:
        """A connection of the application's role."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user=APP,
            password=password or self._secrets.app.get_secret_value(),
            database=database,
            statement_cache_size=0,
            server_settings={"client_encoding": "UTF8"},  # as the API does (app/api/shop.py)
            timeout=60,
        )
