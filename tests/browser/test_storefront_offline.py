"""The shop works without a network, and with a network but a dead server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import SAVES_DATA, Visitor, until
from playwright.sync_api import Browser, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront

PAGE_SIZE = 24
BLURRED = 6
"""Pixels along each side of a blur hash's picture, or fewer where it stands for a wider one."""

MOST_WANTED = max(catalogue().products, key=lambda product: product["popularity"])


@pytest.fixture(scope="module", params=["no network", "dead server"])
def cut_off(
    request: pytest.FixtureRequest,
    browser: Browser,
    build: Path,
    stand_in: StandIn,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Visitor]:
    """A visitor who has been to the home page, and then can't reach the shop any more."""
    stand_in.reset()
    server = Storefront(build, stand_in.url, tmp_path_factory.mktemp("cut-off") / "log")
    server.start()
    context = browser.new_context()
    visitor = Visitor(context, server.url)
    visitor.settle("/")
    visitor.open("/")  # with the worker in control, which keeps what it serves
    if request.param == "no network":
        context.set_offline(True)
    else:
        server.stop()
    yield visitor
    context.close()
    server.stop()


def test_pages_seen_before_and_never_seen_before_are_there(cut_off: Visitor) -> None:
    page = cut_off.open("/")
    expect(page.get_by_role("heading", name="Fewer, better things.")).to_be_visible()

    # A deep link to a product whose page was never visited.
    page = cut_off.open(f"/products/{MOST_WANTED['id']}")
    expect(page.get_by_role("heading", level=1, name=MOST_WANTED["name"])).to_be_visible()

    page = cut_off.open(f"/categories/{MOST_WANTED['category_id']}?sort=price")
    expect(page.get_by_role("heading", level=1, name=MOST_WANTED["category_name"])).to_be_visible()
    cards = page.get_by_role("article")
    expect(cards.first).to_be_visible()
    # Cards below the first view aren't laid out yet, so they have no inner text.
    prices = [float(re.sub(r"[^\d.]", "", text)) for text in page.locator(".price").all_text_contents()]
    assert prices == sorted(prices)

    page.reload()
    expect(page.get_by_role("heading", level=1, name=MOST_WANTED["category_name"])).to_be_visible()


SHOWN = "[...document.images].filter((image) => image.complete && image.currentSrc)"


def test_pictures_that_are_not_here_are_shown_in_another_width_or_blurred(cut_off: Visitor) -> None:
    # Its card was on the home page; the gallery asks for a wider picture, and for other views, which never were.
    page = cut_off.open(f"/products/{MOST_WANTED['id']}")
    gallery = page.locator("main img")
    expect(gallery.first).to_be_visible()
    until(lambda: page.evaluate(f"{SHOWN}.length >= 2"), page)
    assert page.evaluate(f"{SHOWN}.filter((image) => !image.naturalWidth).map((image) => image.currentSrc)") == []
    kinds = page.evaluate(
        f"Promise.all({SHOWN}.map(async (image) => (await caches.match(image.currentSrc)) ? 'kept' : 'instead'))"
    )
    assert "instead" in kinds
    assert page.evaluate(f"Math.max(...{SHOWN}.map((image) => image.naturalWidth))") > BLURRED, "not the card's picture"
    # What was never seen is shown in its colours.
    until(lambda: page.evaluate(f"{SHOWN}.some((image) => image.naturalWidth <= {BLURRED})"), page)


def test_a_product_says_how_old_its_stock_is_and_has_its_own_title(cut_off: Visitor) -> None:
    page = cut_off.open(f"/products/{MOST_WANTED['id']}")
    expect(page.locator(".stock")).to_contain_text(re.compile(r"\(as of \d\d:\d\d\)"))
    expect(page).to_have_title(f"{MOST_WANTED['name']} · SIMONE")


def test_show_more_goes_on_with_what_is_kept_and_back_finds_the_place(
    browser: Browser, storefront: Storefront, stand_in: StandIn
) -> None:
    stand_in.reset()
    context = browser.new_context()
    visitor = Visitor(context, storefront.url)
    visitor.settle("/")
    page = visitor.open("/products")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(PAGE_SIZE)
    page.wait_for_load_state("networkidle")  # a click before React has taken over the page is nobody's
    page.get_by_role("button", name="Show more").click()
    expect(cards).to_have_count(2 * PAGE_SIZE)

    context.set_offline(True)
    page.get_by_role("button", name="Show more").click()
    expect(cards).to_have_count(3 * PAGE_SIZE)
    expect(page.get_by_text("Saved on this device.")).to_be_visible()
    names = page.get_by_role("article").get_by_role("heading").all_inner_texts()
    assert len(set(page.locator("article h3 a").evaluate_all("all => all.map(a => a.href)"))) == len(names)

    context.set_offline(False)
    last = page.locator("article h3 a").last
    last.scroll_into_view_if_needed()
    last.click()
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    page.go_back()
    expect(cards).to_have_count(3 * PAGE_SIZE)
    expect(last).to_be_in_viewport()
    context.close()


def test_who_saves_data_gets_neither_a_worker_nor_the_catalogue_nor_pages_ahead(
    browser: Browser, storefront: Storefront, stand_in: StandIn
) -> None:
    stand_in.reset()
    context = browser.new_context()
    context.add_init_script(SAVES_DATA)
    page = Visitor(context, storefront.url).open("/")
    # What runs behind the page has started: it asks whether the shop can be reached.
    until(lambda: page.evaluate("performance.getEntriesByType('resource').some(e => e.name.endsWith('/health'))"), page)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    fetched = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    ahead = re.compile(r"/api/products|/sw\.js$|[?&]_rsc=")
    assert [address for address in fetched if ahead.search(address)] == []
    context.close()


def test_search_finds_products_in_the_browsers_own_copy(cut_off: Visitor) -> None:
    words = " ".join(MOST_WANTED["name"].lower().replace(",", "").split()[-3:])
    page = cut_off.open(f"/search?q={words}")
    expect(page.get_by_role("status").filter(has_text="saved on this device")).to_be_visible()
    expect(page.get_by_role("link", name=MOST_WANTED["name"])).to_be_visible()


def test_the_cart_works_and_ordering_waits(cut_off: Visitor) -> None:
    cut_off.add_to_cart(MOST_WANTED["id"])
    page = cut_off.open("/cart")
    expect(page.get_by_role("link", name=MOST_WANTED["name"])).to_be_visible()
    expect(page.get_by_test_id("offline")).to_contain_text("You can still browse")
    expect(page.get_by_role("button", name="Go online to check out")).to_be_disabled()

    # The order can be prepared: what is filled in stays.
    page = cut_off.open("/checkout")
    page.get_by_label("City").fill("Lisbon")
    expect(page.get_by_role("button", name="Go online to order")).to_be_disabled()
    page.reload()
    expect(page.get_by_label("City")).to_have_value("Lisbon")


def test_a_page_that_nobody_has_says_so(cut_off: Visitor) -> None:
    page = cut_off.open("/products/999999")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("offline|be loaded"))
    expect(page.get_by_role("main").get_by_role("link", name="Your cart")).to_be_visible()


def test_a_link_clicked_without_a_network_leads_somewhere(visitor: Visitor) -> None:
    page = visitor.settle("/")
    visitor.open("/")
    visitor.context.set_offline(True)
    link = page.get_by_role("article").get_by_role("link").first
    name = link.inner_text()
    link.click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
