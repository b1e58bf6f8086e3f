"""The country that a visitor has chosen: a part of the address, true on every page that follows, and of the order."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsing import Visitor, until
from playwright.sync_api import Browser, Page, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront

PRODUCT = next(product for product in catalogue().products if product["stock"] > 20)
POUNDS = f"£{PRODUCT['prices']['free']['GBP'] / 100:,.2f}"
CHOICE = "Country and currency"


def choose(page: Page, country: str) -> None:
    page.get_by_label(CHOICE).select_option(country)
    page.get_by_role("button", name="Show these prices").click()
    page.wait_for_url(re.compile(f"[?&]country={country}"))


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_what_is_chosen_holds_on_the_pages_that_follow(
    browser: Browser, storefront: Storefront, javascript: bool
) -> None:
    context = browser.new_context(java_script_enabled=javascript)
    page = Visitor(context, storefront.url).open("/")
    expect(page.locator("article .price").first).to_contain_text("€")
    choose(page, "GB")
    expect(page.locator("article .price").first).to_contain_text("£")
    expect(page.get_by_label(CHOICE)).to_have_value("GB")
    page.get_by_role("link", name="Shop everything").click()
    expect(page).to_have_url(re.compile(r"/products\?country=GB$"))
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Under").select_option(label="£100")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Filters (1)")).to_be_visible()
    asked = {name: values for name, values in parse_qs(urlsplit(page.url).query).items() if values != [""]}
    assert asked == {"price_to": ["100"], "country": ["GB"]}
    page.locator("article h3 a").first.click()
    expect(page.locator(".product-price")).to_contain_text("£")
    expect(page.get_by_text("Nothing is added at checkout.")).to_be_visible()
    context.close()


def test_cart_and_order_are_in_the_currency_that_was_chosen(visitor: Visitor, stand_in: StandIn) -> None:
    page = visitor.open(f"/products/{PRODUCT['id']}?country=GB")
    expect(page.locator(".product-price")).to_contain_text(POUNDS)
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Go to your cart").click()
    expect(page).to_have_url(re.compile(r"/cart\?country=GB$"))
    expect(page.locator(".grand")).to_contain_text(POUNDS)
    page.get_by_role("link", name="Proceed to checkout").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    expect(page.get_by_label("Country", exact=True)).to_have_value("GB")
    for label in ("Name", "Street and number", "Postcode", "City"):
        page.get_by_label(label, exact=True).fill("Somewhere 1")
    page.get_by_role("button", name="Order now").click()
    expect(page.get_by_role("heading", name=re.compile("Thank you"))).to_be_visible()
    assert [(order["currency"], order["total"]) for order in stand_in.orders] == [
        ("GBP", PRODUCT["prices"]["free"]["GBP"])
    ]
    expect(page.get_by_text(POUNDS).first).to_be_visible()


def test_another_country_in_the_cart_is_told_and_never_added_up(visitor: Visitor) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/cart?country=US")
    dollars = f"${PRODUCT['prices']['free']['USD'] / 100:,.2f}"
    expect(page.locator(".grand")).to_contain_text(dollars)
    expect(page.get_by_text(re.compile("It was €"))).to_be_visible()
    expect(page.get_by_text("Nothing is added at checkout.")).to_be_visible()


def test_without_a_network_the_prices_are_those_of_the_country_that_was_chosen(visitor: Visitor) -> None:
    visitor.settle("/")
    page = visitor.open("/?country=GB")
    until(lambda: {one["currency"] for one in visitor.stored("products")} == {"GBP"}, page)
    visitor.context.set_offline(True)
    page = visitor.open("/products?sort=price&country=GB")
    expect(page.locator("article .price").first).to_contain_text("£")
    expect(page.get_by_label(CHOICE)).to_have_value("GB")
    page.locator("article h3 a").first.click()
    expect(page.locator(".product-price")).to_contain_text("£")


def test_a_search_is_in_the_currency_that_was_chosen(visitor: Visitor) -> None:
    page = visitor.open("/?country=US")
    page.get_by_role("combobox", name="Search the shop").fill("lamp")
    page.get_by_role("combobox", name="Search the shop").press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=lamp&country=US$"))
    expect(page.locator("article .price").first).to_contain_text("$")


def test_what_is_chosen_counts_more_than_the_place_and_nonsense_is_as_nothing(storefront: Storefront) -> None:
    def price(query: str, country: str) -> str:
        page = httpx.get(
            f"{storefront.url}/products/{PRODUCT['id']}{query}", headers={"x-country": country}, timeout=60
        ).text
        found = re.search(r'class="product-price">([^<]+)', page)
        assert found is not None
        return found[1]

    assert price("", "US").startswith("$")
    assert price("?country=GB", "US").startswith("£")
    assert price("?country=DE", "US").startswith("€")
    assert price("?country=XX", "US").startswith("$")
    assert price("?country=", "GB").startswith("£")
