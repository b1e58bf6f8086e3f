"""A base's own packages if its lock file differs from this side's: installed beside ours, for its render only.

Only differing packages are installed, without dependencies, which are in the lock file too.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.environments import ROOT
from stack.listing import few

LOCK = "requirements/project.lock"
KEPT = ROOT / ".tools" / "review" / "packages"
MOST_KEPT = 3
MOST_SECONDS = 180
_ENTRY = re.compile(r"^([a-z0-9][\w.-]*==[^\s;\\]+).*\n(?:[ \t]+.*\n)*", re.MULTILINE)


class UnavailableError(Exception):
    """They can't be installed; the message says why."""


@dataclass(frozen=True)
class Packages:
    """The directory of a base's own packages, None if ours are used; and doubts that follow."""

    directory: Path | None = None
    doubts: tuple[str, ...] = ()


def of(theirs: str, ours: str) -> Packages:
    """The packages of a lock file that this side's doesn't have, installed where they aren't yet.

    Another SDK is always reported, because it brings another provider.
    """
    before, after = _entries(theirs), _entries(ours)
    other = {name: text for name, text in before.items() if name not in after}
    changed = [*(f"+{name}" for name in after if name not in before), *(f"-{name}" for name in other)]
    versions = sorted(name for name in changed if name[1:].startswith("pulumi"))
    packages = few(sorted(changed), between=" ")
    told = f"SDKs changed ({' '.join(versions)})" if versions else f"packages changed ({packages})"
    if not other:
        return Packages(doubts=(f"{told}: only the engine's preview can say what the new ones do",) if versions else ())
    try:
        directory = _installed("".join(other.values()))
    except UnavailableError as error:
        return Packages(
            doubts=(f"{told}: the installed ones render both sides, as the base's can't be installed: {error}",)
        )
    anew = f"{told}: each side is rendered by its own; only the engine's preview can say what the new providers do"
    return Packages(directory, (anew,) if versions else ())


def _entries(lock: str) -> Mapping[str, str]:
    """A lock file's entries as they stand, with their hashes, by name and version."""
    return {found[1]: found[0] for found in _ENTRY.finditer(lock if lock.endswith("\n") else f"{lock}\n")}


def _installed(requirements: str) -> Path:
    directory = KEPT / hashlib.sha256(f"{sys.version}\n{requirements}".encode()).hexdigest()[:16]
    if directory.exists():
        os.utime(directory)  # the last one used goes last
        return directory
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="new-") as made:
        wanted, target = Path(made, "requirements.txt"), Path(made, "packages")
        wanted.write_text(requirements)
        _install(wanted, target)
        target.mkdir(exist_ok=True)  # what is for other systems only installs nothing
        target.replace(directory)
    kept = sorted(
        (one for one in KEPT.iterdir() if not one.name.startswith("new-")), key=lambda one: one.stat().st_mtime
    )
    for old in kept[:-MOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return directory


def _install(wanted: Path, target: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        raise UnavailableError(f"there is no {uv.name} beside {sys.executable}")
    # Nothing is built: that would run what was downloaded, and take however long it takes.
    command = ["pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), "--no-deps"]
    command += ["--no-build", "--require-hashes", "-r", str(wanted)]
    try:
        finished = subprocess.run([uv, *command], capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"it takes more than {MOST_SECONDS} seconds") from None
    if finished.returncode != 0:
        said = " ".join(finished.stderr.split()) or "no message"
        raise UnavailableError(said[:200])
