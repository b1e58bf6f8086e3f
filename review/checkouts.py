"""The two states of the repository that a review compares: the files as they are, and a commit."""

import contextlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from review.judges import Judge, parsed
from stack.environments import ROOT, environments
from stack.render import Rendered
from stack.resource import Resource

_HERE = Path(__file__).resolve().parent
_CACHE = ROOT / ".tools" / "review"
_FORMAT = 3
"""Grows when a snapshot gets other contents, so that none that was kept before is read."""

JUDGING = ("policies", "review", "stack", ".github", "explain", "tools/deploy.py")
"""What judges a change; .github/CODEOWNERS has an owner for each."""


class CheckoutError(Exception):
    """A commit can't be compared with; the message says why and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A checkout's environments: rendered, or why they can't be; and the configuration of those that are."""

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


def here() -> "subprocess.Popen[str]":
    """Start rendering the files as they are."""
    return _start("snapshot.py", ROOT, *environments(ROOT))


def at(commit: str) -> Snapshot:
    """A commit's environments; a commit never changes, so they are kept once they have been rendered."""
    kept = _CACHE / f"{commit}.{_FORMAT}.json"
    if kept.exists():
        return _parse(kept.read_text(), commit)
    with _files_of(commit) as tree:
        try:
            text = finish(_start("snapshot.py", tree, *environments(tree)), f"{commit[:12]} can't be rendered")
        except CheckoutError as error:
            # Nothing of it can be imported: every environment is broken. Not kept, as it may be this machine's fault.
            return Snapshot({}, dict.fromkeys(environments(tree), str(error)), {})
    _CACHE.mkdir(parents=True, exist_ok=True)
    kept.write_text(text)
    return _parse(text, commit)


@contextlib.contextmanager
def _files_of(commit: str) -> Generator[Path]:
    """A commit's files, in a directory that git knows nothing of: nothing stays behind in the repository when this ends
    early.
    """
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


def shared_since(commit: str) -> tuple[str, ...]:
    """What both sides of a review share though it has changed since: the SDKs' versions."""
    locks = _git("diff", "--unified=0", commit, "--", "requirements/*.lock").stdout.splitlines()
    versions = sorted({line.split()[0] for line in locks if re.match(r"[+-]pulumi[\w-]*==", line)})
    return (f"SDKs changed ({' '.join(versions)}): the installed ones render both sides",) if versions else ()


def judging_code_since(commit: str) -> tuple[str, ...]:
    """The files that judge a change, or decide who does, and have changed since, new ones included."""
    return _files_since(commit, *JUDGING)


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


def printed(stack: Rendered) -> str:
    """A render as a snapshot prints it."""
    return json.dumps({stack.environment: asdict(stack)}, default=sorted)


def parse(text: str, name: str = "the files") -> Snapshot:
    """A finished rendering."""
    return _parse(text, name)


def _start(script: str, directory: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a script of this package in a tree; `finish` gives it its input and waits."""
    return subprocess.Popen(
        [sys.executable, str(_HERE / script), *arguments],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def _parse(text: str, name: str) -> Snapshot:
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
