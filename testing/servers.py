"""What a comparison runs on: a Redis with a Sentinel, and each candidate as one process, on free loopback ports."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

PAIRS: Final = ("sessions", "data", "computed")
START_SECONDS: Final = 60


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def redis_with_sentinel(directory: Path) -> Generator[tuple[int, int]]:
    """A Redis that stands for all three pairs, and a Sentinel that names it; gives both ports."""
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
    """A program, ended with all that it started at the end of the body."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
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


def cpu_seconds(running: psutil.Process) -> float:
    """CPU time that a process and its children have used so far."""
    total = 0.0
    for member in (running, *running.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = member.cpu_times()
            total += used.user + used.system
    return total


def wait_for_answer(url: str, log: Path) -> None:
    """Until `url` answers 200, twice, so that the second one came from the cache; raises TimeoutError with the log."""
    good = 0
    deadline = time.monotonic() + START_SECONDS
    while good < 2:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                good += answer.status == 200
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url}: {error}\n{log.read_text()[-2000:]}") from error
            time.sleep(0.1)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on 127.0.0.1:{port} after {START_SECONDS} s")
        time.sleep(0.05)
