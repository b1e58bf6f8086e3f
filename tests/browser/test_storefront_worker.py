"""The service worker: replaced when the visitor agrees, tidy, within its limits, and silent about who was here."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visitor, until
from playwright.sync_api import Browser, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront, copy_of_the_build

PRODUCT = next(product["id"] for product in catalogue().products if product["stock"] > 20)
LIMIT_BYTES = 50 * 1024 * 1024
FORGETS_THE_QUOTA_MS = 32_000
"""Chromium asks again how much room there is when its last answer is half a minute old."""
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
        prompt.get_by_role("button", name="Update now").click()
    visitor.open(f"/products/{PRODUCT}")
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    assert "images-v0" not in page.evaluate("caches.keys()")
    context.close()


LOOK_FOR_A_NEW_WORKER = """async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const worker = await new Promise((resolve) => {
        registration.addEventListener("updatefound", () => resolve(registration.installing), { once: true });
        registration.update();
    });
    while (worker.state === "installing") await new Promise((resolve) => setTimeout(resolve, 20));
    return worker.state;
}"""


def test_a_new_worker_comes_to_the_share_of_browsers_that_may_have_it(browser: Browser, own_shop: Storefront) -> None:
    def release(share: int) -> str:
        own_shop.stop()
        own_shop.environment["WORKER_ROLLOUT_PERCENT"] = str(share)
        own_shop.start()
        script.write_text(f"{script.read_text()}// release for {share} %\n")
        return page.evaluate(LOOK_FOR_A_NEW_WORKER)

    script = own_shop.directory / "public" / "sw.js"
    context = browser.new_context()
    visitor = Visitor(context, own_shop.url)
    page = visitor.settle("/cart")
    assert release(0) == "redundant"
    expect(page.get_by_test_id("update")).to_have_count(0)
    assert release(100) == "installed"
    expect(page.get_by_test_id("update")).to_contain_text("new version")
    context.close()


def test_what_was_least_used_makes_room_and_the_cart_stays(visitor: Visitor) -> None:
    page = visitor.settle("/cart")
    assert visitor.used_bytes() < LIMIT_BYTES  # with 1,000 products
    visitor.add_to_cart(PRODUCT)
    page.evaluate(
        """async () => {
            const cache = await caches.open("images-v1");
            const body = new Uint8Array(1024 * 1024);
            for (let at = 0; at < body.length; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
            for (let i = 0; i < 60; i++) await cache.put(`/images/filler-${i}.jpg`, new Response(body.slice()));
        }"""
    )
    assert visitor.used_bytes() > LIMIT_BYTES
    page.evaluate("navigator.serviceWorker.controller.postMessage({ type: 'SYNC_CATALOGUE' })")
    expect(page.get_by_test_id("evicted")).to_contain_text("To save space")
    assert visitor.used_bytes() <= LIMIT_BYTES
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT]


@pytest.mark.full
def test_a_full_device_makes_room_for_the_cart(visitor: Visitor, stand_in: StandIn) -> None:
    page = visitor.settle("/cart")
    page = visitor.open(f"/products/{PRODUCT}")
    page.evaluate(
        """async () => {
            const cache = await caches.open("images-v1");
            const body = new Uint8Array(256 * 1024);
            for (let i = 0; i < 20; i++) await cache.put(`/images/filler-${i}.jpg`, new Response(body.slice()));
        }"""
    )
    origin = {"origin": visitor.url}
    session = visitor.context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": visitor.used_bytes() - 1024 * 1024})
    page.wait_for_timeout(FORGETS_THE_QUOTA_MS)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status").filter(has_text=re.compile("is in your cart"))).to_be_visible()
    expect(page.get_by_test_id("evicted")).to_contain_text("To save space")
    assert [line["productId"] for line in visitor.stored("cart")] == [PRODUCT]
    visitor.wait_until_sent()
    assert [line["product_id"] for line in stand_in.cart] == [PRODUCT]


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
    expect(page.get_by_role("heading", name="Order 1")).to_be_visible()
    visitor.add_to_cart(PRODUCT)

    private = re.compile(r"^/api/(cart|session|users|checkout)")
    assert [address for address in visitor.cached_addresses() if private.match(address)] == []

    other = visitor.context.new_page()
    visitor.open("/account/orders", other)
    expect(other.get_by_role("heading", name="Order 1")).to_be_visible()

    page = visitor.open("/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{visitor.url}/")
    expect(other).to_have_url(f"{visitor.url}/")  # nor does another tab go on showing orders
    for store in ("cart", "syncQueue", "userData", "analytics"):
        assert visitor.stored(store) == [], store
    assert all(product["usedAt"] == 0 for product in visitor.stored("products"))
    page = visitor.open("/account")
    expect(page.get_by_text("Sign in to see this page.")).to_be_visible()


@pytest.mark.parametrize("next_id", [1, 2])
def test_whoever_signs_in_next_finds_nothing_of_whoever_was_there(
    visitor: Visitor, stand_in: StandIn, next_id: int
) -> None:
    """The session of the member before has run out; nobody has signed out. Who it is next isn't known before."""
    visitor.settle("/cart")
    visitor.sign_in()
    stand_in.faults.refuse = 1.0
    visitor.add_to_cart(PRODUCT)
    page = visitor.open("/checkout")
    page.get_by_label("Name").fill("Anna Secret")
    page.get_by_label(re.compile("Street")).fill("Hidden Lane 7")
    until(lambda: "checkout" in visitor.keys("userData"), page)
    visitor.context.clear_cookies()
    stand_in.signed_in, stand_in.cart = False, []
    stand_in.faults.refuse = 0.0
    stand_in.user = {**stand_in.user, "id": next_id}
    visitor.sign_in()
    assert (visitor.stored("syncQueue"), visitor.stored("cart")) == ([], [])
    assert "checkout" not in visitor.keys("userData")
    assert stand_in.cart == []
    assert not [applied for applied in stand_in.journal if applied.path == "/api/cart"]
