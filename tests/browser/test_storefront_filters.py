"""What a listing or a search is narrowed down to: by the network, offline, without JavaScript, and on the way back."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsing import Visitor
from playwright.sync_api import Browser, Page, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront

BRAND = "Kestrel"
PAGE_SIZE = 24


def found(wanted: Callable[[dict[str, Any]], bool]) -> list[str]:
    """The names of the products that are wanted, the most popular first."""
    products = [product for product in catalogue().products if wanted(product)]
    return [one["name"] for one in sorted(products, key=lambda one: (-one["popularity"], -one["id"]))]


def euros(product: dict[str, Any]) -> float:
    return product["prices"]["free"]["EUR"] / 100


def names(page: Page) -> list[str]:
    return page.locator("article h3").all_text_contents()


def narrow(page: Page) -> None:
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Brand").select_option(BRAND)
    page.get_by_label("Under").select_option(label="€100")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Filters (2)")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_listing_is_narrowed_down_and_opened_again(
    browser: Browser, storefront: Storefront, stand_in: StandIn, javascript: bool
) -> None:
    stand_in.reset()
    context = browser.new_context(java_script_enabled=javascript)
    page = Visitor(context, storefront.url).open("/products?sort=price")
    narrow(page)
    cheap = found(lambda one: one["brand"] == BRAND and euros(one) < 100)
    assert len(names(page)) == min(len(cheap), PAGE_SIZE)
    assert set(names(page)) <= set(cheap)
    asked = {name: values for name, values in parse_qs(urlsplit(page.url).query).items() if values != [""]}
    assert asked == {"brand": [BRAND], "price_to": ["100"], "sort": ["price"]}

    page.get_by_role("link", name=f"Remove {BRAND}").click()
    expect(page.get_by_text("Filters (1)")).to_be_visible()
    expect(page.get_by_role("link", name="Price: low to high")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Remove Under €100").click()
    expect(page.get_by_text("Filters", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/products\?sort=price$"))
    context.close()


def test_back_restores_filters_loaded_pages_and_place(visitor: Visitor) -> None:
    page = visitor.open("/products?rating=3")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(PAGE_SIZE)
    page.get_by_role("button", name="Show more").click()
    expect(cards).to_have_count(2 * PAGE_SIZE)
    assert names(page) == found(lambda one: one["rating_average"] >= 3)[: 2 * PAGE_SIZE]
    last = page.locator("article h3 a").last
    last.scroll_into_view_if_needed()
    last.click()
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    page.go_back()
    expect(cards).to_have_count(2 * PAGE_SIZE)
    expect(page.get_by_text("Filters (1)")).to_be_attached()
    expect(last).to_be_in_viewport()


def test_without_a_network_the_same_filters_work_on_what_is_kept(visitor: Visitor) -> None:
    visitor.settle("/")
    kept = visitor.stored("products")
    visitor.context.set_offline(True)
    page = visitor.open(f"/products?brand={BRAND}&price_to=100&in_stock=true")
    wanted = [
        one["name"]
        for one in sorted(kept, key=lambda one: (-one["popularity"], -one["id"]))
        if one["brand"] == BRAND and one["price"] < 10_000 and one["stock"] > 0
    ]
    assert wanted
    expect(page.get_by_role("article")).to_have_count(min(len(wanted), PAGE_SIZE))
    assert names(page) == wanted[:PAGE_SIZE]

    page.get_by_text("Filters (3)").click()
    page.get_by_label("Brand").select_option("Dovetail")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("link", name="Remove Dovetail")).to_be_visible()
    there = {one["name"] for one in kept if one["brand"] == "Dovetail" and one["price"] < 10_000 and one["stock"] > 0}
    assert set(names(page)) <= there
    assert names(page)

    page = visitor.open(f"/search?q=lamp&brand={BRAND}")
    expect(page.get_by_role("status").filter(has_text="saved on this device")).to_be_visible()
    assert all("lamp" in name.lower() for name in names(page))


def test_a_search_is_narrowed_down_and_shows_the_real_number(visitor: Visitor) -> None:
    page = visitor.open("/search?q=lamp")
    lamps = found(lambda one: "lamp" in one["name"].lower())
    status = page.get_by_role("status").filter(has_text="product")
    expect(status).to_have_text(f"{len(lamps)} products")
    page.get_by_text("Filters", exact=True).click()
    rated = [one for one in catalogue().products if one["name"] in lamps and one["rating_average"] >= 4]
    page.get_by_label("Rated").select_option("4")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(status).to_have_text(re.compile(rf"^{len(rated)} products?$"))
    expect(page).to_have_url(re.compile(r"/search\?q=lamp&rating=4$"))
    assert set(names(page)) == {one["name"] for one in rated}


@pytest.mark.parametrize(
    "query", ["rating=5", "price_to=33", "in_stock=no", "category=x", "narrowed=0", "brand=" + "a" * 101]
)
def test_what_no_listing_can_be_narrowed_down_to_is_not_there(storefront: Storefront, query: str) -> None:
    status = httpx.get(f"{storefront.url}/products?{query}", timeout=60).status_code
    # What calls itself packed is as if it weren't there.
    assert status == (200 if query.startswith("narrowed") else 404)


def test_a_narrowed_listing_is_kept_once_in_whatever_order_it_is_asked_for(storefront: Storefront) -> None:
    def get(query: str) -> httpx.Response:
        return httpx.get(f"{storefront.url}/products?{query}", timeout=60)

    first = get("brand=Dovetail&price_from=25")
    again = get("price_from=25&rating=&brand=Dovetail&utm_source=mail")
    assert first.status_code == again.status_code == 200
    assert again.headers["x-nextjs-cache"] == "HIT"
    assert first.headers["cache-control"].startswith("public, max-age=60")
    assert re.search(r"script-src 'self' +'sha256-", first.headers["content-security-policy"])
    assert '<link rel="canonical" href="' in first.text


def test_filters_that_leave_nothing_say_so(visitor: Visitor) -> None:
    page = visitor.open("/products?brand=Nobody")
    expect(page.get_by_text("Nothing matches all of these filters.")).to_be_visible()
    page.get_by_role("link", name="Remove all filters").click()
    expect(page.get_by_role("article")).to_have_count(PAGE_SIZE)
