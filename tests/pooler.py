"""A pgBouncer process with the declared texts; only addresses and paths are a test's own."""

import contextlib
import signal
import socket
import subprocess
import time
from pathlib import Path

import asyncpg

from components.pgbouncer.pgbouncer_ini import LISTEN_PORT, pgbouncer_ini, userlist
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE, PORT
from components.secrets import PostgresSecrets
from kpi.database.cluster import FOLLOWING, UNPRIVILEGED, Cluster


class PgBouncer:
    """pgBouncer in front of `cluster`. `users` and `databases` replace what is declared, to see what is then said."""

    def __init__(
        self, directory: Path, cluster: Cluster, secrets: PostgresSecrets, settings: PgBouncerSettings
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._directory = directory
        self._cluster = cluster
        self._secrets = secrets
        directory.chmod(0o755)
        self.log = directory / "pgbouncer.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(settings)

    def configure(
        self, settings: PgBouncerSettings, *, users: PostgresSecrets | None = None, database: str = DATABASE
    ) -> None:
        """Write its files; the next start reads them."""
        passwords = self._directory / "userlist.txt"
        passwords.write_text(userlist(users or self._secrets))
        (self._directory / "pgbouncer.ini").write_text(
            pgbouncer_ini(settings)
            .replace(f"{DATABASE} = ", f"{database} = ")
            .replace("${DATABASE_HOST}", str(self._cluster.directory))
            .replace(f" port={PORT} ", f" port={self._cluster.settings.get('port', PORT)} ")
            .replace("${POD_IP}", "127.0.0.1")
            .replace(f"listen_port = {LISTEN_PORT}", f"listen_port = {self.port}")
            .replace("/etc/pgbouncer-secrets/userlist.txt", str(passwords))
        )

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*UNPRIVILEGED, *FOLLOWING, "/usr/sbin/pgbouncer", str(self._directory / "pgbouncer.ini")],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it: at once, or as the pod's start script does (INT: the transactions that run are finished first)."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    async def connect(
        self, *, password: str | None = None, database: str = DATABASE, statement_cache_size: int = 0
    ) -> asyncpg.Connection:
        """A connection of the application's role."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user=APP,
            password=password or self._secrets.app.get_secret_value(),
            database=database,
            statement_cache_size=statement_cache_size,
            timeout=60,
        )
