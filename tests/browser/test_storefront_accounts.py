"""A customer gets an account, keeps its password and addresses, and leaves: by keyboard, on a phone as well."""

import re
from typing import Any

import pytest
from browsing import Visitor, until
from playwright.sync_api import Locator, Page, expect
from stand_in import TOKEN, StandIn, catalogue

PRODUCT = next(product for product in catalogue().products if product["stock"] > 5)
PASSWORD = "four words in line"
ADDRESS = {"Name": "Ada Example", "Street and number": "Lindenweg 4", "Postcode": "10115", "City": "Berlin"}
PAGES = (
    "/login",
    "/account/new",
    "/account/forgot",
    f"/account/confirm#{TOKEN}",
    f"/account/reset#{TOKEN}",
    "/account",
)


def fill(form: Page | Locator, values: dict[str, Any]) -> None:
    for label, text in values.items():
        form.get_by_label(label, exact=True).fill(text)


def test_who_signs_up_confirms_by_mail_and_is_signed_in_with_the_cart(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/login")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    fill(page, {"Name": "Ada", "E-mail address": "ada@new.example", "Password": PASSWORD})
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_focused()
    assert stand_in.pending == {"name": "Ada", "email": "ada@new.example", "password": PASSWORD, "country": "DE"}
    visitor.open(f"/account/confirm#{TOKEN}")
    page.get_by_label("Password").fill("another one")
    page.get_by_role("button", name="Finish my account").click()
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("the password you chose when you"))
    field.fill(PASSWORD)
    page.get_by_role("button", name="Finish my account").click()
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT["id"]]


def test_a_link_that_was_used_says_what_to_do_next(visitor: Visitor) -> None:
    page = visitor.open(f"/account/confirm#{TOKEN}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Finish my account").click()
    expect(page.get_by_role("alert").filter(has_text="has been used or has expired")).to_be_visible()
    expect(page.get_by_role("link", name="Sign up again")).to_be_visible()
    visitor.open("/account/reset")
    expect(page.get_by_role("alert").filter(has_text="the full link from our e-mail")).to_be_visible()


def test_a_forgotten_password_is_replaced_and_a_guest_s_cart_stays(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    page = visitor.open("/login")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    page.get_by_label("E-mail address").fill("demo@example.com")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_focused()
    visitor.open(f"/account/reset#{TOKEN}")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_role("status").filter(has_text="password has been changed")).to_be_visible()
    assert stand_in.password == PASSWORD
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT["id"]]


def test_a_customer_changes_the_password_and_signs_out_everywhere(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.sign_in()
    page = visitor.page
    page.get_by_role("link", name="Password and devices").click()
    fill(page, {"Current password": "not this one", "New password": PASSWORD})
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_label("Current password")).to_be_focused()
    expect(page.get_by_label("Current password")).to_have_accessible_description(re.compile("your current password"))
    page.get_by_label("Current password").fill("simone-demo")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status").filter(has_text="password has been changed")).to_be_visible()
    assert stand_in.password == PASSWORD
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url(visitor.url + "/")
    assert not stand_in.signed_in
    assert visitor.stored("userData") == []


def test_an_address_is_kept_once_chosen_at_the_checkout_and_deleted(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.sign_in()
    page = visitor.page
    page.get_by_role("button", name="Add an address").click()
    addresses = page.get_by_role("region", name="Your addresses")
    expect(addresses.get_by_label("Name", exact=True)).to_have_value("Demo Customer")
    fill(addresses, ADDRESS)
    page.get_by_role("button", name="Save this address").click()
    expect(page.get_by_role("listitem").filter(has_text="Lindenweg 4")).to_be_visible()
    visitor.add_to_cart(PRODUCT["id"])
    visitor.wait_until_sent()
    visitor.open("/checkout")
    page.get_by_role("radio", name="Lindenweg 4").check()
    for label, text in ADDRESS.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(text)
    expect(page.get_by_label("Save this address for next time")).to_have_count(0)
    page.get_by_label("City").fill("Potsdam")
    page.get_by_label("Save this address for next time").check()
    page.get_by_role("button", name="Order now").click()
    expect(page).to_have_url(re.compile("/orders/1$"))
    until(lambda: [one["address"]["city"] for one in stand_in.addresses] == ["Potsdam", "Berlin"], page)
    visitor.open("/account")
    expect(page.get_by_role("listitem").filter(has_text="Lindenweg 4")).to_have_count(2)
    page.get_by_role("button", name="Delete Lindenweg 4").first.click()
    until(lambda: [one["address"]["city"] for one in stand_in.addresses] == ["Berlin"], page)


@pytest.mark.parametrize("path", PAGES)
def test_account_pages_fit_a_small_phone_whatever_the_words(visitor: Visitor, stand_in: StandIn, path: str) -> None:
    stand_in.user = {**stand_in.user, "email": f"{'long' * 30}@example.com", "name": "Wolfeschlegelsteinhausen" * 3}
    stand_in.addresses = [
        {"id": 1, "address": {"name": "A" * 90, "street": "B" * 90, "postcode": "1", "city": "C" * 90, "country": "DE"}}
    ]
    page = visitor.page
    page.set_viewport_size({"width": 360, "height": 740})
    if path == "/account":
        visitor.open("/login")
        fill(page, {"E-mail address": stand_in.user["email"], "Password": "simone-demo"})
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Add an address").click()
    else:
        visitor.open(path)
        expect(page.locator("main form").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
