"""What the runbooks tell people to type and to open exists."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.render import Rendered

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them: lower case, spaces to hyphens, other signs left out."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links() -> Iterator[tuple[Path, str]]:
    for page in RUNBOOKS:
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            if not link.startswith("http"):
                yield page, link


@pytest.mark.parametrize(("page", "link"), list(_links()), ids=str)
def test_link_leads_somewhere(page: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    assert target.exists(), f"{page.name}: {link}"
    assert not anchor or anchor in _anchors(target), f"{page.name}: {link}"


def _typed(pattern: str) -> set[str]:
    return {found for page in RUNBOOKS for found in re.findall(pattern, page.read_text())}


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for line in targets for name in line.split()}
    typed = _typed(r"`make ([a-z-]+)")
    assert typed
    assert typed <= known


def test_every_npm_script_exists() -> None:
    scripts = json.loads((ROOT / "app" / "storefront" / "package.json").read_text())["scripts"]
    assert _typed(r"npm run ([\w:-]+)") <= scripts.keys()


def test_every_job_is_declared(rendered: Callable[[str], Rendered]) -> None:
    declared = {job.inputs["metadata"]["name"] for job in rendered("prod").of(":CronJob")}
    typed = _typed(r"JOB=([\w-]+)") | _typed(r"cronjobs?/([\w-]+)") | _typed(r"get cronjob ([\w-]+)")
    assert typed
    assert typed <= declared


def test_every_file_named_exists() -> None:
    named = _typed(r"`((?:components|app|docs|tests|kpi|tools)/[\w./-]+)`")
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_secret_named_is_one(rendered: Callable[[str], Rendered]) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    for name in _typed(r"`(?:simone:)?(secrets\.\w+\.\w+)`"):
        assert f"`{name}`" in settings, name
