"""A real pgBouncer with the declared configuration, in front of a `Cluster`: only addresses and paths are its own."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from kpi.database.cluster import FOLLOWING, UNPRIVILEGED, Cluster


class Pooler:
    """One pgBouncer process; `with Pooler(cluster, ini, users) as pooler:` stops it and deletes its files.

    `ini` is a pgbouncer.ini as the stack declares it, `users` the text of its user list.
    """

    def __init__(self, cluster: Cluster, ini: str, users: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._directory = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._directory.chmod(0o755)
        self._cluster = cluster
        self.log = self._directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(ini, users)

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

    def configure(self, ini: str, users: str) -> None:
        """Write its files; the next start reads them."""
        passwords = self._directory / "userlist.txt"
        passwords.write_text(users)
        for found, meant in (
            (r"\$\{DATABASE_HOST\} port=\d+", f"{self._cluster.directory} port={self._cluster.port}"),
            (r"\$\{POD_IP\}", "127.0.0.1"),
            (r"(?m)^listen_port = .*", f"listen_port = {self.port}"),
            (r"(?m)^auth_file = .*", f"auth_file = {passwords}"),
        ):
            ini = re.sub(found, meant, ini)
        (self._directory / "pgbouncer.ini").write_text(ini)

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
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pgBouncer did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it: at once, or as the pod's start script does (INT: the transactions that run are finished first)."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None
