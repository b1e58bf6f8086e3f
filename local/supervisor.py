"""supervisord: keeps one launcher per pod running, and restarts one that was killed."""

import contextlib
import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from local import launcher
from local.images import REPOSITORY
from local.problem import Problem
from local.spec import Pod
from local.state import State

START_TIMEOUT = 15.0  # seconds until supervisord has to answer
STOP_MARGIN = 15  # seconds beyond a pod's grace period before supervisord kills its launcher
SOCKET_PATH_LIMIT = 100  # characters; the kernel takes 107, supervisord binds a longer name first


def configuration(state: State, pods: Iterable[Pod], fingerprints: Mapping[str, str]) -> str:
    """supervisord.conf: one program per pod. A pod's fingerprint is in its environment, so that a change
    shows.
    """
    run, user = state.run, "user=root\n" if os.geteuid() == 0 else ""
    sections = [
        f"[unix_http_server]\nfile={run}/supervisor.sock\nchmod=0600\n\n",
        f"[supervisord]\nlogfile={state.logs}/supervisord.log\nlogfile_maxbytes=5MB\nlogfile_backups=1\n",
        f"pidfile={run}/supervisord.pid\nchildlogdir={state.logs}\nidentifier=simone\numask=022\n{user}\n",
        "[rpcinterface:supervisor]\n",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n",
    ]
    for pod in pods:
        log = f"{state.logs}/{pod.name}/launcher.log"
        sections.append(
            f"[program:{pod.name}]\n"
            f"command={shlex.join(launcher.command(state.pod(pod.name) / 'pod.json'))}\n"
            f"directory={REPOSITORY}\n"
            f'environment=SIMONE_POD="{pod.name}",SIMONE_FINGERPRINT="{fingerprints[pod.name]}"\n'
            "autostart=false\nautorestart=true\nstartsecs=0\nstopsignal=TERM\n"
            f"stopwaitsecs={int(pod.grace) + STOP_MARGIN}\n"
            f"redirect_stderr=true\nstdout_logfile={log}\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=0\n\n"
        )
    return "".join(section.replace("%", "%%") for section in sections)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)

    def make_connection(self, host: Any) -> _UnixConnection:  # noqa: ARG002 - the socket says where
        return _UnixConnection(self._path)


class Supervisor:
    """The running supervisord of a state directory, or its absence."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._socket = state.run / "supervisor.sock"
        self._file = state.run / "supervisord.conf"

    @property
    def _calls(self) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._socket))
        return proxy.supervisor

    def running(self) -> bool:
        """Whether it answers. Waits for one that is stopping, which kills what outlives its grace period."""
        while True:
            try:
                return self._calls.getState()["statename"] == "RUNNING"
            except (OSError, http.client.HTTPException):
                return False
            except xmlrpc.client.Fault as fault:
                if "SHUTDOWN_STATE" not in fault.faultString:
                    raise
                time.sleep(0.1)

    def pid(self) -> int:
        return int(self._calls.getPID())

    def processes(self) -> dict[str, bool]:
        """Every pod that it knows, and whether the pod's launcher is running or to be restarted."""
        found = cast("list[dict[str, Any]]", self._calls.getAllProcessInfo())
        return {entry["name"]: entry["statename"] in ("RUNNING", "STARTING", "BACKOFF") for entry in found}

    def ensure(self, text: str) -> tuple[list[str], list[str], list[str]]:
        """Have it running with this configuration. Returns the pods that are new, changed and gone."""
        if len(str(self._socket)) > SOCKET_PATH_LIMIT:
            raise Problem(
                f"the state directory's path is too long for a socket: {self._socket} has {len(str(self._socket))} "
                f"characters, allowed are {SOCKET_PATH_LIMIT}; set SIMONE_STATE to a shorter one"
            )
        self._file.write_text(text)
        self._file.chmod(0o600)
        if not self.running():
            self._start()
            return sorted(self.processes()), [], []
        added, changed, removed = self._calls.reloadConfig()[0]
        return added, changed, removed

    def _start(self) -> None:
        program = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._file)]
        done = subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem(f"supervisord doesn't start: {(done.stderr or done.stdout).strip()}")
        deadline = time.monotonic() + START_TIMEOUT
        while not self.running():
            if time.monotonic() > deadline:
                raise Problem(f"supervisord doesn't answer; see {self._state.logs}/supervisord.log")
            time.sleep(0.05)

    def add(self, pod: str) -> None:
        """Add a pod without starting it."""
        with self._tolerating("ALREADY_ADDED"):
            self._calls.addProcessGroup(pod)

    def remove(self, pod: str) -> None:
        """Stop a pod and forget it."""
        self.stop(pod)
        with self._tolerating("BAD_NAME"):
            self._calls.removeProcessGroup(pod)

    def start(self, pod: str) -> None:
        with self._tolerating("ALREADY_STARTED"):
            self._calls.startProcess(pod, False)

    def stop(self, pod: str) -> None:
        """Stop a pod and wait until it has gone. It isn't restarted."""
        with self._tolerating("NOT_RUNNING", "BAD_NAME"):
            self._calls.stopProcess(pod, True)

    def shut_down(self) -> None:
        """Stop all pods at the same time, then supervisord itself, and wait until it has gone."""
        pid = self.pid()
        self._calls.stopAllProcesses(True)
        with contextlib.suppress(OSError, http.client.HTTPException):
            self._calls.shutdown()
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)

    @contextlib.contextmanager
    def _tolerating(self, *faults: str) -> Generator[None]:
        try:
            yield
        except xmlrpc.client.Fault as fault:
            if not any(name in fault.faultString for name in faults):
                raise
