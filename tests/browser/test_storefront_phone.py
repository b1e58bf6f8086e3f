"""A phone: what is within the first view, what stays where it is, and a sign of life at once."""

import re

import pytest
from browsing import Visitor
from playwright.sync_api import Browser, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront

PRODUCT = next(product for product in catalogue().products if product["stock"] > 20)
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_what_comes_later_moves_nothing(browser: Browser, storefront: Storefront, stand_in: StandIn) -> None:
    stand_in.reset()
    context = browser.new_context(viewport={"width": 360, "height": 740})
    context.add_init_script(SHIFTS)
    visitor = Visitor(context, storefront.url)
    visitor.add_to_cart(PRODUCT["id"])
    visitor.sign_in()
    shifted: dict[str, float] = {}
    for path, there in (
        ("/search?q=lamp", "article"),
        ("/cart", "li.line"),
        ("/account", ".check"),
        ("/account/orders", "main p"),
    ):
        page = visitor.open(path)
        expect(page.locator(there).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        shifted[path] = page.evaluate("window.shifted")
    context.close()
    assert {path: value for path, value in shifted.items() if value >= 0.02} == {}


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (740, 360), (768, 1024), (1280, 720)])
def test_a_product_can_be_bought_within_the_first_view(
    browser: Browser, storefront: Storefront, size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = Visitor(context, storefront.url).open(f"/products/{PRODUCT['id']}")
    expect(page.get_by_role("button", name="Add to cart")).to_be_in_viewport(ratio=1)
    context.close()


def test_a_click_shows_at_once_that_the_next_page_is_on_its_way(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.wait_for_load_state("networkidle")
    visitor.context.route(re.compile(r"[?&]_rsc="), lambda route: None)  # never answered
    page.get_by_role("link", name="New in", exact=True).first.click()
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=1_000)


def test_a_page_at_400_percent_has_no_header_over_it(browser: Browser, storefront: Storefront) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 180})
    page = Visitor(context, storefront.url).open("/products")
    page.mouse.wheel(0, 400)
    expect(page.get_by_role("banner")).not_to_be_in_viewport()
    context.close()
