"""A container as a process: namespaces of its own for users, mounts and processes, made with the kernel's
calls.

Works as root and as an ordinary user, without any helper program: a user namespace gives the right to mount;
a root of its own is built from read-only binds of this machine's programs and the container's declared
mounts; a second user namespace shows the process under its declared uid and leaves it no privilege. Signals
reach the process itself. It is the first of its process namespace, so nothing that it starts outlives it.

Imported by launchers, so standard library only. Nothing here returns in the child.
"""

import ctypes
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from local.spec import Container, Mount

# From <sched.h>, <sys/mount.h>, <linux/mount.h> and <sys/prctl.h>.
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x0002_0000, 0x1000_0000, 0x2000_0000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x4_0000
MNT_DETACH, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 2, -100, 0x8000, 0x1
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
# System call numbers that the C library of Debian 12 has no function for; clone differs by architecture.
SYS_MOUNT_SETATTR, SYS_PIVOT_ROOT, SYS_CLONE = (
    (442, 155, 56) if platform.machine() == "x86_64" else (442, 41, 220)  # else: aarch64
)

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
    "etc",
    "tmp",
    "run",
    "srv",
    "opt",
    "home",
    "root",
    "mnt",
    "var/lib",
    "var/cache",
    "var/log",
    "var/tmp",
)
NOT_STARTED = 127

# PyDLL keeps the interpreter's lock: the child of a bare clone must not wait for another thread.
_libc = ctypes.PyDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _text(value: str | None) -> bytes | None:
    return value.encode() if value is not None else None


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data))
    _check(result, f"mount {source or kind} on {target}")


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _make_read_only(target: str, *, recursive: bool) -> None:
    attributes = _MountAttributes(MOUNT_ATTR_RDONLY, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    result = _libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(target.encode()),
        ctypes.c_uint(flags),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, f"make {target} read-only")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends, however that ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0), "prctl PDEATHSIG")


def _map_identity(uid: int, gid: int, outer_uid: int, outer_gid: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")


def _place_for(source: Path, target: Path) -> None:
    """An empty file or directory to mount on."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(exist_ok=True)


def _bind(root: Path, mounts: Iterable[Mount]) -> None:
    for mount in mounts:
        source, target = Path(mount.source), root / mount.target.lstrip("/")
        _place_for(source, target)
        _mount(str(source), str(target), None, MS_BIND | MS_REC)
        if mount.read_only:
            _make_read_only(str(target), recursive=True)


def _link(root: Path, name: str, target: str) -> None:
    place = root / name.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(target)


def _build_root(root: Path, container: Container, hosts: str) -> None:
    """A Debian without what isn't needed, the image's links, and the declared mounts, in `root`."""
    _mount("root", str(root), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    _bind(root, [Mount(source="/usr", target="/usr")])
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
        elif Path("/", name).is_dir():
            _bind(root, [Mount(source=f"/{name}", target=f"/{name}")])
    for name in EMPTY_DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/run").symlink_to("../run")
    _bind(root, [Mount(source=name, target=name) for name in SYSTEM_FILES if Path(name).exists()])
    etc = root / "etc"
    people = {0: "root", container.uid: container.user if container.uid else "root", 65534: "nobody"}
    etc.joinpath("passwd").write_text("".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for uid, name in people.items()))
    groups = {0: "root", container.gid: container.user if container.gid else "root", 65534: "nogroup"}
    etc.joinpath("group").write_text("".join(f"{name}:x:{gid}:\n" for gid, name in groups.items()))
    etc.joinpath("hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
    etc.joinpath("nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    etc.joinpath("resolv.conf").write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
    _build_devices(root / "dev")
    _mount_processes(root / "proc")
    # /usr/local of an image holds its own programs; this machine's isn't looked at.
    _mount("local", str(root / "usr/local"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for name, target in container.links.items():
        _link(root, name, target)
    _bind(root, sorted(container.mounts, key=lambda mount: mount.target.count("/")))
    _make_read_only(str(root / "usr/local"), recursive=False)


def _build_devices(devices: Path) -> None:
    devices.mkdir()
    _bind(devices, [Mount(source=f"/dev/{name}", target=name, read_only=False) for name in DEVICES])
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        (devices / name).symlink_to(f"/proc/self/fd{target}")
    (devices / "shm").mkdir()
    _mount("shm", str(devices / "shm"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")


def _mount_processes(place: Path) -> None:
    place.mkdir()
    try:
        _mount("proc", str(place), "proc", MS_NOSUID | MS_NODEV)
    except OSError:
        # In a container whose own /proc is masked the kernel gives no new one; the outer one does.
        _mount("/proc", str(place), None, MS_BIND | MS_REC)


def _enter_root(root: Path) -> None:
    os.chdir(root)
    _check(_libc.syscall(ctypes.c_long(SYS_PIVOT_ROOT), b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount of the outer root")
    os.chdir("/")


def _reset_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _execute(argv: tuple[str, ...], environment: dict[str, str], output: int) -> NoReturn:
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0), "prctl NO_NEW_PRIVS")
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, soft_limit))
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 4096)
    os.umask(0o022)
    _reset_signals()
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - a container's own command
    except OSError as error:
        os.write(2, f"{argv[0]}: can't be started: {error.strerror}\n".encode())
        os._exit(NOT_STARTED)


def _in_child(action: Callable[[], NoReturn], output: int) -> NoReturn:
    """Run `action` in a fresh child; whatever goes wrong is written to the container's log."""
    try:
        action()
    except BaseException as error:
        os.write(output, f"sandbox: {error}\n".encode())
    finally:
        os._exit(NOT_STARTED)
    raise AssertionError  # unreachable


def start(container: Container, root: Path, hosts: str, output: int) -> int:
    """Start a container's process, writing to the file descriptor `output`. Returns its pid on this machine.

    `root` is an empty directory on which the container's file system is mounted, seen by the container alone.
    What keeps the process from starting is written to `output`, and its exit code is 127.
    """
    uid, gid = os.geteuid(), os.getegid()

    def child() -> NoReturn:
        die_with_parent()
        os.setsid()
        _map_identity(0, 0, uid, gid)
        _mount(None, "/", None, MS_REC | MS_PRIVATE)
        _build_root(root, container, hosts)
        _enter_root(root)
        if container.read_only_root:
            _make_read_only("/", recursive=False)
        if container.uid or container.gid:
            _check(_libc.unshare(CLONE_NEWUSER), "unshare user namespace")
            _map_identity(container.uid, container.gid, 0, 0)
        os.chdir(container.working_directory)
        die_with_parent()  # entering the second user namespace cleared it
        _execute(container.argv, container.environment, output)

    sys.stdout.flush()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | signal.SIGCHLD
    pid = _libc.syscall(ctypes.c_long(SYS_CLONE), ctypes.c_ulong(flags), None, None, None, None)
    if pid == 0:
        _in_child(child, output)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return _check(pid, "clone with namespaces")


def execute_in(pid: int, argv: tuple[str, ...], environment: dict[str, str], output: int) -> int:
    """Run a command inside the running container `pid`, as `kubectl exec` does. Returns the pid of a process
    that ends with the command's exit code (128 + number for a signal), and takes it along when killed.
    """

    def inside() -> NoReturn:
        die_with_parent()
        _execute(argv, environment, output)

    def child() -> NoReturn:
        die_with_parent()
        if not Path(f"/proc/{pid}/ns/mnt").exists():
            raise ProcessLookupError(f"container {pid} has ended")
        container = os.pidfd_open(pid)
        _check(_libc.setns(container, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID), f"enter container {pid}")
        command = os.fork()
        if command == 0:
            _in_child(inside, output)
        code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        os._exit(code if code >= 0 else 128 - code)

    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    helper = os.fork()
    if helper == 0:
        _in_child(child, output)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return helper


def works_here() -> bool:
    """Whether this user may make the namespaces and mounts that a container needs. Tried in a child."""
    child = os.fork()
    if child == 0:
        try:
            uid, gid = os.geteuid(), os.getegid()
            _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID), "unshare")
            _map_identity(0, 0, uid, gid)
            _mount(None, "/", None, MS_REC | MS_PRIVATE)
            _mount("root", "/mnt", "tmpfs", 0)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
