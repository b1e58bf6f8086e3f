"""An order that can't lie: placed once, at the price that was shown, whatever the network does to its response."""

import re

import pytest
from browsing import Visitor, until
from playwright.sync_api import Page, expect
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
    expect(summary).to_contain_text(f"{PRODUCT['name']} costs €1,234.00 instead of")
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
    expect(page.get_by_role("complementary")).to_contain_text(f"{PRODUCT['name']} costs €1,234.00 instead of")
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
