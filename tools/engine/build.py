"""The Pulumi CLI: the one on PATH, else one built from source with the Go toolchain."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".tools" / "bin" / "pulumi"
"""Where the CLI is built to. Not in the state directory, so that `make clean` keeps what takes minutes to build."""

_MODULE_DIRECTORY = Path(__file__).resolve().parent
_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


class EngineError(Exception):
    """What is wrong and what to do, in words for the user."""


def find() -> Path | None:
    """The CLI to use, or None when there is none yet: one on PATH goes before the one built here."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return Path(on_path)
    return BUILT if BUILT.exists() else None


def pinned_version() -> str:
    """The version that go.mod pins, such as v3.256.0."""
    match = re.search(
        r"^\s*github\.com/pulumi/pulumi/pkg/v3 (\S+)", (_MODULE_DIRECTORY / "go.mod").read_text(), re.MULTILINE
    )
    if match is None:
        raise EngineError("tools/engine/go.mod doesn't require github.com/pulumi/pulumi/pkg/v3")
    return match[1]


def build() -> Path:
    """Build the CLI, which takes 3 to 7 minutes on two cores and does nothing when it is up to date.

    Raises EngineError when there is no Go toolchain or the build fails.
    """
    if shutil.which("go") is None:
        raise EngineError("there is no `pulumi` on PATH and no Go to build one: install either")
    version = pinned_version()
    finished = subprocess.run(
        ["go", "build", "-trimpath", "-ldflags", f"-s -w -X {_VERSION_VARIABLE}={version}", "-o", BUILT, _CLI],
        cwd=_MODULE_DIRECTORY,
        env={**os.environ, "CGO_ENABLED": "0"},
        check=False,
    )
    if finished.returncode != 0:
        raise EngineError(f"Go could not build the Pulumi CLI {version} (its messages are above)")
    return BUILT
