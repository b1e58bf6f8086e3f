"""The cluster's control groups, apart from the machine's own."""

import contextlib
from pathlib import Path

from cluster.layout import CGROUP

ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd", "unified")
_UNIFIED = ("cpu", "cpuset", "memory", "pids")


def unified() -> bool:
    """Whether this machine has cgroups of version 2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def _roots() -> list[Path]:
    if unified():
        return [ROOT]
    return [ROOT / name for name in _CONTROLLERS if (ROOT / name).exists()]


def create(*parts: str) -> None:
    """Make a group below the cluster's in every hierarchy."""
    for root in _roots():
        current = root
        for part in (CGROUP, *parts):
            if unified():
                for controller in _UNIFIED:
                    with contextlib.suppress(OSError):
                        (current / "cgroup.subtree_control").write_text(f"+{controller}")
            current = current / part
            current.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                file = current / name
                # In version 1 a new group has no processors.
                if root.name == "cpuset" and not file.read_text().strip():
                    file.write_text((current.parent / name).read_text())


def enter(name: str) -> None:
    """Move this process, with all that it will start, into the group `name`."""
    create(name)
    for root in _roots():
        (root / CGROUP / name / "cgroup.procs").write_text("0")


def left(*parts: str) -> list[Path]:
    """The cluster's groups, or those of a part of it, that are still there."""
    return [found for root in _roots() if (found := root.joinpath(CGROUP, *parts)).exists()]


def remove(*parts: str) -> None:
    """Remove the cluster's groups, or those of a part of it, which must have no processes."""
    for top in left(*parts):
        for group in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                group.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()
