"""Signing out leaves no trace: nothing in this browser tells the next person what was looked at."""

import pytest
from browsing import KEPT_PRODUCTS, Visitor, until
from playwright.sync_api import Page, expect
from stand_in import SORTS, StandIn, catalogue

RARE = sorted(catalogue().products, key=SORTS["popularity"])[-1]
"""In no copy of the catalogue, so that only who looked at it has it."""
EVERYTHING = """async () => {
    const found = [];
    for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((done) => {
            const opened = indexedDB.open(name);
            opened.onsuccess = () => done(opened.result);
        });
        for (const store of db.objectStoreNames) {
            const rows = await new Promise((done) => {
                const asked = db.transaction(store).objectStore(store).getAll();
                asked.onsuccess = () => done(asked.result);
            });
            found.push(...rows.map((row) => `${name}/${store}: ${JSON.stringify(row)}`));
        }
        db.close();
    }
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const response = await cache.match(request);
            const type = response.headers.get("content-type") ?? "";
            const text = /json|html|text/.test(type) ? await response.text() : "";
            found.push(`${name}: ${decodeURIComponent(request.url)} ${text}`);
        }
    }
    for (const kept of [localStorage, sessionStorage]) found.push(JSON.stringify(kept));
    return found;
}"""


def traces(page: Page) -> list[str]:
    """What is kept that names the product, or has its number."""
    number = RARE["id"]
    marks = [f"/products/{number}", f"reviews/{number}", f'"id":{number},', f'"productId":{number},', RARE["name"]]
    kept: list[str] = page.evaluate(EVERYTHING)
    return [one[:200] for one in kept if any(mark in one for mark in marks)]


@pytest.mark.parametrize("end", ["signed out", "ran out"])
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
    else:
        visitor.context.clear_cookies()
        stand_in.signed_in = False
        visitor.open("/account")
        expect(page.get_by_text("Sign in to see this page.")).to_be_visible()
        until(lambda: traces(page) == [], page)
