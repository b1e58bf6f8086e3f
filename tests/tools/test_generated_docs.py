"""Pages made from the code are current."""

from collections.abc import Callable

import pytest

from tools.docs.__main__ import PAGES, ROOT


@pytest.mark.parametrize(("name", "made"), PAGES.items())
def test_the_page_is_what_the_code_says_now(name: str, made: Callable[[], str]) -> None:
    assert (ROOT / name).read_text() == made(), f"{name} is out of date; run: make docs"
