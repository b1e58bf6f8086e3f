"""The service worker: replaced when the visitor agrees, tidy, within its limits, and silent about who was here."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visitor
from playwright.sync_api import Browser, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront, copy_of_the_build

# Minutes in a real browser: part of `make test-full`; the offline proofs stay in `make test`.
pytestmark = [pytest.mark.browser, pytest.mark.full]

PRODUCT = next(product["id"] for product in catalogue().products if product["stock"] > 20)
LIMIT_BYTES = 50 * 1024 * 1024
# A worker with a bug: every product page is broken, although the server is fine.
BUG = """
self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname.startsWith("/products/") && event.request.mode === "navigate")
    event.respondWith(new Response("broken by the worker", { status: 500 }));
});
"""


@pytest.fixture
def own_shop(build: Path, stand_in: StandIn, tmp_path: Path) -> Iterator[Storefront]:
    """A shop whose files the test may change."""
    stand_in.reset()
    directory = copy_of_the_build(build.parent / "copies" / tmp_path.name)
    server = Storefront(directory, stand_in.url, tmp_path / "log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


def test_a_worker_with_a_bug_is_replaced_and_its_caches_removed(browser: Browser, own_shop: Storefront) -> None:
    script = own_shop.directory / "public" / "sw.js"
    good = script.read_text()
    script.write_text(BUG + good)
    context = browser.new_context()
    visitor = Visitor(context, own_shop.url)
    page = visitor.settle("/cart")
    page.evaluate("caches.open('images-v0')")
    visitor.open(f"/products/{PRODUCT}")
    expect(page.get_by_text("broken by the worker")).to_be_visible()

    script.write_text(good)
    visitor.open("/cart")
    prompt = page.get_by_test_id("update")
    expect(prompt).to_contain_text("new version")
    with page.expect_navigation():
        prompt.get_by_role("button", name="Use it now").click()
    visitor.open(f"/products/{PRODUCT}")
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    assert "images-v0" not in page.evaluate("caches.keys()")
    context.close()


def test_what_was_least_used_makes_room_and_the_cart_stays(visitor: Visitor) -> None:
    page = visitor.settle("/cart")
    visitor.add_to_cart(PRODUCT)
    page.evaluate(
        """async () => {
            const cache = await caches.open("images-v1");
            const body = new Uint8Array(1024 * 1024);
            for (let at = 0; at < body.length; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
            for (let i = 0; i < 60; i++) await cache.put(`/images/filler-${i}.jpg`, new Response(body.slice()));
        }"""
    )
    assert page.evaluate("async () => (await navigator.storage.estimate()).usage") > LIMIT_BYTES
    page.evaluate("navigator.serviceWorker.controller.postMessage({ type: 'SYNC_CATALOGUE' })")
    expect(page.get_by_test_id("evicted")).to_contain_text("To save space")
    assert page.evaluate("async () => (await navigator.storage.estimate()).usage") <= LIMIT_BYTES
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT]


def test_private_data_is_never_cached_and_is_gone_after_signing_out(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.settle("/cart")
    visitor.sign_in()
    visitor.add_to_cart(PRODUCT)
    visitor.wait_until_sent()
    page = visitor.open("/checkout")
    page.get_by_label("Name").fill("Demo Customer")
    for label, value in (("Street", "Long Street 1"), ("Postcode", "10115"), ("City", "Berlin")):
        page.get_by_label(re.compile(label)).fill(value)
    page.get_by_role("button", name="Order now").click()
    expect(page.get_by_role("heading", name=re.compile("Thank you"))).to_be_visible()
    assert len(stand_in.orders) == 1
    page = visitor.open("/account/orders")
    expect(page.get_by_role("table")).to_be_visible()
    visitor.add_to_cart(PRODUCT)

    private = re.compile(r"^/api/(cart|session|users|checkout)")
    assert [address for address in visitor.cached_addresses() if private.match(address)] == []

    page = visitor.open("/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{visitor.url}/")
    for store in ("cart", "syncQueue", "userData", "analytics"):
        assert visitor.stored(store) == [], store
    assert all(product["usedAt"] == 0 for product in visitor.stored("products"))
    page = visitor.open("/account")
    expect(page.get_by_text("Sign in to see this page.")).to_be_visible()
