"""A network namespace for the test process, so that its servers never meet a user's or another test's."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET, CLONE_NEWUSER = 0x4000_0000, 0x1000_0000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


@contextmanager
def own_network() -> Generator[None]:
    """This thread, and whatever it starts, in a new network with nothing but a loopback interface."""
    uid, gid = os.geteuid(), os.getegid()
    with open("/proc/thread-self/ns/net", encoding="utf-8") as before:
        if uid == 0:
            _check(_libc.unshare(CLONE_NEWNET), "a network namespace")
        else:
            # Needs a process with a single thread; from then on it is root in a user namespace of its own.
            _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), "a user and network namespace")
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        _bring_loopback_up()
        try:
            yield
        finally:
            if uid == 0:
                _check(_libc.setns(before.fileno(), CLONE_NEWNET), "back to the network before")
