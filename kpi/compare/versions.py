"""What was compared: the installed versions of the libraries that matter."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_SCRIPT = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


_PROGRAMS = {"nginx": "-v", "varnishd": "-V", "go": "version", "wrk": "-v"}


def program_version(program: str) -> str:
    """As a program says it. Raises FileNotFoundError for one that isn't there."""
    done = subprocess.run([program, _PROGRAMS[program]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "of unknown version"


def versions(python: Path, packages: Sequence[str]) -> Mapping[str, str]:
    """Of packages in the environment of this interpreter. Raises CalledProcessError for one that isn't there."""
    done = subprocess.run([python, "-c", _SCRIPT, *packages], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
