"""Pages made from the code are current."""

from collections.abc import Callable

import pytest
from rich.text import Text

from review.preview import tree
from review.render import Rendered
from tools.docs.__main__ import PAGES, ROOT


@pytest.mark.parametrize(("name", "made"), PAGES.items())
def test_the_page_is_what_the_code_says_now(name: str, made: Callable[[], str]) -> None:
    assert (ROOT / name).read_text() == made(), f"{name} is out of date; run: make docs"


def test_the_readme_s_count_is_what_the_preview_prints(rendered: Callable[[str], Rendered]) -> None:
    printed = Text.from_markup(str(tree(rendered("prod")).label)).plain
    assert f"make preview ENV=prod | head -1\n{printed}\n" in (ROOT / "README.md").read_text()
