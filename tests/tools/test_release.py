"""A release's notes are its version's section of the changelog; a tag that fits neither is refused."""

import pytest

from tools.images import ROOT
from tools.release import NoReleaseError, notes

CHANGELOG = "# Changelog\n\n## Unreleased\n\n- new\n\n## 1.2.0 - 2026-01-01\n\n- fixed\n\n## 1.1.0\n\n- old\n"
PROJECT = '[project]\nversion = "1.2.0"\n'


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes("v1.2.0", CHANGELOG, PROJECT) == "- fixed\n"


def test_the_version_of_this_repository_could_be_released() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = project.partition('\nversion = "')[2].partition('"')[0]
    assert notes(f"v{version}", (ROOT / "CHANGELOG.md").read_text(), project)


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("1.2.0", CHANGELOG, "is no version: name it v1.2.3"),
        ("v1.3.0", CHANGELOG, "pyproject.toml says version = '1.2.0'"),
        ("v1.2.0", "# Changelog\n\n## Unreleased\n\n- fixed\n", "has no section `## 1.2.0`"),
        ("v1.2.0", "## 1.2.0\n\n## 1.1.0\n\n- old\n", "or an empty one"),
    ],
)
def test_a_tag_that_cannot_be_released_says_why(tag: str, changelog: str, said: str) -> None:
    with pytest.raises(NoReleaseError, match=said):
        notes(tag, changelog, PROJECT)
