"""`make test` installs a browser where it can, and says loudly what isn't tested where it can't."""

from collections.abc import Iterable

import pytest
from typer.testing import CliRunner

from local import browser, packages
from local.__main__ import app
from local.problem import Problem


def test_a_browser_that_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(packages, "install", installed.extend)
    monkeypatch.setattr(browser, "find", lambda: "/usr/bin/chromium")
    assert CliRunner().invoke(app, ["chromium"]).exit_code == 0
    assert installed == []
    monkeypatch.setattr(browser, "find", lambda: None)
    assert CliRunner().invoke(app, ["chromium"]).exit_code == 0
    assert installed == ["chromium"]


def test_no_right_to_install_one_skips_its_tests_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(names: Iterable[str]) -> None:
        raise Problem(f"installing {' '.join(names)} needs root")

    monkeypatch.setattr(packages, "install", refuse)
    monkeypatch.setattr(browser, "find", lambda: None)
    result = CliRunner().invoke(app, ["chromium"])
    assert result.exit_code == 0
    assert "NOT TESTED in a browser" in result.output
    assert "needs root" in result.output
