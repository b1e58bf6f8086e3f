"""Search: what it finds, how it tells that nothing was found from that it can't look, and what its field says."""

import re

from browsing import Visitor
from playwright.sync_api import Browser, expect
from stand_in import Faults, StandIn
from storefront_server import Storefront


def test_the_field_says_what_is_shown_also_on_the_way_back(visitor: Visitor) -> None:
    page = visitor.open("/search?q=lamp")
    field = page.get_by_role("combobox", name="Search the shop")
    expect(field).to_have_value("lamp")
    field.fill("chair")
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“chair”")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("“lamp”")
    expect(field).to_have_value("lamp")
    expect(page.get_by_role("listbox", name="Suggestions")).to_have_count(0)
    page.get_by_role("link", name="New in", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything")
    expect(field).to_have_value("")


def test_typing_errors_find_names_like_them_with_and_without_a_network(visitor: Visitor) -> None:
    visitor.settle("/")
    for offline in (False, True):
        visitor.context.set_offline(offline)
        page = visitor.open("/search?q=lmap desk")
        expect(page.get_by_role("status").filter(has_text="Nothing matches all of these words.")).to_be_visible()
        expect(page.get_by_role("article").first).to_be_visible()
        assert all("lamp" in name.lower() for name in page.locator("article h3").all_text_contents())


def test_that_we_cant_search_is_not_that_there_is_nothing(
    browser: Browser, storefront: Storefront, stand_in: StandIn
) -> None:
    stand_in.reset()
    context = browser.new_context(service_workers="block")  # so nothing is kept to search in
    visitor = Visitor(context, storefront.url)
    page = visitor.open("/search?q=xylophone")
    expect(page.get_by_role("status").filter(has_text="0 products")).to_be_visible()
    expect(page.get_by_text("Nothing matches all of these words.")).to_be_visible()

    stand_in.faults = Faults(down=True)
    page = visitor.open("/search?q=sky lamp")
    expect(page.get_by_role("status").filter(has_text="available right now.")).to_be_visible()
    expect(page.get_by_text("Nothing matches all of these words.")).to_have_count(0)
    stand_in.faults = Faults()
    page.wait_for_timeout(6_000)  # until the page knows that the shop is there again
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status").filter(has_text=re.compile(r"^\d+ products$"))).to_be_visible()
    context.close()


def test_what_is_found_is_there_without_javascript(browser: Browser, storefront: Storefront, stand_in: StandIn) -> None:
    stand_in.reset()
    context = browser.new_context(java_script_enabled=False)
    page = Visitor(context, storefront.url).open("/")
    page.get_by_role("combobox", name="Search the shop").fill("desk lamp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“desk lamp”")
    expect(page.get_by_role("status").filter(has_text=re.compile(r"^\d+ products$"))).to_be_visible()
    expect(page.locator("article h3").first).to_contain_text("Lamp")
    context.close()


def test_what_is_found_is_shown_in_the_order_that_is_asked_for(visitor: Visitor) -> None:
    visitor.settle("/")
    page = visitor.open("/search?q=lamp")
    expect(page.get_by_role("link", name="Best match")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Price: low to high").click()
    expect(page).to_have_url(re.compile(r"/search\?q=lamp&sort=price$"))
    for offline in (False, True):
        visitor.context.set_offline(offline)
        page = visitor.open("/search?q=lamp&sort=price")
        expect(page.get_by_role("article").first).to_be_visible()
        prices = [float(price.strip("€")) for price in page.locator("article .price").all_text_contents()]
        assert prices == sorted(prices)
        assert len(set(prices)) > 1
