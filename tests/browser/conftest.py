"""The built shop in a real browser, in front of the stand-in API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import FLAGS, Visitor
from playwright.sync_api import Browser, expect, sync_playwright
from stand_in import StandIn
from storefront_server import REVALIDATION_KEY, STANDALONE, Storefront

from local import browser as browsers
from local import builds
from local.problem import Problem

expect.set_options(timeout=120_000)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Tests of the built shop run in a process of their own: Playwright leaves it with a running event loop."""
    for item in items:
        if "tests/browser" in str(item.path) and {"build", "browser"} & set(item.fixturenames):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def build() -> Path:
    """The directory of the built shop, built now if an input changed."""
    if builds.node() is None:
        pytest.skip("NOT TESTED: a Node that builds the storefront is missing (make setup)")
    try:
        builds.ensure_storefront(print)
    except Problem as problem:
        pytest.fail(str(problem))
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
    program = browsers.find()
    if program is None:
        pytest.skip("NOT TESTED: Chromium is missing (make chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
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
