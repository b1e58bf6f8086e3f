"""Checks before anything is started; each failure says what to do."""

import errno
import os
import platform
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from local import sandbox
from local.plan import PlannedPod
from local.problem import Problem
from local.services import Service
from local.state import State

FREE_DISK = 2 * 2**30  # bytes: Redis and Postgres with the sample data, logs and a backup
_RESTRICTIONS = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu 23.10 and later
    ("kernel.unprivileged_userns_clone", "0", "1"),  # Debian's own
    ("user.max_user_namespaces", "0", "10000"),
)


def check_platform(system: str, release: Mapping[str, str]) -> None:
    """Raises Problem unless this is Debian or a derivative. `release`: the fields of os-release(5)."""
    if system == "Linux" and "debian" in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        return
    raise Problem(
        f"the shop runs on Debian 12 and 13 and on Ubuntu 24.04, and this is {release.get('PRETTY_NAME') or system}: "
        "use a virtual machine with one of them (Lima on macOS, WSL on Windows)"
    )


def this_platform() -> tuple[str, Mapping[str, str]]:
    """The system's name, and the fields of its os-release where it has one."""
    try:
        return platform.system(), platform.freedesktop_os_release()
    except OSError:
        return platform.system(), {}


def check_disk(state: State) -> None:
    """Raises Problem when the state directory's file system is nearly full or not writable."""
    place = state.root
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        raise Problem(f"{place} isn't writable for this user; set SIMONE_STATE to a directory that is")
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    if free < FREE_DISK:
        raise Problem(
            f"{state.root}: {free / 2**30:.1f} GiB are free and {FREE_DISK / 2**30:.0f} GiB are needed; make room, or "
            "set SIMONE_STATE to a directory with more"
        )


def check_namespaces(settings: Path = Path("/proc/sys")) -> None:
    """Raises Problem when containers can't be isolated here. `settings`: the directory of the kernel's."""
    try:
        sandbox.processes()
    except sandbox.Unsupported as error:
        remedies = [
            f"{name} is {forbidden} here; as root: sysctl -w {name}={allowed}"
            for name, forbidden, allowed in _RESTRICTIONS
            if (file := settings / name.replace(".", "/")).exists() and file.read_text().strip() == forbidden
        ]
        if in_chroot():
            told = "this is a chroot, and the kernel makes none in a chroot (unshare(2), EPERM)"
            remedies = [f"{told}; enter its directory with systemd-nspawn -D instead"]
        elif not remedies:
            remedies = ["in Docker, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined"]
        raise Problem(
            f"this machine lets this user make no user namespaces, in which the containers run ({error}). "
            f"{'; '.join(remedies)}. Then try again"
        ) from None


def in_chroot() -> bool:
    """Whether this process's `/` differs from the first process's; false if that can't be read."""
    try:
        return not os.path.samestat(os.stat("/proc/1/root/."), os.stat("/"))
    except OSError:
        return False


def check_ports(pods: Iterable[PlannedPod], services: Iterable[Service]) -> None:
    """Raises Problem with every port that is taken and the process that holds it. `pods` are about to be started."""
    wanted: dict[tuple[str, int], str] = {}
    for pod in pods:
        for _, _, number in pod.ports:
            wanted[pod.pod.address, number] = pod.name
        if pod.kind == "Balancer":
            for service in services:
                if service.balanced:
                    wanted |= {(service.address, port): f"Service {service.name}" for _, port, _ in service.ports}
    taken = [(address, port, what) for (address, port), what in wanted.items() if _taken(address, port)]
    if taken:
        lines = [f"  {address}:{port}, needed by {what}, is held by {_holder(port)}" for address, port, what in taken]
        raise Problem("\n".join(["these ports are taken; stop the programs that hold them and try again:", *lines]))


def _taken(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise Problem(f"{address}:{port} can't be used: {error.strerror}") from None
    return False


def _holder(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return "a process of another user (see it with: sudo ss -ltnp)"
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.NoSuchProcess:
                continue
    return "a process that isn't visible here"
