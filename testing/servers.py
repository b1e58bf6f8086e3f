"""Servers of a comparison: a Redis with a Sentinel, and each candidate as one process, on free loopback ports."""

import contextlib
import os
import socket
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from testing.waits import PATIENCE, eventually, free_port

FOLLOWING: Final = ("setpriv", "--pdeathsig", "TERM")
"""A command's prefix: the command ends when the thread that started it is gone, for any reason."""
PAIRS: Final = ("sessions", "data", "computed")


@contextlib.contextmanager
def redis_with_sentinel(directory: Path) -> Generator[tuple[int, int]]:
    """A Redis that stands for all three pairs, and a Sentinel that names it. Yields both ports."""
    redis, sentinel = free_port(), free_port()
    common = f"bind 127.0.0.1\ndir {directory}\n"
    (directory / "redis.conf").write_text(f"port {redis}\n{common}save ''\n")
    watched = "".join(f"sentinel monitor {name} 127.0.0.1 {redis} 1\n" for name in PAIRS)
    (directory / "sentinel.conf").write_text(f"port {sentinel}\n{common}{watched}")
    with (
        process(["redis-server", str(directory / "redis.conf")], {}, directory / "redis.log"),
        process(["redis-server", str(directory / "sentinel.conf"), "--sentinel"], {}, directory / "sentinel.log"),
    ):
        _wait_for_port(redis)
        _wait_for_port(sentinel)
        yield redis, sentinel


@contextlib.contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Generator[psutil.Process]:
    """Run a program; end it and all that it started at the end of the body."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*FOLLOWING, *command], env={**os.environ, **environment}, stdout=output, stderr=output
        )
    running = psutil.Process(child.pid)
    try:
        yield running
    finally:
        family = [running, *running.children(recursive=True)] if running.is_running() else []
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        _, stubborn = psutil.wait_procs(family, timeout=10)
        for member in stubborn:
            member.kill()
        child.wait()


def end(child: "subprocess.Popen[Any]") -> None:
    """Terminate a program; kill it if it doesn't end."""
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def cpu_seconds(running: psutil.Process) -> float:
    """CPU time that a process and its children have used so far."""
    total = 0.0
    for member in (running, *running.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = member.cpu_times()
            total += used.user + used.system
    return total


def wait_for_answer(url: str, log: Path) -> None:
    """Wait until `url` returns 200 twice, the second time from the cache. Raises AssertionError with the log."""

    def answers() -> bool:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200

    try:
        for _ in range(2):
            eventually(answers, url)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text()[-2000:]}") from error


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Generator[None]:
    """Run a server in a thread of this process until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    with server:
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _wait_for_port(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, f"somebody listens on 127.0.0.1:{port}")
