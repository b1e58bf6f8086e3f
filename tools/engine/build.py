"""The Pulumi CLI: the one on PATH, else one built from source with the Go toolchain; and the next version."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_MODULE_DIRECTORY = Path(__file__).resolve().parent
_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


class EngineError(Exception):
    """The engine isn't available; the message says why and what to do."""


@dataclass(frozen=True)
class Engine:
    """A CLI that can be built: the module whose go.mod pins it, and where it is built to.

    It isn't in the state directory, so that `make clean` keeps what takes minutes to build.
    """

    module: Path
    built: Path

    @property
    def version(self) -> str:
        """The version that go.mod pins, such as v3.256.0."""
        pins = self.module / "go.mod"
        match = re.search(r"^\s*github\.com/pulumi/pulumi/pkg/v3 (\S+)", pins.read_text(), re.MULTILINE)
        if match is None:
            raise EngineError(f"{pins.relative_to(ROOT)} doesn't require github.com/pulumi/pulumi/pkg/v3")
        return match[1]

    def build(self) -> Path:
        """Build it, which takes 3 to 7 minutes on two cores and does nothing when it is up to date.

        Raises EngineError when there is no Go toolchain or the build fails.
        """
        if shutil.which("go") is None:
            raise EngineError(f"there is no Go to build the Pulumi CLI {self.version} with: install it")
        flags = ["-trimpath", "-ldflags", f"-s -w -X {_VERSION_VARIABLE}={self.version}"]
        finished = subprocess.run(
            ["go", "build", *flags, "-o", self.built, _CLI],
            cwd=self.module,
            env={**os.environ, "CGO_ENABLED": "0"},
            check=False,
        )
        if finished.returncode != 0:
            raise EngineError(f"Go could not build the Pulumi CLI {self.version} (its messages are above)")
        return self.built


PINNED = Engine(_MODULE_DIRECTORY, ROOT / ".tools" / "bin" / "pulumi")
"""What `make engine` builds where no release is installed."""

NEXT = Engine(_MODULE_DIRECTORY / "next", ROOT / ".tools" / "engine-next" / "pulumi")
"""The next version, which somebody who installs the newest release has. `make engine-next` builds it for a test."""


def find() -> Path | None:
    """The CLI to use, or None when there is none yet: one on PATH goes before the one built here."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return Path(on_path)
    return PINNED.built if PINNED.built.exists() else None
