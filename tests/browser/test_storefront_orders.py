"""An order that can't lie: placed once, at the price that was shown, whatever the network does to its response."""

import re

import pytest
from browsing import Visitor, until
from playwright.sync_api import Page, Route, expect
from stand_in import StandIn, catalogue

PRODUCT, OTHER = [product for product in catalogue().products if product["stock"] > 5][:2]
ADDRESS = {"Name": "Ada Example", "Street and number": "Lindenweg 4", "Postcode": "10115", "City": "Berlin"}


def fill(page: Page) -> None:
    for label, text in ADDRESS.items():
        page.get_by_label(label, exact=True).fill(text)


@pytest.fixture
def checkout(visitor: Visitor) -> Page:
    """A signed-in customer with one thing in the cart, about to order."""
    visitor.sign_in()
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/checkout")
    fill(page)
    expect(page.get_by_role("button", name="Order now")).to_be_enabled()  # today's prices are there
    return page


def order(page: Page) -> None:
    page.get_by_role("button", name="Order now").click()


def sees_the_order(page: Page, number: int) -> None:
    expect(page).to_have_url(re.compile(rf"/orders/{number}$"))
    heading = page.get_by_role("heading", level=1, name="Thank you")
    expect(heading).to_be_focused()
    expect(page).to_have_title(re.compile(f"Order {number}"))


def test_an_order_has_a_page_of_its_own_that_survives_a_reload(
    checkout: Page, visitor: Visitor, stand_in: StandIn
) -> None:
    order(checkout)
    sees_the_order(checkout, 1)
    assert visitor.stored("cart") == []
    checkout.reload()
    sees_the_order(checkout, 1)
    assert len(stand_in.orders) == 1


def test_an_order_whose_response_was_lost_is_found_and_not_placed_again(
    checkout: Page, visitor: Visitor, stand_in: StandIn
) -> None:
    stand_in.faults.lose_answer = 1.0
    order(checkout)
    sees_the_order(checkout, 1)
    assert len(stand_in.orders) == 1
    assert visitor.stored("cart") == []


def test_an_order_that_never_arrived_is_tried_again_with_its_key(checkout: Page, stand_in: StandIn) -> None:
    stand_in.faults.lose_request = 1.0
    order(checkout)
    expect(checkout.get_by_role("status").filter(has_text="Checking")).to_be_visible()
    expect(checkout.locator(".notice.danger")).to_contain_text("be placed twice")
    checkout.get_by_label("City").fill("Potsdam")
    stand_in.faults.lose_request = 0.0
    checkout.get_by_role("button", name="Try again").click()
    sees_the_order(checkout, 1)
    assert [placed["shipping_address"]["city"] for placed in stand_in.orders] == ["Potsdam"]


def test_an_order_whose_response_was_lost_is_found_after_a_reload(checkout: Page, stand_in: StandIn) -> None:
    """The shop goes away as soon as it has the order."""
    stand_in.faults.lose_answer = 1.0

    def gone() -> bool:
        stand_in.faults.down = bool(stand_in.orders)
        return stand_in.faults.down

    order(checkout)
    until(gone, checkout)
    stand_in.faults.down = False
    checkout.reload()
    sees_the_order(checkout, 1)
    assert len(stand_in.orders) == 1


def test_what_became_dearer_is_shown_before_it_is_paid(checkout: Page, stand_in: StandIn) -> None:
    stand_in.prices[PRODUCT["id"]] = 123_400
    order(checkout)
    summary = checkout.get_by_role("complementary")
    expect(summary).to_contain_text(f"{PRODUCT['name']} now costs €1,234.00 instead of")
    expect(summary.locator(".grand")).to_contain_text("€1,234.00")
    assert stand_in.orders == []
    order(checkout)
    sees_the_order(checkout, 1)
    assert stand_in.orders[0]["total"] == 123_400


def test_what_became_dearer_since_it_was_put_into_the_cart_is_told_at_the_checkout(
    visitor: Visitor, stand_in: StandIn
) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    stand_in.prices[PRODUCT["id"]] = 123_400
    page = visitor.open("/checkout")
    expect(page.get_by_role("complementary")).to_contain_text(f"{PRODUCT['name']} now costs €1,234.00 instead of")
    page = visitor.open("/cart")
    expect(page.locator(".grand")).to_contain_text("€1,234.00")


def test_a_guest_orders_with_an_e_mail_address(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/checkout")
    page.get_by_label("E-mail address").fill("ada@example.org")
    fill(page)
    order(page)
    sees_the_order(page, 1)
    assert stand_in.orders[0]["email"] == "ada@example.org"


def test_more_than_there_is_is_told_in_the_cart_with_the_number_left(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    stock = PRODUCT["stock"]
    PRODUCT["stock"] = 0
    try:
        visitor.wait_until_sent()
        page = visitor.open("/cart")
        expect(page.get_by_role("listitem").filter(has_text=PRODUCT["name"])).to_contain_text("Sold out for now")
    finally:
        PRODUCT["stock"] = stock


def test_an_order_that_was_refused_for_stock_goes_through_once_the_shelf_is_filled(
    checkout: Page, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the page that is open: nothing is to be loaded anew, nothing to be filled in again."""
    monkeypatch.setitem(PRODUCT, "stock", 0)
    order(checkout)
    expect(checkout.locator(".notice.danger")).to_have_text("Not enough in stock.")
    expect(checkout.get_by_role("button", name="Order now")).to_be_disabled()
    monkeypatch.undo()
    expect(checkout.get_by_role("button", name="Order now")).to_be_enabled()
    expect(checkout.locator(".notice")).to_have_count(0)
    order(checkout)
    sees_the_order(checkout, 1)
    assert len(stand_in.orders) == 1


def test_a_second_product_stays_when_the_first_is_ordered_meanwhile(
    checkout: Page, visitor: Visitor, stand_in: StandIn
) -> None:
    """Added in another tab, while the response of the order is on its way."""
    stand_in.faults.lose_request = 1.0
    order(checkout)
    expect(checkout.locator(".notice.danger")).to_contain_text("be placed twice")
    stand_in.faults.lose_request = 0.0
    tab = visitor.context.new_page()
    visitor.open(f"/products/{OTHER['id']}", tab)
    tab.get_by_role("button", name="Add to cart").click()
    visitor.wait_until_sent()
    expect(checkout.get_by_role("complementary")).to_contain_text(OTHER["name"])
    checkout.get_by_role("button", name="Try again").click()
    sees_the_order(checkout, 1)
    visitor.wait_until_sent()
    ordered = {line["product_id"] for line in stand_in.orders[0]["lines"]}
    kept = {line["product_id"] for line in stand_in.cart}
    assert ordered | kept == {PRODUCT["id"], OTHER["id"]}
    assert not ordered & kept


def test_what_became_dearer_is_told_also_after_the_cart_was_looked_at(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    stand_in.prices[PRODUCT["id"]] = 123_400
    page = visitor.open("/cart")
    line = page.get_by_role("listitem").filter(has_text=PRODUCT["name"])
    expect(line).to_contain_text("€1,234.00")
    expect(line).to_contain_text("when you added it")
    page = visitor.open("/checkout")
    expect(page.get_by_role("complementary")).to_contain_text(f"{PRODUCT['name']} now costs €1,234.00 instead of")


@pytest.mark.parametrize("path", ["/cart", "/checkout"])
def test_a_guest_s_cart_outlives_the_visit_at_the_shop(visitor: Visitor, stand_in: StandIn, path: str) -> None:
    """The shop keeps a guest's cart for two hours; the browser, for as long as the guest wants it."""
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    visitor.context.clear_cookies()
    stand_in.cart = []
    page = visitor.open(path)
    until(lambda: [line["product_id"] for line in stand_in.cart] == [PRODUCT["id"]], page)
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT["id"]]
    expect(page.get_by_text(PRODUCT["name"]).first).to_be_visible()


def test_who_signs_in_after_a_while_still_has_what_a_guest_put_into_the_cart(
    visitor: Visitor, stand_in: StandIn
) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    stand_in.cart = []
    visitor.sign_in()
    visitor.wait_until_sent()
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT["id"]]
    assert [line["product_id"] for line in stand_in.cart] == [PRODUCT["id"]]


def test_a_line_whose_price_nobody_knows_says_so_and_is_repaired(visitor: Visitor, stand_in: StandIn) -> None:
    """As an earlier release kept it: without price, name or picture."""
    visitor.settle("/cart")
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    # Down before: else a page that asks for the cart just now repairs the line at once.
    stand_in.faults.down = True
    page = visitor.open("/cart")
    forget = """(id) => new Promise((done) => {
        const opened = indexedDB.open("simone-webshop");
        opened.onsuccess = () => {
            const tx = opened.result.transaction("cart", "readwrite");
            tx.objectStore("cart").put({ productId: id, quantity: 1, name: "", brand: "", image: "", blurhash: "",
                price: null, currency: "EUR", addedAt: 1 });
            tx.oncomplete = () => { opened.result.close(); done(); };
        };
    })"""
    page.evaluate(forget, PRODUCT["id"])
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="Price not known yet")).to_be_visible()
    expect(page.get_by_text("No longer sold")).to_have_count(0)
    stand_in.faults.down = False
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text=PRODUCT["name"])).to_be_visible()
    expect(page.locator(".grand")).to_contain_text("€")


def test_what_the_shop_does_not_take_is_named_and_blocks_nothing(checkout: Page, stand_in: StandIn) -> None:
    refused = {"detail": "…", "errors": [{"field": "shipping_address.postcode", "message": "too long"}]}

    met: list[Route] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST" or met:
            route.continue_()
            return
        met.append(route)
        route.fulfill(status=422, json=refused)

    checkout.route("**/api/checkout", refuse)
    order(checkout)
    expect(checkout.get_by_role("alert").filter(has_text="Please check: postcode.")).to_be_visible()
    order(checkout)
    sees_the_order(checkout, 1)
    assert len(stand_in.orders) == 1


@pytest.mark.parametrize("fault", ["dropped", pytest.param("late", marks=pytest.mark.full), "repeated"])
@pytest.mark.parametrize(
    "answer",
    ["PUT /api/cart", "GET /api/cart", "GET /api/checkout", "POST /api/checkout", "GET /api/orders/1"],
)
def test_no_answer_on_the_way_to_an_order_can_make_it_lie(
    visitor: Visitor, stand_in: StandIn, answer: str, fault: str
) -> None:
    """A proxy drops an answer, never brings it, or asks twice: each once, from the cart to the order's page."""
    method, path = answer.split()
    met: list[Route] = []

    def meddle(route: Route) -> None:
        if route.request.method != method or met:
            route.continue_()
            return
        met.append(route)
        route.fetch()
        if fault == "dropped":
            route.abort("connectionreset")
        elif fault == "repeated":
            route.fulfill(response=route.fetch())
        # An answer that is late never comes: the page has given up by itself.

    visitor.sign_in()
    visitor.context.route(f"**{path}", meddle)
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/checkout")
    fill(page)
    order(page)
    if path.startswith("/api/orders") and fault != "repeated":
        expect(page.get_by_role("alert").filter(has_text="It is safe with us")).to_be_visible()
        page.reload()
    sees_the_order(page, 1)
    assert met, "the answer was met"
    assert len(stand_in.orders) == 1
    visitor.wait_until_sent()
    assert visitor.stored("cart") == []
