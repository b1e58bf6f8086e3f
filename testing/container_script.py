"""A container's script, run as its container runs it: with this machine's programs, and folders in place of volumes."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

WRITTEN = "/data"
"""The one folder that a script may change."""


def run_script(
    script: str, *arguments: str, folders: Mapping[str, Path], variables: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a script of `folders`, which are named by their place in the container, with `variables` alone."""
    links = [name for name in ("bin", "lib", "lib64") if Path("/", name).is_symlink()]
    binds = [("--bind" if place == WRITTEN else "--ro-bind", str(own), place) for place, own in folders.items()]
    command = [
        *("bwrap", "--unshare-user", "--uid", "999", "--gid", "999", "--die-with-parent", "--ro-bind", "/usr", "/usr"),
        *("--ro-bind", "/etc/alternatives", "/etc/alternatives", "--dev", "/dev", "--proc", "/proc"),
        *(word for name in links for word in ("--symlink", f"usr/{name}", f"/{name}")),
        *("--dir", "/srv/redis", *(word for bind in binds for word in bind), "sh", script, *arguments),
    ]
    return subprocess.run(command, env=dict(variables), capture_output=True, text=True, check=False, timeout=120)
