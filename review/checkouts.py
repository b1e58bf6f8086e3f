"""The two states of the repository that a review compares: the files as they are, and a commit."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from review import base_packages
from review.base_packages import Packages
from review.judges import Judge, parsed
from stack.environments import ROOT, environments
from stack.resource import Rendered, Resource

_HERE = Path(__file__).resolve().parent
_CACHE = ROOT / ".tools" / "review"

JUDGING = (
    *("policies", "review", "stack", "explain", ".github", "tools/deploy.py"),
    # Other files that those read, and the installed packages.
    *("app/__init__.py", "app/caching_policy.py", "components/__init__.py", "components/edge/__init__.py"),
    *("components/edge/expressions.py", "requirements", "local/setup.sh"),
)
"""What judges a change; .github/CODEOWNERS has an owner for each."""

_OTHERS = {
    *(".ci", "app", "cluster", "components", "docs", "images", "kpi", "local", "testing", "tests", "tools"),
    *("__main__.py", "LICENSE", "Makefile", ".dockerignore", ".editorconfig", ".gitignore", ".pre-commit-config.yaml"),
}
"""The other files at the root."""


def is_judging(file: str) -> bool:
    """Whether a file is one of those that judge a change, or decide who does.

    An unknown file at the root is one too: Python would import it instead of a library.
    """
    if any(file == one or file.startswith(f"{one}/") for one in JUDGING):
        return True
    known = file.partition("/")[0] in _OTHERS or ("/" not in file and file.endswith((".md", ".yaml", ".toml", ".json")))
    return not known


class CheckoutError(Exception):
    """The commit can't be compared; the message says why and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A checkout's environments: rendered, or the reason why not; and the configuration of the rendered ones."""

    rendered: Mapping[str, Rendered]
    errors: Mapping[str, str]
    configs: Mapping[str, Mapping[str, Any]]

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments that there are, rendered or not."""
        return tuple(sorted({*self.rendered, *self.errors}))


def commit_of(reference: str) -> str:
    """The commit that a branch, tag or name stands for. Raises CheckoutError."""
    found = _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    if found.returncode != 0:
        raise CheckoutError(f"there is no commit {reference!r} to compare with; fetch it, or give another BASE")
    return found.stdout.strip()


def here(*names: str) -> "subprocess.Popen[str]":
    """Start rendering the files as they are: these environments, or all."""
    return _start("snapshot.py", ROOT, *(names or environments(ROOT)))


def packages_of(commit: str) -> Packages:
    """A commit's own packages, where they are others than these files'."""
    shown = _git("show", f"{commit}:{base_packages.LOCK}")
    return (
        base_packages.of(shown.stdout, (ROOT / base_packages.LOCK).read_text()) if shown.returncode == 0 else Packages()
    )


def at(commit: str, packages: Path | None = None) -> Snapshot:
    """A commit's environments, rendered with these packages before all others. They are cached, since the same files
    always render the same.
    """
    kept = _CACHE / f"{_rendering(commit, packages)}.json"
    if kept.exists():
        return parse(kept.read_text(), commit)
    with _files_of(commit) as tree:
        try:
            process = _start("snapshot.py", tree, *environments(tree), packages=packages)
            text = finish(process, f"{commit[:12]} can't be rendered")
        except CheckoutError as error:
            # It can't be imported at all: every environment is broken. Not cached, since it may be this machine's
            # fault.
            return Snapshot({}, dict.fromkeys(environments(tree), str(error)), {})
    _CACHE.mkdir(parents=True, exist_ok=True)
    kept.write_text(text)
    return parse(text, commit)


def _rendering(commit: str, packages: Path | None = None) -> str:
    """A key of all inputs of a commit's renders: its files, the installed packages, and our files that render them."""
    tree = _git("rev-parse", f"{commit}^{{tree}}").stdout.strip()
    installed = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    ours = [(ROOT / name).read_text() for name in ("review/snapshot.py", "stack/stand_in_outputs.py")]
    made_of = json.dumps([tree, sys.version, installed, packages.name if packages else "", ours])
    return hashlib.sha256(made_of.encode()).hexdigest()


@contextlib.contextmanager
def _files_of(commit: str) -> Generator[Path]:
    """A commit's files in a directory outside git's control: an early end leaves nothing behind in the repository."""
    with tempfile.TemporaryDirectory(prefix="simone-review-") as directory, tempfile.TemporaryFile() as packed:
        archived = subprocess.run(
            ["git", "archive", "--format=tar", commit], cwd=ROOT, stdout=packed, stderr=subprocess.PIPE, check=False
        )
        if archived.returncode != 0:
            raise CheckoutError(f"the commit {commit[:12]} can't be read: {archived.stderr.decode().strip()}")
        packed.seek(0)
        with tarfile.open(fileobj=packed) as files:
            files.extractall(directory, filter="data")
        yield Path(directory)


def judged_by(commit: str, rendered: str) -> Mapping[str, Judge | str]:
    """By environment a commit's judge of these renders (as a snapshot prints them), or why it can't be told."""
    with _files_of(commit) as tree:
        try:
            verdicts = finish(_start("judging.py", tree), "they can't be run", rendered)
            content: Mapping[str, Mapping[str, Any]] = json.loads(verdicts)
        except (CheckoutError, ValueError) as error:
            return dict.fromkeys(json.loads(rendered), str(error))
    return {name: str(one["error"]) if "error" in one else parsed(one) for name, one in content.items()}


def attributed(configs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By environment and URN the changed settings that change a resource; `configs` has both sides', `base` and `head`.

    Raises CheckoutError.
    """
    process = _start("attribution.py", ROOT)
    return json.loads(finish(process, "the changed settings can't be tried one by one", json.dumps(configs)))


def judging_code_since(commit: str) -> tuple[str, ...]:
    """The files that judge a change, or decide who does, and have changed since, new ones included."""
    return tuple(filter(is_judging, _files_since(commit, ".")))


def program_since(commit: str) -> tuple[str, ...]:
    """The files that may change what is declared, and have changed since."""
    return _files_since(commit, ".", ":!docs", ":!tests", ":!*.md", ":!policies", ":!review", ":!.github")


def _files_since(commit: str, *paths: str) -> tuple[str, ...]:
    changed = _git("diff", "--name-only", commit, "--", *paths).stdout.split("\n")
    new = _git("ls-files", "--others", "--exclude-standard", "--", *paths).stdout.split("\n")
    return tuple(sorted({*changed, *new} - {""}))


def finish(process: "subprocess.Popen[str]", name: str, given: str | None = None) -> str:
    """Wait for a program, which reads what is given. Raises CheckoutError when it failed as a whole."""
    stdout, stderr = process.communicate(given)
    if process.returncode != 0:
        last = stderr.strip().splitlines()[-1:] or ["no message"]
        raise CheckoutError(f"{name}: {last[0]}")
    return stdout


def _start(script: str, directory: Path, *arguments: str, packages: Path | None = None) -> "subprocess.Popen[str]":
    """Start a script of this package in a tree; `finish` gives it its input and waits."""
    first = (
        {"PYTHONPATH": os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))} if packages else {}
    )
    return subprocess.Popen(
        [sys.executable, str(_HERE / script), *arguments],
        cwd=directory,
        env={**os.environ, **first},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def parse(text: str, name: str = "the files") -> Snapshot:
    """A finished rendering."""
    try:
        content: Mapping[str, Mapping[str, Any]] = json.loads(text)
    except ValueError:
        raise CheckoutError(f"rendering {name} gave no usable result") from None
    errors = {environment: str(value["error"]) for environment, value in content.items() if "error" in value}
    rendered = {
        environment: Rendered(
            environment=environment,
            resources=tuple(map(_resource, value["resources"])),
            exports=value["exports"],
            secret_exports=frozenset(value["secret_exports"]),
        )
        for environment, value in content.items()
        if "error" not in value
    }
    configs = {environment: value["config"] for environment, value in content.items() if value.get("config")}
    return Snapshot(rendered, errors, configs)


_TUPLES: Sequence[str] = ("dependencies", "aliases")


def _resource(value: Mapping[str, Any]) -> Resource:
    known: dict[str, Any] = {field.name: value[field.name] for field in fields(Resource) if field.name in value}
    known |= {name: tuple(known[name]) for name in _TUPLES}
    known["property_dependencies"] = {key: tuple(urns) for key, urns in known["property_dependencies"].items()}
    known["secret_paths"] = frozenset(known["secret_paths"])
    return Resource(**known)
