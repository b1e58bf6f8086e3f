"""What a visitor does, and what their browser keeps."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from testing.waits import PATIENCE, eventually

# No sandbox: tests may run as root, and only ever load our own pages.
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
SAVES_DATA = "Object.defineProperty(Navigator.prototype, 'connection', { get: () => ({ saveData: true }) })"
"""A script by which the browser says so before the page's own run."""
KEPT_PRODUCTS = 1_000
NAVIGATION_MS = 120_000
"""Generous: the first visitor of a page waits until all its pictures are drawn and compressed."""
READ_STORE = """async ([store, question]) => {
    const db = await new Promise((resolve) => {
        const request = indexedDB.open("simone-webshop");
        request.onsuccess = () => resolve(request.result);
    });
    const rows = await new Promise((resolve) => {
        const request = db.transaction(store).objectStore(store)[question]();
        request.onsuccess = () => resolve(request.result);
    });
    db.close();
    return rows;
}"""

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
"""All that a browser keeps, as text."""


class Visitor:
    """One browser profile with one shop."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        context.set_default_navigation_timeout(NAVIGATION_MS)
        self.page = context.new_page()

    def open(self, path: str, page: Page | None = None) -> Page:
        """Go to a page of the shop."""
        page = page or self.page
        page.goto(self.url + path, wait_until="load")
        return page

    def settle(self, path: str = "/") -> Page:
        """Visit until the worker is in control and the catalogue is kept: from here on the shop works offline."""
        page = self.open(path)
        until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), page)
        until(lambda: len(self.stored("products")) >= KEPT_PRODUCTS, page)
        return page

    def used_bytes(self) -> int:
        """What the shop keeps in this browser: caches and database."""
        return self.page.evaluate("async () => (await navigator.storage.estimate()).usage")

    def stored(self, store: str) -> list[Any]:
        """All of a store of the browser's database."""
        return self._asked(store, "getAll")

    def keys(self, store: str) -> list[Any]:
        """The keys of a store of the browser's database."""
        return self._asked(store, "getAllKeys")

    def _asked(self, store: str, question: str) -> list[Any]:
        return self.page.evaluate(READ_STORE, [store, question])

    def cached_addresses(self) -> list[str]:
        """Paths and queries of everything in the worker's caches."""
        addresses: list[str] = self.page.evaluate(
            """async () => {
                const found = [];
                for (const name of await caches.keys())
                    for (const request of await (await caches.open(name)).keys()) found.push(request.url);
                return found;
            }"""
        )
        return [address.removeprefix(self.url) for address in addresses]

    def add_to_cart(self, product_id: int) -> None:
        """Put one piece of a product into the cart."""
        page = self.open(f"/products/{product_id}")
        page.get_by_role("button", name="Add to cart").click()
        expect(page.get_by_role("status").filter(has_text=re.compile("is in your cart"))).to_be_visible()

    def sign_in(self) -> None:
        """Sign in as the sample customer."""
        page = self.open("/login")
        page.get_by_label("E-mail address").fill("demo@example.com")
        page.get_by_label("Password").fill("simone-demo")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    def wait_until_sent(self, within: float = PATIENCE) -> None:
        """Until the queue is empty."""
        until(lambda: not self.stored("syncQueue"), self.page, within)


def until(happened: Callable[[], object], page: Page, within: float = PATIENCE) -> None:
    """Ask again and again. Not the page's own waiting, which the shop's content security policy forbids."""
    eventually(happened, within=within, pause=lambda pause: page.wait_for_timeout(1000 * pause))


def telling_of(product: dict[str, Any], kept: list[str]) -> list[str]:
    """What of it names the product, or has its number."""
    number = product["id"]
    marks = [f"/products/{number}", f"reviews/{number}", f'"id":{number},', f'"productId":{number},', product["name"]]
    return [one[:200] for one in kept if any(mark in one for mark in marks)]
