"""`python tools/release.py v1.2.3`: the release notes of a tag, which are its section of CHANGELOG.md.

Standard library only: the release workflow runs it before anything is installed.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TAG = re.compile(r"v(\d+\.\d+\.\d+)")


class NoReleaseError(Exception):
    """A tag can't be released; the message says what to fix."""


def notes(tag: str, changelog: str, project: str) -> str:
    """The notes of a tag, from the texts of CHANGELOG.md and pyproject.toml. Raises NoReleaseError."""
    found = _TAG.fullmatch(tag)
    if found is None:
        raise NoReleaseError(f"the tag {tag!r} is no version: name it v1.2.3")
    version = found[1]
    declared = tomllib.loads(project)["project"]["version"]
    if declared != version:
        raise NoReleaseError(f"the tag is {tag}, but pyproject.toml says version = {declared!r}: make them the same")
    section = re.search(rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if section is None or not section[1].strip():
        raise NoReleaseError(f"CHANGELOG.md has no section `## {version}`, or an empty one: move `## Unreleased` there")
    return section[1].strip() + "\n"


def main(tag: str) -> int:
    """Print the notes; 1 and the reason when the tag can't be released."""
    try:
        print(notes(tag, (ROOT / "CHANGELOG.md").read_text(), (ROOT / "pyproject.toml").read_text()), end="")
    except NoReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("say which tag: python tools/release.py v1.2.3")
    sys.exit(main(sys.argv[1]))
