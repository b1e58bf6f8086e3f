"""A Chromium for the browser tests and for Lighthouse. The shop itself runs without one."""

import shutil
from collections.abc import Callable

from local import packages

PROGRAMS = ("chromium", "google-chrome")
PACKAGE = "chromium"


def find() -> str | None:
    """The path of a browser that is installed, or None."""
    return next((found for found in map(shutil.which, PROGRAMS) if found), None)


def ensure(say: Callable[[str], None]) -> None:
    """Install Debian's Chromium unless there is a browser. Problem when that can't be done here."""
    if find() is None:
        say("installing Chromium, for the tests in a browser")
        packages.install([PACKAGE])
