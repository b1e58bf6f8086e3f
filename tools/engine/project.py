"""A stack under the real engine, on this machine only: file state, stand-in providers, nothing shared with a user.

The program is the repository's own, its configuration the repository's own stack file; both run as `pulumi preview`
and `pulumi up` would run them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tools.engine import build

_PLUGINS = Path(__file__).resolve().parent / "plugins"
_LANGUAGE_HOST = Path(__file__).resolve().parent / "language"


@dataclass(frozen=True)
class Result:
    """The output and exit code of one run of the CLI."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Standard output as JSON. Raises json.JSONDecodeError when the run ended before it printed any."""
        return json.loads(self.stdout)


def flat(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Nested configuration as dotted paths and texts, as `Project.set_secrets` takes them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", str(value)


class Project:
    """One stack of a Pulumi project in a temporary directory of its own; a context manager that removes it again."""

    def __init__(
        self,
        stack: str,
        source: Path = build.ROOT,
        *,
        directory: Path | None = None,
        programs: Sequence[Path] = (),
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        engine: Path | None = None,
    ) -> None:
        """`source` holds Pulumi.yaml, the program and `Pulumi.<stack>.yaml`; it is only read.

        `directory` is for a stack that stays: its state and its stack file are kept. `programs`: where plugins are
        found before the stand-ins; `command`: what runs the CLI, with its arguments; `environment`: variables of it;
        `engine`: another CLI than the one that is found.
        Raises EngineError when there is no CLI.
        """
        program = engine or build.find()
        if program is None:
            raise build.EngineError("there is no Pulumi CLI; `make engine` builds one")
        self._program = program
        self._stack = stack
        self._programs = (*map(str, programs), str(_PLUGINS), str(program.parent))
        self._command = tuple(command)
        self._more = dict(environment or {})
        self.directory = directory or Path(tempfile.mkdtemp(prefix="simone-engine-"))
        """The directory in which the commands run."""
        self._write_project(source)

    def _write_project(self, source: Path) -> None:
        project: dict[str, Any] = yaml.safe_load((source / "Pulumi.yaml").read_text())
        project["main"] = str(source)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
        stack_file = f"Pulumi.{self._stack}.yaml"
        if (source / stack_file).exists() and not self.stack_file.exists():
            shutil.copy(source / stack_file, self.directory / stack_file)
        (self.directory / "state").mkdir(exist_ok=True)

    @property
    def stack_file(self) -> Path:
        """The stack's configuration, a copy that may be changed."""
        return self.directory / f"Pulumi.{self._stack}.yaml"

    def __enter__(self) -> Self:
        """Create the stack."""
        created = self.run("stack", "init", self._stack, "--secrets-provider", "passphrase")
        if created.code != 0:
            raise build.EngineError(f"the stack {self._stack} could not be created: {created.stderr}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the stack with everything it stored."""
        shutil.rmtree(self.directory)

    def run(self, *arguments: str) -> Result:
        """Run the CLI in the project."""
        return self._finished([str(self._program), *arguments, "--non-interactive"])

    def run_module(self, module: str, *arguments: str) -> Result:
        """Run a command of this repository (`tools.deploy`) in the project, with this `pulumi` on its PATH."""
        return self._finished([sys.executable, "-m", module, *arguments])

    @contextmanager
    def started(self, *arguments: str) -> "Generator[subprocess.Popen[str]]":
        """Run the CLI in the project and read what it prints, line by line, while it runs."""
        with subprocess.Popen(
            [*self._command, str(self._program), *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            yield process

    def _finished(self, command: Sequence[str]) -> Result:
        finished = subprocess.run(
            [*self._command, *command],
            cwd=self.directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(finished.returncode, finished.stdout, finished.stderr)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([*self._programs, os.environ.get("PATH", os.defpath), str(_LANGUAGE_HOST)])
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
            "PATH": path,
            "PYTHONPATH": str(build.ROOT),
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.directory / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this run",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",
            **self._more,
        }

    def set_secrets(self, secrets: Mapping[str, str]) -> None:
        """Encrypt values into the stack's configuration, by path (`simone:secrets.redis.app`).

        For made-up values only: a real secret doesn't belong in an argument list.
        """
        pairs = [part for path, value in secrets.items() for part in ("--secret", f"{path}={value}")]
        result = self.run("config", "set-all", "--path", *pairs)
        if result.code != 0:
            raise build.EngineError(f"the configuration could not be set: {result.stderr}")

    def preview(self, *arguments: str) -> Result:
        """`pulumi preview --json`; the digest is complete even when the preview fails."""
        return self.run("preview", "--json", *arguments)

    def up(self, *arguments: str) -> Result:
        """`pulumi up`, applied at once."""
        return self.run("up", "--yes", "--skip-preview", *arguments)

    def destroy(self, *arguments: str) -> Result:
        """`pulumi destroy`, applied at once unless the arguments say otherwise."""
        return self.run("destroy", *(arguments or ("--yes", "--skip-preview")))

    def state(self) -> dict[str, Any]:
        """The stored deployment, its secrets decrypted."""
        exported: dict[str, Any] = self.run("stack", "export", "--show-secrets").json()
        return exported["deployment"]

    def stored_text(self) -> str:
        """All that the backend stores, as text, to search it for what must not be there."""
        files = (path for path in (self.directory / "state").rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)

    def events(self, *arguments: str) -> tuple[Result, Sequence[dict[str, Any]]]:
        """A preview with the engine's own events, which also hold the policies' results."""
        log = self.directory / "events.json"
        result = self.preview("--event-log", str(log), *arguments)
        return result, read_events(log)


def read_events(log: Path) -> Sequence[dict[str, Any]]:
    """An event log's lines; none if the engine has written no log."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line) for line in lines if line]
