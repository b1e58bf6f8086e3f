"""Links between the repository's pages lead to files and headings; each page is in the site and in the index."""

import functools
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from tools.docs.site_links import outside_links
from tools.images import ROOT

PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    if (ROOT / name).exists()
)  # fmt: skip
INDEX = ROOT / "docs" / "README.md"
QUESTIONS = re.findall(r"^\| ([^|]+\?) \| `([^`]+)` \| \[[^]]+\]\(([^)]+)\) \|$", INDEX.read_text(), re.MULTILINE)


def _slug(heading: str) -> str:
    """As code hosts make an anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@functools.cache
def _parsed(page: Path) -> tuple[set[str], list[str]]:
    """A page's anchors, and where its links and pictures lead."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text())
    anchors = {
        _slug("".join(part.content for part in following.children or () if part.type in ("text", "code_inline")))
        for token, following in itertools.pairwise(tokens)
        if token.type == "heading_open"
    }
    parts = [part for token in tokens for part in token.children or ()]
    return anchors, [str(part.attrGet("href") or part.attrGet("src") or "") for part in parts]


def _broken(page: Path) -> Iterator[str]:
    own, links = _parsed(page)
    for link in links:
        if not link or re.match(r"https?:|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        if not file.exists():
            yield f"{link}: there is no {target}"
        elif anchor and file.suffix == ".md" and anchor not in (own if file == page else _parsed(file)[0]):
            yield f"{link}: {file.name} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_s_links_lead_somewhere(page: Path) -> None:
    assert list(_broken(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Two words\n\n[a](#two-words) [b](#one-word) [c](none.md) [d](https://example.com)\n")
    assert list(_broken(page)) == ["#one-word: page.md has no such heading", "none.md: there is no none.md"]


def _nav(entries: object) -> Iterator[str]:
    match entries:
        case str():
            yield entries
        case dict():
            for entry in entries.values():
                yield from _nav(entry)
        case list():
            for entry in entries:
                yield from _nav(entry)
        case _:
            raise TypeError(entries)


def test_the_site_and_the_index_have_every_page() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert set(_nav(yaml.safe_load((ROOT / "mkdocs.yaml").read_text())["nav"])) == pages
    listed = set(_parsed(INDEX)[1])
    assert {page for page in pages if "/" not in page} - listed == {"README.md"}
    decisions = set(_parsed(ROOT / "docs/decisions/README.md")[1])
    assert {page.name for page in PAGES if page.parent.name == "decisions"} - decisions == {"README.md"}


def test_there_are_enough_questions() -> None:
    assert len(QUESTIONS) >= 10


@pytest.mark.parametrize(("question", "search", "answer"), QUESTIONS)
def test_a_stranger_s_question_is_answered_by_one_search(question: str, search: str, answer: str) -> None:
    file = (INDEX.parent / answer.partition("#")[0]).resolve()
    assert search in file.read_text(), f"{question} `git grep {search!r}` doesn't find {file.name} any more"


def test_a_link_out_of_the_site_leads_to_the_repository() -> None:
    text = "[a](../app/caching.yaml) [b](edge.md#plans) [c](#here) [d](https://example.com) [e](../README.md#x)"
    assert outside_links(text, "docs", "https://host/repository") == (
        "[a](https://host/repository/app/caching.yaml) [b](edge.md#plans) [c](#here) [d](https://example.com) "
        "[e](https://host/repository/README.md#x)"
    )
