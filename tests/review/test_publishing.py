"""The comment is made of a report's checked data: whatever an artifact holds, it is shown as text or refused."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from policies.catalogue import RULES
from review.capacity import Figure
from review.markdown import MARKER, SIZE_LIMIT
from review.plan import Op
from review.publishing import _failed, body_of
from review.readable import TextChange, ValueChange
from review.report import build
from review.report_data import MARKS, Entry, Item, Part, Place, Report, Summary, Verdict
from review.report_file import ReportFileError, as_json, read
from review.rest import RestError
from stack.properties import Kind
from testing.pull_requests import planned

ATTACKS = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</details></summary></b><h1>all is well</h1>",
    "--> <!-- simone-review --> <!--",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "<https://evil.example> https://evil.example www.evil.example HTTP://evil.example a@evil.example",
    "@admin @shop/owners #1 gh-1 GH-12 shop/simone#3 !7 $5 %3 &9",
    "```\n## heading\n~~~\n/merge\n/close",
    "::error::boom\n::stop-commands::x\r\n##[command]x",
    "| a | b |\n|---|---|\n| c | d |",
    "- ---\n1. one\n> quote\n\n    code\n===",
    "`` ` ``` `",
    "$x^2$ $$y$$ \\( \\[ *bold* _it_ ~~no~~ [^1] [x]: https://evil.example",
    "\x1b]8;;https://evil.example\x07\u202e\u2066\u2028## x\u0085## y",
    "[x]: javascript:alert(1)",
]
RUN = "https://github.com/shop/simone/actions/runs/1"


def _report(text: str) -> Report:
    """A report that says the same wherever it can say anything."""
    changes = (
        ValueChange(text, Kind.UPDATE, text, text),
        TextChange(text, (f"+{text}", f"-{text}", text)),
    )
    item = Item(
        subject=text,
        kind=text,
        mark="~",
        sentences=(text, text),
        changes=changes,
        link=text,
        also=(text, text),
        source=text,
        places=(Place(text, text, (text,), text),),
    )
    summary = Summary(
        environment=text,
        origin=text,
        counts={Op.CREATE: 3},
        policies=1,
        protected=0,
        refused=0,
        advice=1,
        judged=True,
        figures=(Figure(text, text, 1, 2),),
    )
    sections = {part: (Entry(item, (text,)),) for part in Part}
    return Report(Verdict.HARMLESS, text, (summary,), sections)


def _body(report: Report | str, tmp_path: Path, changed: tuple[str, ...] = ()) -> str:
    path = tmp_path / "review.json"
    path.write_text(report if isinstance(report, str) else as_json(report))
    return body_of(path, changed, lambda source: f"https://github.com/shop/simone/blob/abc/{source}", RUN, "abc" * 9)


def _tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        yield token
        yield from token.children or ()


OURS = ("<details>", "</details>", MARKER)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_field_of_a_report_injects_anything(attack: str, tmp_path: Path) -> None:
    body = _body(_report(attack), tmp_path)
    assert body.startswith(MARKER)
    headings = opened = closed = 0
    for token in _tokens(body):
        if token.type in ("html_block", "html_inline"):
            opened += token.content.count("<details>")
            closed += token.content.count("</details>")
            for line in token.content.strip().splitlines():
                assert re.fullmatch(r"</details>|<details><summary><b>[A-Z][\w ,]+ \(1\)</b></summary>", line) or (
                    line == MARKER
                )
        if token.type == "link_open":
            assert token.attrs["href"] == RUN
        assert token.type != "image"
        if token.type == "heading_open":
            headings += 1
            assert token.tag in ("h2", "h3")
        if token.type == "text":
            for mention in ("@a", "@s", "://", "www.", "#1", "#3", "GH-1", "gh-1", "!7"):
                assert mention not in token.content, token.content
    assert (headings - 1) + opened == len(Part)
    assert opened == closed
    for line in body.splitlines():  # GitLab's quick actions
        assert not line.startswith("/")


def test_only_a_rules_own_link_is_kept(tmp_path: Path) -> None:
    item = Item(subject="x", kind="y", link=RULES[0].link)
    report = Report(Verdict.STOPPED, "no", (), {Part.VIOLATIONS: (Entry(item, ()),)})
    assert f"([more]({RULES[0].link}))" in _body(report, tmp_path)
    other = dataclasses.replace(item, link="https://evil.example/")
    report = dataclasses.replace(report, sections={Part.VIOLATIONS: (Entry(other, ()),)})
    assert "evil" not in _body(report, tmp_path)


@pytest.mark.parametrize("source", ["components/redis/nodes.py:42", "../../x:1", "a b.py:1", "x.py:1)](y", "x.py"])
def test_a_line_is_linked_only_where_it_is_one(source: str, tmp_path: Path) -> None:
    report = Report(Verdict.CAREFUL, "x", (), {Part.LOSSES: (Entry(Item(subject="x", kind="y", source=source), ()),)})
    linked = "/blob/abc/components/redis/nodes.py:42" in _body(report, tmp_path)
    assert linked is (source == "components/redis/nodes.py:42")


def _changed(**fields: Any) -> str:
    return json.dumps({**json.loads(as_json(build([planned("image-bumped")]))), **fields})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", "is not of schema"),
        (_changed(schema=1), "is not of schema"),
        (_changed(verdict="## fine"), r"verdict (enum)"),
        (_changed(headline=["## fine"]), r"headline (string_type)"),
        (_changed(sections={"## evil": []}), "sections.?"),
        (_changed(sections={"losses": [{"item": {"subject": 1}, "environments": []}]}), "subject (string_type)"),
        (_changed(environments="x"), "summaries (tuple_type)"),
    ],
)
def test_what_is_no_report_is_refused_in_our_own_words(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    path.write_text(text)
    with pytest.raises(ReportFileError) as refused:
        read(path)
    assert told in str(refused.value)
    assert "##" not in str(refused.value)
    assert "The review can't be read" in _body(text, tmp_path)


@pytest.mark.parametrize("name", ["component-renamed", "memory-cut", "firewall-opened", "outputs-changed"])
def test_a_report_comes_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    report = build([planned(name)])
    path = tmp_path / "review.json"
    path.write_text(as_json(report))
    assert read(path) == report
    assert {entry.item.mark for entries in report.sections.values() for entry in entries} <= {*MARKS}


@pytest.mark.full
def test_a_report_of_any_size_fits(tmp_path: Path) -> None:
    huge = _report("x" * 100_000)
    entry = huge.sections[Part.LOSSES][0]
    many = dataclasses.replace(huge, summaries=huge.summaries * 500, sections=dict.fromkeys(Part, (entry,) * 50))
    assert len(_body(many, tmp_path)) <= SIZE_LIMIT + 1_000


def test_a_missing_report_is_told(tmp_path: Path) -> None:
    assert "The review failed" in body_of(tmp_path / "none.json", (), lambda _: "", RUN, "abc")


def test_no_message_of_a_host_is_a_command_to_the_runner(capsys: pytest.CaptureFixture[str]) -> None:
    _failed(RestError("no branch\n::error::x"))
    assert capsys.readouterr().err == "no branch : :error: :x\n"


@pytest.mark.parametrize("file", ["policies/prod.json", "review/report.py", ".github/workflows/review.yml"])
def test_a_change_to_what_writes_the_report_comes_first_and_is_never_green(file: str, tmp_path: Path) -> None:
    body = _body(build([planned("nothing")]), tmp_path, (file, "README.md"))
    assert "## 🟠 Deploy with care: changes what judges it" in body
    assert body.index("this report is the change's own word") == body.index("this report")
    assert "## ⚪" in _body(build([planned("nothing")]), tmp_path, ("README.md", "reviewing.md"))
