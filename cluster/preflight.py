"""Checks before anything is built or started; each failure says what to do."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import psutil

from cluster.layout import HOME, PROGRAMS
from cluster.programs import GO
from local import preflight
from local.problem import Problem

GIB = 2**30
BUILDING, RUNNING = 18, 6
"""GiB of free disk needed: while building, with Go's caches and the images, and afterwards."""
MEMORY = 6
"""GiB of memory for the three nodes with the whole stack, with a reserve: 4.1 GiB were measured."""


def check(root: Path = HOME) -> None:
    """Raises Problem for the first thing that is missing."""
    if os.geteuid() != 0:
        raise Problem("make cluster makes networks, mounts and control groups, which needs root: sudo make cluster")
    preflight.check_platform(*preflight.this_platform())
    check_room(root)
    _check_kernel()


def check_room(root: Path) -> None:
    """Disk and memory."""
    place = root
    while not place.exists():
        place = place.parent
    needed = RUNNING if all((PROGRAMS / name).exists() for name in GO) else BUILDING
    free = shutil.disk_usage(place).free / GIB
    if free < needed:
        raise Problem(f"{place}: {free:.1f} GiB are free and {needed} GiB are needed; make room, then try again")
    available = psutil.virtual_memory().available / GIB
    if available < MEMORY:
        raise Problem(
            f"{available:.1f} GiB of memory are available and {MEMORY} GiB are needed; end what uses it, then try again"
        )


def _check_kernel() -> None:
    """Try the kernel's features in namespaces that end at once."""
    tried = {
        "network, mount and PID namespaces": "true",
        "overlayfs (CONFIG_OVERLAY_FS)": (
            "mount -t tmpfs t /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && "
            "mount -t overlay o -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m"
        ),
        "veth devices (CONFIG_VETH)": "ip link add name one type veth peer name two",
        "network bridges (CONFIG_BRIDGE)": "ip link add name one type bridge",
    }
    if shutil.which("nft"):
        tried["nftables with NAT (CONFIG_NFT_NAT, CONFIG_NFT_CT)"] = (
            "printf 'table ip t {\\n chain c {\\n type nat hook prerouting priority 0;\\n "
            "ct state new dnat to 10.0.0.1;\\n }\\n}\\n' | nft -f -"
        )
    for feature, script in tried.items():
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-ec", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Problem(f"the kernel gives no {feature} here ({said}); use a kernel or machine that does")
    if not any((Path("/sys/fs/cgroup") / name).exists() for name in ("cgroup.controllers", "memory")):
        raise Problem("no control groups are mounted at /sys/fs/cgroup: mount -t cgroup2 none /sys/fs/cgroup")


def settings() -> dict[str, str]:
    """The machine's sysctls and firewall without counters, to compare before and after."""
    found: dict[str, str] = {}
    counting = (
        *("random", "pty/nr", "-state", "-nr", "fs/quota/", "ns_last_pid", "perf_event", "sched_domain"),
        "conntrack_count",
    )
    for path in Path("/proc/sys").rglob("*"):
        if path.is_file() and not any(word in str(path) for word in counting):
            with contextlib.suppress(OSError):
                found[str(path)] = path.read_text(errors="replace")
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=False)
    return {**found, "firewall": rules.stdout}
