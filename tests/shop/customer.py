"""A customer in a browser, at the running shop: `python customer.py ORIGIN CHROMIUM`. Prints what they saw.

A program of its own, because Playwright leaves a process with a running event loop, which other tests can't have.
"""

import json
import re
import sys

from playwright.sync_api import Page, expect, sync_playwright

EMAIL, PASSWORD = "demo@example.com", "simone-demo"
ADDRESS = {"Name": "Ada Example", "Street and number": "Lindenweg 4", "Postcode": "10115", "City": "Berlin"}
PATIENCE_MS = 120_000
"""The first visitor of a page waits until it is made and its pictures are drawn."""


def buy(page: Page, origin: str) -> dict[str, str]:
    """From the listing to the order, signing in on the way."""
    page.goto(f"{origin}/products")
    page.get_by_role("listitem").filter(has=page.get_by_role("article")).filter(has_not_text="Sold out").first.click()
    page.wait_for_url(re.compile(r"/products/\d+$"))
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("link", name="Your cart, 1 item")).to_be_visible()
    page.goto(f"{origin}/login?next=/checkout")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for label, text in ADDRESS.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Order now").click()
    thanks = page.get_by_role("status").filter(has_text=re.compile(r"Order \d+, "))
    order = thanks.inner_text().split("Order ")[1].split(",")[0]
    page.wait_for_url(re.compile(rf"/orders/{order}$"))
    page.get_by_role("link", name="See your orders").click()
    newest = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=f"Order {order}"))
    expect(newest).to_contain_text(name)
    return {"product": name, "order": order}


def wish(page: Page, origin: str) -> None:
    """Change what the shop remembers of a customer, and find it changed at the next visit."""
    page.goto(f"{origin}/account")
    first = page.get_by_role("checkbox").first
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    wanted = not first.is_checked()
    with page.expect_response(lambda answer: answer.request.method == "PUT") as change:
        first.click()
    assert change.value.ok, change.value.status
    page.reload()
    expect(page.get_by_role("checkbox").first).to_be_checked(checked=wanted)


def main(origin: str, chromium: str) -> None:
    """Exits with a traceback where the shop isn't as a customer expects."""
    complaints: list[str] = []
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(f"{line.text} ({line.location['url']})") if line.type == "error" else None,
        )
        bought = buy(page, origin)
        wish(page, origin)
        browser.close()
    print(json.dumps({**bought, "complaints": complaints}))


if __name__ == "__main__":
    main(*sys.argv[1:])
