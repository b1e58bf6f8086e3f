"""The way back to a page that was left: as it was, and as it is now."""

import re
from collections.abc import Iterator

import pytest
from browsing import FLAGS, Visitor
from playwright.sync_api import Browser, Page, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront

from local.browser import CHROMIUM

FIRST, SECOND = [product["id"] for product in catalogue().products if product["stock"] > 20][:2]


@pytest.fixture
def keeping(browser: Browser, storefront: Storefront, stand_in: StandIn) -> Iterator[Visitor]:
    """A visitor whose browser keeps the pages that are left, which browsers that are driven, and the shell, don't."""
    if CHROMIUM.browser is None:
        pytest.skip("NOT TESTED: Chromium is missing (make chromium)")
    stand_in.reset()
    started = browser.browser_type.launch(
        executable_path=CHROMIUM.browser, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield Visitor(started.new_context(), storefront.url)
    started.close()


def _go_back(page: Page) -> None:
    """Not Playwright's own, which waits for an event that a page that was kept doesn't have."""
    page.evaluate("setTimeout(() => history.back())")
    page.wait_for_url(re.compile(r"/(?:cart|account)$"), wait_until="commit")


def test_back_to_the_cart_is_at_once_what_was_left_with_what_has_changed_since(keeping: Visitor) -> None:
    keeping.add_to_cart(FIRST)
    page = keeping.open("/cart")
    expect(page.get_by_role("link", name="Your cart, 1 item")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.evaluate("window.asLeft = true")
    page.goto(f"{keeping.url}/robots.txt")
    _go_back(page)
    expect(page.locator("li.line")).to_have_count(1)
    reasons = page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)")
    assert page.evaluate("window.asLeft === true"), reasons
    page.goto(f"{keeping.url}/robots.txt")
    other = keeping.open(f"/products/{SECOND}", keeping.context.new_page())
    other.get_by_role("button", name="Add to cart").click()
    expect(other.get_by_role("link", name="Your cart, 2 items")).to_be_visible()
    _go_back(page)
    expect(page.locator("li.line")).to_have_count(2)


def test_back_to_what_was_a_members_shows_nothing_of_theirs(keeping: Visitor) -> None:
    keeping.sign_in()
    page = keeping.page
    expect(page.get_by_text("demo@example.com")).to_be_visible()
    page.goto(f"{keeping.url}/robots.txt")
    other = keeping.open("/account", keeping.context.new_page())
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url(f"{keeping.url}/")
    _go_back(page)
    expect(page.get_by_text("Sign in to see this page.")).to_be_visible()
    expect(page.get_by_text("demo@example.com")).to_have_count(0)
