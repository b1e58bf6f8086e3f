"""The output of a rendering, for tests of its readers."""

import dataclasses
import json
import subprocess
from pathlib import Path

from stack.resource import Stack


def printed(stack: Stack, environment: str) -> str:
    """A stack in the format of review/snapshot.py."""
    return json.dumps({environment: {**dataclasses.asdict(stack), "config": {}}}, default=sorted)


def rendering(stack: Stack, environment: str, directory: Path) -> "subprocess.Popen[str]":
    """A process that prints this stack, to replace `checkouts.here`."""
    file = directory / "rendered.json"
    file.write_text(printed(stack, environment))
    return subprocess.Popen(["cat", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
