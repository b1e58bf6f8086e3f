"""Builds the storefront with npm, into the same files as its image has.

Needs Node 20.9 or newer. Debian 12 has an older one, so a newer one is fetched through npm if none is installed.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from local import packages
from local.images import OWN_NODE, REPOSITORY, STOREFRONT_OUTPUT
from local.problem import Problem

STOREFRONT = REPOSITORY / "app" / "storefront"
OLDEST_NODE = (20, 9)
NODE_PACKAGE = "node@20.19.5"
STAMP = STOREFRONT_OUTPUT.parent / "inputs.sha256"


def ensure_storefront(say: Callable[[str], None]) -> bool:
    """Build the storefront unless it was built from these very files. Returns whether it built; raises Problem.

    One at a time: whoever comes while another builds waits, and finds it built.
    """
    with (STOREFRONT / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build_storefront(say)


def _build_storefront(say: Callable[[str], None]) -> bool:
    environment = {**os.environ, "PATH": f"{ensure_node(say)}:{os.environ['PATH']}"}
    installed = STOREFRONT / "node_modules" / ".installed"
    if not installed.exists() or installed.stat().st_mtime < (STOREFRONT / "package-lock.json").stat().st_mtime:
        say("installing the storefront's packages (a minute or two)")
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], environment)
        installed.touch()
    before = STAMP.read_text() if STAMP.exists() else ""
    say("building the storefront, if it changed (about a minute)")
    _run(["node", "tools/build.mjs", "--if-changed"], environment)
    return STAMP.read_text() != before


def node() -> str | None:
    """The path of a Node that is new enough, or None."""
    for program in (shutil.which("node"), str(OWN_NODE / "node_modules" / "node" / "bin" / "node")):
        if program and Path(program).exists():
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.match(r"v(\d+)\.(\d+)", answer)
            if version and (int(version[1]), int(version[2])) >= OLDEST_NODE:
                return program
    return None


def ensure_npm(say: Callable[[str], None]) -> None:
    """Install npm unless it is on the PATH. Raises Problem when that fails."""
    if shutil.which("npm") is None:
        say("installing npm")
        packages.install(["npm"])


def ensure_node(say: Callable[[str], None]) -> str:
    """The folder of a Node that is new enough, with npm on the PATH beside it."""
    ensure_npm(say)
    found = node()
    if found is None:
        say(f"fetching {NODE_PACKAGE}")
        OWN_NODE.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(OWN_NODE), NODE_PACKAGE], dict(os.environ))
        found = node()
    if found is None:
        needed = ".".join(map(str, OLDEST_NODE))
        raise Problem(f"the storefront needs Node {needed} or newer, and {NODE_PACKAGE} from npm doesn't start here")
    return str(Path(found).parent)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=STOREFRONT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Problem(f"{' '.join(command)} in app/storefront failed:\n{last}")
