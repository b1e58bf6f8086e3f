"""The built shop in a real browser, in front of the stand-in API."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visitor
from playwright.sync_api import Browser, expect, sync_playwright
from stand_in import StandIn
from storefront_server import REPOSITORY, REVALIDATION_KEY, STANDALONE, Storefront

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
BUILD_SECONDS = 280
# No sandbox: tests may run as root, and only ever load our own pages.
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def build() -> Path:
    """The directory of the built shop, built now if an input changed."""
    if shutil.which("npm") is None:
        pytest.skip("NOT TESTED: Node.js with npm is missing, so the storefront can't be built")
    made = subprocess.run(
        ["make", "storefront"], cwd=REPOSITORY, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    assert made.returncode == 0, f"make storefront failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}"
    return STANDALONE


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """The stand-in API."""
    server = StandIn()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The webhook's key, as a pod has it."""
    file = tmp_path_factory.mktemp("secrets") / "revalidation-key"
    file.write_text(REVALIDATION_KEY)
    return file


@pytest.fixture(scope="session")
def storefront(
    build: Path, stand_in: StandIn, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Storefront]:
    """The shop that most tests share."""
    server = Storefront(build, stand_in.url, tmp_path_factory.mktemp("storefront") / "log", key_file)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if CHROMIUM is None:
        pytest.skip("NOT TESTED: Chromium is missing (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visitor(browser: Browser, storefront: Storefront, stand_in: StandIn) -> Iterator[Visitor]:
    """A new visitor, and an API as at the start."""
    stand_in.reset()
    context = browser.new_context()
    yield Visitor(context, storefront.url)
    context.close()
    stand_in.reset()
