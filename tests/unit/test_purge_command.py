"""A purge by hand finds what is kept for an address, and says so where nothing is."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.caching_policy import load
from tools.purge import app, tags_of

POLICY = load(Path("app/caching.yaml"))


@pytest.mark.parametrize(
    ("url", "tags"),
    [
        ("/products/5", ("page-product:5",)),
        ("https://shop.example.com/api/products/5?x=1", ("product:5",)),
        ("/api/products", ("products",)),
    ],
)
def test_an_address_is_purged_by_its_narrowest_tags(url: str, tags: tuple[str, ...]) -> None:
    assert tags_of(POLICY, url) == tags


@pytest.mark.parametrize(("url", "reason"), [("/cart", "nothing is kept"), ("/robots.txt", "has no tags")])
def test_an_address_that_cant_be_purged_says_why(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tags_of(POLICY, url)


def test_a_purge_of_nothing_says_what_to_write() -> None:
    result = CliRunner().invoke(app, ["local"])
    assert result.exit_code == 2
    assert "--tag product:5" in result.output
