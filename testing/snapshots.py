"""What a rendering of the files prints, for tests of what reads it."""

import dataclasses
import json
import subprocess
from pathlib import Path

from stack.resource import Stack


def printed(stack: Stack, environment: str) -> str:
    """A stack as review/snapshot.py prints it."""
    return json.dumps({environment: {**dataclasses.asdict(stack), "config": {}}}, default=sorted)


def rendering(stack: Stack, environment: str, directory: Path) -> "subprocess.Popen[str]":
    """A process that has rendered this stack, in the place of `checkouts.here`."""
    file = directory / "rendered.json"
    file.write_text(printed(stack, environment))
    return subprocess.Popen(["cat", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
