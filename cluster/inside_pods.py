"""The processes of the cluster's pods, as this machine sees them: to end one, or to enter its network."""

from collections.abc import Iterator
from pathlib import Path

import psutil


def processes(uid: str, name: str) -> list[psutil.Process]:
    """The processes of the pod with this UID whose program's name begins so."""
    return [each for each in _all(uid) if each.name().startswith(name)]


def network(uid: str) -> str:
    """The path of the pod's network namespace, for nsenter. Raises LookupError."""
    for each in _all(uid):
        return f"/proc/{each.pid}/ns/net"
    raise LookupError(f"no process of the pod {uid} runs on this machine")


def _all(uid: str) -> Iterator[psutil.Process]:
    for each in psutil.process_iter():
        try:
            if f"pod{uid}" in Path(f"/proc/{each.pid}/cgroup").read_text():
                yield each
        except OSError:
            continue
