"""`make test` installs a browser where it can, and says loudly what isn't tested where it can't."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import browser, packages
from local.__main__ import app
from local.problem import Problem


def test_a_browser_that_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {name: f"/usr/bin/{name}" for name in ("chromium-headless-shell", "chromium")}
    installed: list[str] = []
    monkeypatch.setattr(packages, "install", installed.extend)
    monkeypatch.setattr(browser, "locate", there.get)
    assert CliRunner().invoke(app, ["chromium"]).exit_code == 0
    assert (installed, browser.find()) == ([], "/usr/bin/chromium-headless-shell")
    del there["chromium-headless-shell"]
    assert CliRunner().invoke(app, ["chromium"]).exit_code == 0
    assert (installed, browser.find()) == (["chromium-headless-shell", "chromium"], "/usr/bin/chromium")


def test_no_right_to_install_one_skips_its_tests_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(names: Iterable[str]) -> None:
        raise Problem(f"installing {' '.join(names)} needs root")

    monkeypatch.setattr(packages, "install", refuse)
    monkeypatch.setattr(browser, "locate", lambda _: None)
    result = CliRunner().invoke(app, ["chromium"])
    assert result.exit_code == 0
    assert "NOT TESTED in a browser" in result.output
    assert "needs root" in result.output


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)


def test_an_engine_is_complete_with_its_driver_wherever_each_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(browser, "BUILT", tmp_path / "built")
    engine = browser.Engine("Nova", (f"{tmp_path}/lib/*/nova", "nova"), "novadriver", (), ("Xvfb",))
    assert engine.missing() == ["nova", "novadriver", "Xvfb"]
    _program(tmp_path / "lib" / "a" / "nova")
    _program(tmp_path / "built" / "novadriver")
    _program(tmp_path / "bin" / "Xvfb")
    assert engine.missing() == []
    assert engine.browser == str(tmp_path / "lib" / "a" / "nova")


def test_an_engine_that_is_there_is_left_alone_and_one_that_stays_incomplete_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"chromium", "chromedriver", "firefox-esr"}
    installed: list[str] = []

    def locate(name: str) -> str | None:
        return f"/usr/bin/{name}" if name in there or "MiniBrowser" in name else None

    def install(names: Iterable[str]) -> None:
        installed.extend(names)
        there.update({"WebKitWebDriver", "Xvfb"} if "xvfb" in installed else set())

    monkeypatch.setattr(browser, "locate", locate)
    monkeypatch.setattr(packages, "install", install)
    result = CliRunner().invoke(app, ["browsers"])
    assert result.exit_code == 0
    assert installed == ["firefox-esr", "webkit2gtk-driver", "xvfb"]
    assert (
        "NOT TESTED in Firefox: geckodriver missing. "
        "Debian has no geckodriver: make browsers builds it where there is cargo.\n"
    ) in result.output
    assert result.output.count("NOT TESTED") == 1
