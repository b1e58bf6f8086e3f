"""Each path that CODEOWNERS names exists, and has an owner: a path that was renamed would protect nothing."""

import re

import pytest

from tools.images import ROOT

LINES = [
    line.split()
    for line in (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.mark.parametrize("pattern", [line[0] for line in LINES])
def test_an_owned_path_exists(pattern: str) -> None:
    assert pattern == "*" or list(ROOT.glob(pattern.strip("/"))), f"{pattern} is gone: mend .github/CODEOWNERS"


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_a_path_has_owners(line: list[str]) -> None:
    assert line[1:]
    assert all(re.fullmatch(r"@[\w-]+(?:/[\w-]+)?", owner) for owner in line[1:])
