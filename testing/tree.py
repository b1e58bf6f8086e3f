"""A copy of this repository's files, which a test may change."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stack.environments import ROOT


@dataclass(frozen=True)
class Tree:
    """The copy."""

    root: Path

    def run(self, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`python -m module …` in the copy, with the copy's code."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", module, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file's text, which must be there."""
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))


def copy(to: Path) -> Tree:
    """Copy what git knows or would add, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return Tree(to)
