"""What the pages tell people to type in a pod works as it is typed, in the pods of the running shop."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.environment import Environment
from stack.environments import ROOT

pytestmark = pytest.mark.shop

PAGES = [*sorted((ROOT / "docs" / "runbooks").glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
IN_A_POD = re.compile(r"kubectl -n simone exec (?P<pod>\S+)(?: -c (?P<container>\S+))? -- (?P<command>.+)")
EXAMPLES = {"<pair>": "data", "<n>": "0"}
CHANGES_DATA = ("touch /data/start-empty",)
"""Commands that only an emergency justifies; the chaos tests go through it."""
REFUSED = re.compile(r"NOPERM|NOAUTH|WRONGPASS|\bERR\b|Could not connect|not found", re.IGNORECASE)
NEEDS_MORE = ("redis-cli ", "psql ", "curl :")
"""Beginnings of commands that need an address, a user or a password to work in a pod."""


def _spans() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        text = page.read_text()
        yield from ((page, " ".join(span.split())) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield from ((page, line) for line in block.splitlines())


COMMANDS = sorted({span for _, span in _spans() if IN_A_POD.match(span)})


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 5


def test_no_runbook_leaves_out_what_a_command_needs() -> None:
    short = {
        f"{page.name}: {span}"
        for page, span in _spans()
        if page.parent.name == "runbooks" and span.startswith(NEEDS_MORE)
    }
    assert short == set()


@pytest.mark.parametrize("typed", COMMANDS)
def test_a_command_works_as_it_is_typed(shop: Environment, typed: str) -> None:
    for placeholder, example in EXAMPLES.items():
        typed = typed.replace(placeholder, example)
    match = IN_A_POD.match(typed)
    assert match is not None
    if match["command"] in CHANGES_DATA:
        pytest.skip("done in an emergency only")
    kind, _, name = match["pod"].rpartition("/")
    pod = f"{name}-0" if kind == "deployment" else name
    code, written = shop.execute(pod, shlex.split(match["command"]), match["container"] or "", capture=True)
    assert code == 0, written
    assert written.strip()
    assert not REFUSED.search(written), written
