"""What the images are built from: each Dockerfile finds what it copies, and takes the repository's own versions."""

import re

import pytest

from tools.images import ROOT, dockerfiles

NAME_AND_VERSION = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)
LET_IN = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}


def copied(image: str) -> set[str]:
    """What a Dockerfile copies from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", dockerfiles()[image].read_text(), re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


@pytest.mark.parametrize("image", dockerfiles())
def test_an_image_finds_what_it_copies(image: str) -> None:
    for source in copied(image):
        assert (ROOT / source).exists()
        assert source.partition("/")[0] in LET_IN, f".dockerignore hides {source}"


def test_nothing_is_sent_to_a_build_that_no_image_copies() -> None:
    assert {source.partition("/")[0] for image in dockerfiles() for source in copied(image)} == LET_IN


@pytest.mark.parametrize("image", ["api", "operations"])
def test_an_image_takes_the_versions_that_the_tests_run_with(image: str) -> None:
    def versions(name: str) -> set[tuple[str, str]]:
        return set(NAME_AND_VERSION.findall((ROOT / "requirements" / f"{name}.lock").read_text()))

    assert versions(image)
    assert versions(image) <= versions("project")
