"""A phone: what is within the first view, what stays where it is, and a sign of life at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import SAVES_DATA, Visitor
from playwright.sync_api import Browser, Page, Route, expect
from stand_in import PASSWORD, StandIn, catalogue
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
        ("/checkout", ".total-line"),
        ("/changes", "main [role=status]"),
        ("/", "article"),
        ("/products", "article"),
        (f"/products/{PRODUCT['id']}", "main h1"),
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


@pytest.mark.parametrize("size", [(360, 740), (390, 844), (412, 823)])
def test_what_the_cart_offers_after_adding_covers_nothing_of_the_products_name(
    browser: Browser, storefront: Storefront, size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = Visitor(context, storefront.url).open(f"/products/{PRODUCT['id']}")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("link", name="Go to your cart")).to_be_in_viewport(ratio=1)
    name, bar = (page.locator(selector).bounding_box() for selector in ("main h1", ".add-to-cart"))
    context.close()
    assert name is not None
    assert bar is not None
    assert name["y"] + name["height"] <= bar["y"]


def test_a_product_can_be_bought_while_a_bar_tells_of_the_network(browser: Browser, storefront: Storefront) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.route("**/health", lambda route: route.abort())
    page = Visitor(context, storefront.url).open(f"/products/{PRODUCT['id']}")
    expect(page.get_by_test_id("offline")).to_be_visible()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("link", name="Go to your cart")).to_be_visible()
    button = page.get_by_role("button", name="Add to cart").bounding_box()
    told = page.get_by_test_id("offline").bounding_box()
    context.close()
    assert button is not None
    assert told is not None
    assert button["y"] + button["height"] <= told["y"]


UNDERWAY = "getComputedStyle(document.body, '::before').content !== 'none'"
"""The line along the top."""


def _expect_underway(page: Page) -> None:
    expect(page.get_by_role("progressbar").first).to_be_attached(timeout=1_000)
    assert page.evaluate(UNDERWAY)


@pytest.mark.parametrize(
    ("path", "tapped"),
    [
        ("/", "header >> text='New in'"),
        ("/", "article h3 a"),
        ("/categories", "main li a"),
        ("/products", ".sorts a:not([aria-current])"),
        ("/products?sort=price&in_stock=true", ".filters li a"),
        (f"/products/{PRODUCT['id']}", ".crumbs a"),
        ("/cart", "main .empty a"),
    ],
)
def test_a_tap_on_a_link_shows_at_once_that_its_page_is_on_its_way(visitor: Visitor, path: str, tapped: str) -> None:
    visitor.context.add_init_script(SAVES_DATA)  # or the next page is there already
    page = visitor.open(path)
    page.wait_for_load_state("networkidle")
    visitor.context.route(re.compile(r"[?&]_rsc="), lambda route: None)  # never answered
    link = page.locator(tapped).first
    link.click()
    _expect_underway(page)
    dimmed = "link => getComputedStyle(link.closest('.product-card') ?? link).opacity"
    assert float(link.evaluate(dimmed)) < 1, "it is seen where the finger is"


def test_a_search_and_a_filter_show_at_once_that_they_are_on_their_way(visitor: Visitor) -> None:
    page = visitor.open("/products")
    page.wait_for_load_state("networkidle")
    field = page.get_by_role("combobox", name="Search the shop")
    field.fill("lamp")
    expect(page.get_by_role("option").first).to_be_visible()
    visitor.context.route(re.compile(r"[?&]_rsc="), lambda route: None)  # never answered
    page.get_by_role("option").first.click()
    _expect_underway(page)
    visitor.context.unroute_all()
    visitor.open("/products")
    page.wait_for_load_state("networkidle")
    visitor.context.route(re.compile(r"[?&]_rsc="), lambda route: None)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Rated").select_option("4")
    page.get_by_role("button", name="Show", exact=True).click()
    _expect_underway(page)


def test_what_is_fetched_or_sent_by_a_tap_shows_it_at_once(
    browser: Browser, storefront: Storefront, stand_in: StandIn
) -> None:
    stand_in.reset()
    context = browser.new_context(service_workers="block")  # which would have the parts of the page
    visitor = Visitor(context, storefront.url)
    visitor.sign_in()
    page = visitor.page

    def never_out(route: Route) -> None:
        if route.request.method != "DELETE":
            route.fallback()

    context.route("**/api/session", never_out)
    page.get_by_role("button", name="Sign out").click()
    _expect_underway(page)
    expect(page.get_by_role("button", name="Sign out")).to_be_disabled()
    visitor.open(f"/products/{PRODUCT['id']}")
    page.wait_for_load_state("networkidle")
    context.route(re.compile(r"/_next/static/"), lambda route: None)
    page.get_by_role("button", name="Enlarge the picture").click()
    _expect_underway(page)
    context.close()


def test_the_sign_goes_when_the_page_is_there_and_stays_away_on_the_way_back(visitor: Visitor) -> None:
    page = visitor.open("/products")
    page.locator("article h3 a").first.click()
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Everything")).to_be_visible()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("button", name="Show", exact=True).click()  # for what is shown already
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert not page.evaluate(UNDERWAY)


def test_a_page_at_400_percent_has_no_header_over_it(browser: Browser, storefront: Storefront) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 180})
    page = Visitor(context, storefront.url).open("/products")
    page.mouse.wheel(0, 400)
    expect(page.get_by_role("banner")).not_to_be_in_viewport()
    context.close()


LONGEST = 60
WORDS = tuple(
    (word * LONGEST)[:LONGEST]
    for word in (
        "Donaudampfschifffahrtselektrizitäten",
        "lentokonesuihkuturbiinimoottoriapumekaanikko",
        "ผ้าลินินทอมือคุณภาพดี",
        "手織りの亜麻布のテーブルクロス",
        "手工编织亚麻桌布",
        "مفرشطاولةمنالكتانالمنسوجيدويا",
        "ἑλληνικόλινόύφασμα",
        "हस्तनिर्मितलिननमेज़पोश",
        "льнянаяскатертьручнойработы",
        "W",
    )
)
"""What nothing in it can be broken at, as far as a browser knows."""
PHONE = 360


@pytest.fixture
def wordy(browser: Browser, build: Path, tmp_path: Path) -> Iterator[Visitor]:
    """A visitor with a phone, in a shop of its own whose words are as long as they get."""
    api = StandIn()
    api.start()
    api.words = WORDS
    api.user = {**api.user, "name": WORDS[0]}
    shop = Storefront(build, api.url, tmp_path / "log")
    shop.start()
    context = browser.new_context(viewport={"width": PHONE, "height": 740})
    context.route(re.compile(r"/_next/image"), lambda route: route.abort())
    yield Visitor(context, shop.url)
    context.close()
    shop.stop()
    api.stop()


def _too_wide(page: Page) -> list[str]:
    """What reaches beyond the screen, but for what is pushed aside on purpose."""
    return page.evaluate(
        """(width) => [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > width + 1 && !one.closest(".sorts, .visually-hidden"))
            .map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 30)}`)
            .concat(document.documentElement.scrollWidth > width ? ["the page"] : [])""",
        PHONE,
    )


def test_nothing_is_wider_than_the_screen_whatever_the_words(wordy: Visitor) -> None:
    page = wordy.page
    wide: dict[str, list[str]] = {}

    def look(path: str, there: str) -> None:
        wordy.open(path)
        expect(page.locator(there).first).to_be_visible()
        wide[path] = _too_wide(page)

    for product in [one for one in catalogue().products if one["stock"] > 20][: len(WORDS)]:
        wordy.add_to_cart(product["id"])
        wide[page.url] = _too_wide(page)
    look("/", "article")
    look("/categories", "main li")
    look("/products", "article")
    page.get_by_text("Filters", exact=True).click()
    wide["filters"] = _too_wide(page)
    look("/categories/1", "article")
    look("/search?q=" + WORDS[0], "main p")
    look("/cart", "li.line")
    page.get_by_role("button", name=re.compile("^Remove")).first.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    wide["undo"] = _too_wide(page)
    look("/checkout", ".total-line")
    page.get_by_label("E-mail address").fill(f"{'a' * LONGEST}@example.com")
    for label in ("Name", "Street and number", "City"):
        page.get_by_label(label, exact=True).fill(WORDS[1])
    page.get_by_label("Postcode").fill("W" * 20)
    page.get_by_role("button", name="Order now").click()
    expect(page.get_by_role("heading", name=re.compile("Thank you"))).to_be_visible()
    wide["order"] = _too_wide(page)

    wordy.open("/login")
    page.get_by_label("E-mail address").fill("demo@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Add an address").click()
    for label in ("Street and number", "City"):
        page.get_by_label(label, exact=True).fill(WORDS[1])
    page.get_by_label("Postcode").fill("W" * 20)
    page.get_by_role("button", name="Save this address").click()
    expect(page.get_by_role("button", name=re.compile("^Delete"))).to_be_visible()
    wide["account"] = _too_wide(page)
    assert {place: found for place, found in wide.items() if found} == {}
