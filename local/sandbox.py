"""A container as a process: bubblewrap gives it a file system, users and processes of its own, nsenter enters it.

Works as root and as an ordinary user. The root is built from read-only binds of this machine's programs and the
container's declared mounts; the process has its declared uid and no privilege. It is the first of its process
namespace, so nothing that it starts outlives it. Signals are sent to the process itself: bubblewrap passes none on.

Imported by launchers, so standard library only.
"""

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.spec import Container

PACKAGE, PROGRAM = "bubblewrap", "/usr/bin/bwrap"
NSENTER = "/usr/bin/nsenter"  # of util-linux, which every Debian has
SETUP_POLL = 0.002  # seconds
OUTPUT_LIMIT = 500  # characters of a command's output that are kept
SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl",
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
EMPTY_DIRECTORIES = (
    "/etc",
    "/run",
    "/srv",
    "/opt",
    "/home",
    "/root",
    "/mnt",
    "/var/lib",
    "/var/cache",
    "/var/log",
    "/var/tmp",  # noqa: S108 - in the container
)
_CONTAINER = (PROGRAM, "--unshare-user", "--unshare-pid", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL")
# If this machine's /proc is masked (in Docker), the kernel mounts no new one, and the container gets the outer one.
_PROCESSES = (("--proc", "/proc"), ("--bind", "/proc", "/proc"))


class Unsupported(Exception):
    """This user can't create containers on this machine; the text is bubblewrap's own."""


@functools.cache
def processes() -> tuple[str, ...]:
    """The arguments that give a container its /proc. Raises Unsupported if none of them work here."""
    reason = ""
    for arguments in _PROCESSES:
        trial = [*_CONTAINER, "--ro-bind", "/", "/", *arguments, "true"]
        done = subprocess.run(trial, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return arguments
        reason = done.stderr.strip()
    raise Unsupported(reason)


def _account_files(container: Container, hosts: str) -> dict[str, str]:
    people = {0: "root", container.uid: container.user if container.uid else "root", 65534: "nobody"}
    groups = {0: "root", container.gid: container.user if container.gid else "root", 65534: "nogroup"}
    return {
        "passwd": "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for uid, name in people.items()),
        "group": "".join(f"{name}:x:{gid}:\n" for gid, name in groups.items()),
        "hosts": f"127.0.0.1 localhost\n{hosts}",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n",
    }


def _file_system(container: Container, etc: Path, files: Mapping[str, str]) -> list[str]:
    """bubblewrap's arguments for a minimal Debian, the image's links and the declared mounts, in the order of
    mounting.
    """
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        merged = Path("/", name).is_symlink()
        words += ["--symlink", f"usr/{name}", f"/{name}"] if merged else ["--ro-bind-try", f"/{name}", f"/{name}"]
    for name in EMPTY_DIRECTORIES:
        words += ["--dir", name]
    words += ["--perms", "1777", "--dir", "/tmp", "--symlink", "../run", "/var/run"]  # noqa: S108 - in the container
    for name in SYSTEM_FILES:
        words += ["--ro-bind-try", name, name]
    for name in files:
        words += ["--ro-bind", str(etc / name), f"/etc/{name}"]
    for name in DEVICES:
        words += ["--dev-bind-try", f"/dev/{name}", f"/dev/{name}"]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        words += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    words += ["--perms", "1777", "--tmpfs", "/dev/shm", *processes()]  # noqa: S108 - in the container
    # /usr/local of an image holds its own programs; this machine's isn't looked at.
    words += ["--tmpfs", "/usr/local"]
    for name, target in container.links.items():
        words += ["--symlink", target, name]
    for mount in sorted(container.mounts, key=lambda mount: mount.target.count("/")):
        words += ["--ro-bind" if mount.read_only else "--bind", mount.source, mount.target]
    words += ["--remount-ro", "/usr/local"]
    return [*words, "--remount-ro", "/"] if container.read_only_root else words


@dataclass(frozen=True)
class Running:
    """A started container. `pid`: of its first process, as this machine sees it."""

    pid: int
    process: asyncio.subprocess.Process

    async def begun(self) -> None:
        """Wait until the container's own program runs, or has ended: before that it can't be entered."""
        while self.process.returncode is None and self._being_made():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(SETUP_POLL)

    def _being_made(self) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return os.path.samefile(f"/proc/{self.pid}/exe", PROGRAM)
        return False

    async def ended(self) -> int:
        """Wait for the end. Returns the exit code, 128 + number for a signal."""
        code = await self.process.wait()
        return code if code >= 0 else 128 - code


async def start(container: Container, etc: Path, hosts: str, output: int) -> Running:
    """Start a container's process, which writes to the file descriptor `output`.

    `etc` is a directory of the container's own for the files that name its users and hosts. If the process can't
    start, the reason is written to `output`, and the exit code isn't 0.
    """
    files = _account_files(container, hosts)
    for name, text in files.items():
        (etc / name).write_text(text)
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as information:
        try:
            process = await asyncio.create_subprocess_exec(
                *_CONTAINER,
                *("--uid", str(container.uid), "--gid", str(container.gid), "--info-fd", str(writer)),
                *_file_system(container, etc, files),
                *("--chdir", container.working_directory, "--", *container.argv),
                env=container.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        text = information.read()
    running = Running(json.loads(text)["child-pid"] if text else process.pid, process)
    await running.begun()
    return running


def entering(pid: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` inside the running container `pid`."""
    return [NSENTER, "--target", str(pid), "--user", "--mount", "--pid", "--preserve-credentials", "--", *argv]


async def execute(pid: int, argv: tuple[str, ...], environment: Mapping[str, str], limit: float) -> tuple[int, str]:
    """Run a command inside the running container `pid`, as `kubectl exec` does.

    Returns its exit code and the beginning of what it wrote. Raises TimeoutError when it takes longer than `limit`
    seconds; it is killed then, with all that it started.
    """
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as written:
        try:
            command = await asyncio.create_subprocess_exec(
                *entering(pid, argv),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            code = await asyncio.wait_for(command.wait(), limit)
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
            await command.wait()
            raise
        os.set_blocking(reader, False)
        return code, (written.read(OUTPUT_LIMIT) or b"").decode(errors="replace").strip()
