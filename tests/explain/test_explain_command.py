"""`make explain`: what it prints for a request, and what it says to a request that is none."""

import pytest
from typer.testing import CliRunner, Result

from explain.__main__ import app
from stack.render import Rendered


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_a_page_is_kept_under_a_key_of_its_own_for_as_long_as_the_policy_says() -> None:
    said = explain("https://www.simone-webshop.com/products/5?utm_source=mail", "--country", "us", "--device", "mobile")
    assert said.exit_code == 0, said.output
    for line in (
        "request_cache_settings: keep-home (Keep: /, /products/{product_id}",
        "kept at the edge: yes",
        "kept 60 s because of a response rule",
        "then stale for 60 s while refreshed, 3600 s on errors",
        "path: /products/5",
        "device: mobile",
        "x-country: US",
        "browsers are told: public, max-age=60, stale-if-error=3600",
    ):
        assert line in said.output


def test_what_keeps_an_answer_out_is_named() -> None:
    said = explain("/api/products/5", "--header", "Authorization: Bearer x")
    assert "personal-requests (Keep no response to requests with Authorization" in said.output
    assert "kept at the edge: no" in said.output
    assert "browsers are told: private, no-store" in said.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["products/5"], "neither a path"),
        ([""], "neither a path"),
        (["/", "--method", "LOOK"], "is no method"),
        (["/", "--country", "Germany"], "no country of two letters"),
        (["/", "--device", "fridge"], "is not one of 'desktop', 'mobile', 'tablet'"),
        (["/", "--status", "42"], "greater than or equal to 200"),
        (["/", "--header", "Authorization"], "is not 'Name: value'"),
        (["/", "--env", "nowhere"], "there is no environment 'nowhere'"),
    ],
)
def test_a_request_that_is_none_is_told_why(arguments: list[str], reason: str) -> None:
    said = explain(*arguments)
    assert said.exit_code == 2
    assert reason in said.output


def test_an_environment_without_an_edge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explain.__main__.render", lambda environment: Rendered(resources=(), environment=environment))
    said = explain("/")
    assert said.exit_code == 2
    assert "no edge is declared (simone:edge is not set)" in said.output
