"""The browsers of the tests and of Lighthouse. The shop itself runs without one."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from local import packages
from local.images import REPOSITORY
from local.problem import Problem

SHELL = "chromium-headless-shell"
"""Chromium without its own surface: the same engine for half of the processor's time in the tests."""
BUILT = REPOSITORY / ".tools" / "bin"
"""Where the Makefile puts what it builds, such as geckodriver, which Debian doesn't have."""


def find() -> str | None:
    """The path of the Chromium that is installed, its headless shell before all, or None."""
    return locate(SHELL) or CHROMIUM.browser


def ensure(say: Callable[[str], None]) -> None:
    """Install Debian's Chromium and its headless shell, if either is missing. Problem when that can't be done here."""
    if locate(SHELL) is None or CHROMIUM.browser is None:
        say("installing Chromium, for the tests in a browser")
        packages.install([SHELL, "chromium"])


@dataclass(frozen=True)
class Engine:
    """A browser engine, the program that drives it by WebDriver, and where both come from."""

    name: str
    browsers: tuple[str, ...]
    """Its program under each of its names: on PATH, or where its package puts it."""
    driver: str
    packages: tuple[str, ...]
    needs: tuple[str, ...] = ()
    hint: str = ""
    """Where what Debian doesn't have comes from."""

    @property
    def browser(self) -> str | None:
        """The path of its program, or None."""
        return next((found for found in map(locate, self.browsers) if found), None)

    def missing(self) -> list[str]:
        """What of it isn't installed."""
        others = [name for name in (self.driver, *self.needs) if locate(name) is None]
        return others if self.browser else [Path(self.browsers[0]).name, *others]

    def ensure(self, say: Callable[[str], None]) -> None:
        """Install what Debian has of it, if anything is missing. Problem when something still is."""
        if not self.missing():
            return
        say(f"installing {self.name}, for the tests in it")
        packages.install(self.packages)
        if missing := self.missing():
            raise Problem(f"{' and '.join(missing)} missing. {self.hint}".strip())


CHROMIUM = Engine("Chromium", ("chromium", "google-chrome"), "chromedriver", ("chromium", "chromium-driver"))
FIREFOX = Engine(
    "Firefox",
    ("firefox-esr", "firefox"),
    "geckodriver",
    ("firefox-esr",),
    hint="Debian has no geckodriver: make browsers builds it where there is cargo.",
)
WEBKIT = Engine(
    "WebKit", ("/usr/lib/*/webkit2gtk-4.*/MiniBrowser",), "WebKitWebDriver", ("webkit2gtk-driver", "xvfb"), ("Xvfb",)
)
ENGINES = (CHROMIUM, FIREFOX, WEBKIT)


def locate(program: str) -> str | None:
    """The path of a program, or None: found on PATH, built by the Makefile, or the first of a pattern of paths."""
    if os.path.isabs(program):
        return next(iter(sorted(glob(program))), None)
    return shutil.which(program) or shutil.which(program, path=str(BUILT))
