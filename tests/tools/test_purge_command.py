"""A purge by hand finds what is kept for an address, and says so where nothing is."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from app.caching_policy import load
from tools.purge import app, known_tags, tags_of

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


@pytest.mark.parametrize(("url", "reason"), [("/checkout", "nothing is kept"), ("/cart", "has no tags")])
def test_an_address_that_cant_be_purged_says_why(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tags_of(POLICY, url)


def test_what_a_listing_shows_is_purged_with_the_tag_that_guards_listings_under_way() -> None:
    assert known_tags(POLICY, "listed:5") == ("listed:5", "listed")


def test_a_purge_of_nothing_says_what_to_write() -> None:
    result = CliRunner().invoke(app, ["local"])
    assert result.exit_code == 2
    assert "--tag product:5" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere", "--tag", "product:5"], "there is no environment 'nowhere'"),
        (
            ["local", "--tag", "Bad!"],
            "nothing is kept under the tag 'Bad!'; there are products, facets, product:{product_id}",
        ),
        (["local", "--tag", "product:"], "nothing is kept under the tag 'product:'"),
    ],
)
def test_a_purge_that_would_do_nothing_or_elsewhere_is_refused(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert reason in result.output


def test_a_clusters_purge_goes_to_the_context_that_its_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> CompletedProcess[str]:
        ran.append(command)
        return CompletedProcess(command, 0)

    monkeypatch.setattr("tools.purge.subprocess.run", run)
    settings = {"kubernetes:context": "the-shops-cluster", "simone:namespace": "shop"}
    monkeypatch.setattr("tools.purge.stack_config", lambda _: settings)
    assert CliRunner().invoke(app, ["prod", "--tag", "product:5"]).exit_code == 0
    assert ran[0][:5] == ["kubectl", "--namespace", "shop", "--context", "the-shops-cluster"]
    assert ran[0][-2:] == ["--tag", "product:5"]
