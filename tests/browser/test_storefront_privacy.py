"""Whoever comes next finds nothing of a member who has signed out, or whose session has run out: not a trace of what
was looked at, no cart, no name, no address, and no glimpse of them.
"""

import pytest
from browsing import EVERYTHING, KEPT_PRODUCTS, Visitor, telling_of, until
from playwright.sync_api import Page, expect
from stand_in import SORTS, StandIn, catalogue

RARE = sorted(catalogue().products, key=SORTS["popularity"])[-1]
"""In no copy of the catalogue, so that only who looked at it has it."""
OTHER = next(product for product in catalogue().products if product["stock"] > 20)
GLIMPSES = """
window.glimpses = [];
new MutationObserver(() => {
    const link = document.querySelector('a[href="/cart"][aria-label]')?.getAttribute("aria-label");
    if (/\\d/.test(link ?? "")) window.glimpses.push(link);
    if (/demo@example|Demo Customer/.test(document.body?.textContent ?? "")) window.glimpses.push("a name");
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""
"""Notes what of a member is shown, for however short a time."""
HOURS_AGO = """async (hours) => {
    const db = await new Promise((done) => {
        const opened = indexedDB.open("simone-webshop");
        opened.onsuccess = () => done(opened.result);
    });
    const store = db.transaction("userData", "readwrite").objectStore("userData");
    await new Promise((done) => {
        const asked = store.get("checkout");
        asked.onsuccess = () => {
            store.put({ ...asked.result, at: asked.result.at - hours * 3600000 }, "checkout").onsuccess = done;
        };
    });
    db.close();
}"""


def run_out(visitor: Visitor, stand_in: StandIn) -> None:
    """The member's session ends by itself, and the cookie with it."""
    visitor.context.clear_cookies()
    stand_in.signed_in, stand_in.cart = False, []


def fill_in(page: Page) -> None:
    """A guest's checkout, or a member's."""
    if page.get_by_label("E-mail address").is_visible():
        page.get_by_label("E-mail address").fill("anna@example.com")
    page.get_by_label("Name", exact=True).fill("Anna Secret")
    page.get_by_label("Street and number").fill("Hidden Lane 7")


def traces(page: Page) -> list[str]:
    """What is kept that names the product, or has its number."""
    return telling_of(RARE, page.evaluate(EVERYTHING))


@pytest.mark.parametrize(
    "end",
    [
        "signed out",
        "/account",
        *(pytest.param(page, marks=pytest.mark.full) for page in ("/", "/login", "/cart", f"/products/{OTHER['id']}")),
    ],
)
def test_nothing_that_was_looked_at_is_left(visitor: Visitor, stand_in: StandIn, end: str) -> None:
    visitor.settle("/cart")
    visitor.sign_in()
    visitor.add_to_cart(RARE["id"])
    visitor.wait_until_sent()
    page = visitor.open(f"/search?q={RARE['name'].replace(' ', '+')}")
    expect(page.get_by_role("link", name=RARE["name"]).first).to_be_visible()
    page = visitor.open("/account")
    until(lambda: traces(page), page)
    if end == "signed out":
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{visitor.url}/")
        until(lambda: len(visitor.stored("products")) >= KEPT_PRODUCTS, page)
        assert traces(page) == []
        return
    page.context.add_init_script(GLIMPSES)
    run_out(visitor, stand_in)
    visitor.open(end)
    until(lambda: traces(page) == [], page)
    assert (visitor.stored("cart"), visitor.stored("syncQueue"), visitor.keys("userData")) == ([], [], [])
    assert page.evaluate("glimpses") == []


HOLD = """async () => {
    const db = await new Promise((done) => {
        const opened = indexedDB.open("simone-webshop");
        opened.onsuccess = () => done(opened.result);
    });
    const store = db.transaction([...db.objectStoreNames], "readwrite").objectStore("meta");
    const again = () => { if (!window.released) store.count().onsuccess = again; };
    again();
}"""
"""Never lets go of the database until `released`."""


@pytest.mark.full
def test_what_another_page_holds_when_a_member_signs_out_is_removed_before_the_next_one_sees_it(
    visitor: Visitor,
) -> None:
    visitor.settle("/cart")
    visitor.sign_in()
    visitor.add_to_cart(RARE["id"])
    visitor.wait_until_sent()
    page = visitor.open("/account")
    other = visitor.context.new_page()
    other.goto(f"{visitor.url}/robots.txt")  # of the shop's origin, without its scripts
    until(lambda: traces(page), page)
    page.get_by_role("button", name="Sign out").wait_for()
    other.evaluate(HOLD)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{visitor.url}/")
    page.goto(f"{visitor.url}/cart")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name=RARE["name"])).to_have_count(0)
    other.evaluate("window.released = true")
    page.goto(f"{visitor.url}/cart")
    expect(page.get_by_text("Your cart is empty")).to_be_visible()
    assert (visitor.stored("cart"), visitor.stored("syncQueue"), visitor.keys("userData")) == ([], [], [])
    assert traces(page) == []


def test_the_next_person_sees_nothing_of_an_address_or_a_cart(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.sign_in()
    visitor.add_to_cart(RARE["id"])
    page = visitor.open("/checkout")
    fill_in(page)
    until(lambda: "checkout" in visitor.keys("userData"), page)
    run_out(visitor, stand_in)
    visitor.add_to_cart(OTHER["id"])
    assert [line["productId"] for line in visitor.stored("cart")] == [OTHER["id"]]
    page = visitor.open("/checkout")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    expect(page.get_by_label("Street and number")).to_have_value("")
    expect(page.get_by_role("complementary")).to_contain_text(OTHER["name"])
    expect(page.get_by_role("complementary")).not_to_contain_text(RARE["name"])
    visitor.wait_until_sent()
    assert [line["product_id"] for line in stand_in.cart] == [OTHER["id"]]


def test_a_page_that_was_left_open_shows_nothing_more_once_the_session_has_run_out(
    visitor: Visitor, stand_in: StandIn
) -> None:
    visitor.settle("/cart")
    visitor.sign_in()
    visitor.add_to_cart(RARE["id"])
    page = visitor.open("/account")
    expect(page.get_by_text("demo@example.com")).to_be_visible()
    expect(page.get_by_role("link", name="Your cart, 1 item")).to_be_visible()
    # What looks after the page has come to rest.
    expect(page.get_by_role("status", name="State of the shop")).to_be_attached()
    run_out(visitor, stand_in)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="New in").click()
    expect(page.get_by_role("link", name="Your cart", exact=True)).to_be_visible()
    assert (visitor.stored("cart"), visitor.keys("userData")) == ([], [])
    visitor.open("/account")
    expect(page.get_by_text("Sign in to see this page.")).to_be_visible()


def test_a_shop_that_cannot_say_who_is_here_makes_nobody_lose_anything(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.settle("/cart")
    visitor.sign_in()
    visitor.add_to_cart(RARE["id"])
    visitor.wait_until_sent()
    stand_in.faults.down = True
    page = visitor.open("/cart")
    expect(page.get_by_role("link", name=RARE["name"])).to_be_visible()
    assert "session" in visitor.keys("userData")


def test_what_a_guest_has_filled_in_lasts_as_long_as_the_visit(visitor: Visitor) -> None:
    visitor.add_to_cart(RARE["id"])
    page = visitor.open("/checkout")
    fill_in(page)
    until(lambda: "checkout" in visitor.keys("userData"), page)
    page = visitor.open("/checkout")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Anna Secret")
    page.evaluate(HOURS_AGO, 3)
    page = visitor.open("/checkout")
    expect(page.get_by_role("complementary")).to_contain_text(RARE["name"])
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    expect(page.get_by_label("E-mail address")).to_have_value("")
