"""The two states of the repository that a review compares: the files as they are, and a commit."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stack.environments import ROOT, environments
from stack.render import Rendered
from stack.resource import Resource

_SNAPSHOT = Path(__file__).resolve().parent / "snapshot.py"
_CACHE = ROOT / ".tools" / "review"
_FORMAT = 2
"""Grows when a snapshot gets other contents, so that none that was kept before is read."""


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
    return _start(ROOT)


def at(commit: str) -> Snapshot:
    """A commit's environments; a commit never changes, so they are kept once they have been rendered."""
    kept = _CACHE / f"{commit}.{_FORMAT}.json"
    if kept.exists():
        return _parse(kept.read_text(), commit)
    with tempfile.TemporaryDirectory(prefix="simone-review-") as directory:
        tree = Path(directory) / "tree"
        added = _git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        if added.returncode != 0:
            raise CheckoutError(f"the commit {commit[:12]} can't be checked out: {added.stderr.strip()}")
        try:
            text = finish(_start(tree), commit[:12])
        except CheckoutError as error:
            # Nothing of it can be imported: every environment is broken. Not kept, as it may be this machine's fault.
            return Snapshot({}, dict.fromkeys(environments(tree), str(error)), {})
        finally:
            _git("worktree", "remove", "--force", str(tree))
    _CACHE.mkdir(parents=True, exist_ok=True)
    kept.write_text(text)
    return _parse(text, commit)


def shared_since(commit: str) -> tuple[str, ...]:
    """What both sides of a review share though it has changed since: the policies, and the SDKs' versions."""
    policies = _git("diff", "--name-only", commit, "--", "policies").stdout.split()
    locks = _git("diff", "--unified=0", commit, "--", "requirements/*.lock").stdout.splitlines()
    versions = sorted({line.split()[0] for line in locks if re.match(r"[+-]pulumi[\w-]*==", line)})
    found: list[str] = []
    if policies:
        found.append(f"policies changed ({', '.join(policies)}): these judge, and nobody compares them with the base's")
    if versions:
        found.append(f"SDKs changed ({' '.join(versions)}): the installed ones render both sides")
    return tuple(found)


def finish(process: "subprocess.Popen[str]", name: str) -> str:
    """Wait for a rendering. Raises CheckoutError when it failed as a whole."""
    stdout, stderr = process.communicate()
    if process.returncode != 0:
        last = stderr.strip().splitlines()[-1:] or ["no message"]
        raise CheckoutError(f"{name} can't be rendered: {last[0]}")
    return stdout


def parse(text: str, name: str = "the files") -> Snapshot:
    """A finished rendering."""
    return _parse(text, name)


def _start(directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(_SNAPSHOT), *environments(directory)],
        cwd=directory,
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
