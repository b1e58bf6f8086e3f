"""The shop's journey and its promises offline, in the three engines that shoppers have: Chromium, Firefox and WebKit.

`make browsers` installs them. Where one is missing, its tests are skipped and say so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import EVERYTHING, telling_of
from stand_in import PASSWORD, USER, StandIn, catalogue
from storefront_server import Storefront
from webdriving import Shopper, driven, until

from local.browser import CHROMIUM, ENGINES, WEBKIT, Engine

pytestmark = pytest.mark.full

WANTED = sorted((one for one in catalogue().products if one["stock"] > 5), key=lambda one: -one["popularity"])
SEEN, NEVER_SEEN = WANTED[:2]
RARE = WANTED[-1]
"""In no copy of the catalogue, so that only who looked at it has it."""
ADDRESS = {"Name": "Ada Example", "Street and number": "Lindenweg 4", "Postcode": "10115", "City": "Berlin"}
LIMIT_BYTES = 50 * 1024 * 1024


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name.lower())
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    wanted: Engine = request.param
    if missing := wanted.missing():
        pytest.skip(f"NOT TESTED in {wanted.name}: {' and '.join(missing)} missing (make browsers)")
    return wanted


@pytest.fixture
def shop(engine: Engine, build: Path, stand_in: StandIn, tmp_path: Path) -> Iterator[Storefront]:
    """A shop that the test may stop."""
    stand_in.reset()
    server = Storefront(build, stand_in.url, tmp_path / "log")
    server.start()
    yield server
    server.stop()
    stand_in.reset()


@pytest.fixture
def shopper(engine: Engine, shop: Storefront, tmp_path: Path) -> Iterator[Shopper]:
    """A new visitor of it."""
    with driven(engine, tmp_path) as driver:
        yield Shopper(driver, shop.url)


def test_a_guest_comes_from_the_home_page_to_an_order(shopper: Shopper, stand_in: StandIn) -> None:
    shopper.open("/")
    shopper.follow("Shop everything")
    shopper.follow(SEEN["name"])
    shopper.press("Add to cart")
    shopper.sees(f"{SEEN['name']} is in your cart.")
    shopper.follow("Go to your cart")
    shopper.sees("Remove")
    shopper.follow("Proceed to checkout")
    shopper.fill("E-mail address", "ada@example.org")
    for label, text in ADDRESS.items():
        shopper.fill(label, text)
    shopper.press("Order now")
    shopper.sees("Order 1,")
    assert shopper.driver.current_url == f"{shopper.url}/orders/1"
    [order] = stand_in.orders
    assert order["shipping_address"] == {**order["shipping_address"], "name": "Ada Example", "city": "Berlin"}
    assert [(line["product_id"], line["quantity"]) for line in order["lines"]] == [(SEEN["id"], 1)]


def test_the_shop_works_while_it_is_away_and_gets_the_cart_when_it_is_back(
    shopper: Shopper, shop: Storefront, stand_in: StandIn
) -> None:
    shopper.settle("/")
    shopper.open(f"/products/{SEEN['id']}")
    shop.stop()

    for product in (SEEN, NEVER_SEEN):
        shopper.open(f"/products/{product['id']}")
        shopper.sees(product["name"])
        shopper.finds('[data-testid="offline"]')
    shopper.open(f"/search?q={' '.join(NEVER_SEEN['name'].lower().replace(',', '').split()[-3:])}")
    shopper.follow(NEVER_SEEN["name"])
    shopper.press("Add to cart")
    shopper.sees(f"{NEVER_SEEN['name']} is in your cart.")
    shopper.open("/cart")
    shopper.sees(NEVER_SEEN["name"])
    shopper.sees("Go online to check out")
    assert [change["endpoint"] for change in shopper.stored("syncQueue")] == ["/api/cart"]
    assert stand_in.cart == []

    shop.start()
    until(lambda: not shopper.stored("syncQueue"), "the queue is empty")
    assert [(line["product_id"], line["quantity"]) for line in stand_in.cart] == [(NEVER_SEEN["id"], 1)]
    assert len(stand_in.journal) == 1


def test_what_was_done_offline_is_sent_when_the_page_comes_back(
    shopper: Shopper, shop: Storefront, stand_in: StandIn, engine: Engine
) -> None:
    """Only Chromium has Background Sync, by which the worker would send it without the page."""
    shopper.settle(f"/products/{SEEN['id']}")
    assert shopper.ask("return 'sync' in await navigator.serviceWorker.ready") is (engine is CHROMIUM)
    shop.stop()
    shopper.press("Add to cart")
    shopper.sees(f"{SEEN['name']} is in your cart.")
    shopper.driver.get("about:blank")
    shop.start()
    assert stand_in.journal == []
    shopper.driver.back()
    until(lambda: not shopper.stored("syncQueue"), "the queue is empty")
    assert [(line["product_id"], line["quantity"]) for line in stand_in.cart] == [(SEEN["id"], 1)]
    assert len(stand_in.journal) == 1


def test_whoever_signs_out_leaves_no_trace_of_what_was_looked_at(shopper: Shopper, stand_in: StandIn) -> None:
    shopper.settle("/login")
    shopper.fill("E-mail address", str(USER["email"]))
    shopper.fill("Password", PASSWORD)
    shopper.press("Sign in")
    until(lambda: shopper.driver.current_url == f"{shopper.url}/account", "the account's page")
    shopper.open(f"/products/{RARE['id']}")
    shopper.press("Add to cart")
    shopper.sees(f"{RARE['name']} is in your cart.")
    until(lambda: [line["product_id"] for line in stand_in.cart] == [RARE["id"]], "the shop has the cart")
    assert telling_of(RARE, shopper.ask(f"return ({EVERYTHING})()"))
    shopper.open("/account")
    shopper.press("Sign out")
    until(lambda: shopper.driver.current_url == f"{shopper.url}/", "the home page")
    assert telling_of(RARE, shopper.ask(f"return ({EVERYTHING})()")) == []


BUSY = """
    window.others = new BroadcastChannel("simone-webshop");
    setInterval(() => window.others.postMessage({ type: "cart" }));
    await new Promise((done) => setTimeout(done, 100));
"""
"""Has the page read its cart again and again, as if another tab changed it."""
WRITE_ALL = """
    const db = await new Promise((done, failed) => {
        const opened = indexedDB.open("simone-webshop");
        opened.onsuccess = () => done(opened.result);
        opened.onerror = () => failed(opened.error);
    });
    const written = new Promise((done, failed) => {
        const tx = db.transaction([...db.objectStoreNames], "readwrite");
        tx.objectStore("meta").put(given[0], "written");
        tx.oncomplete = () => done("written");
        tx.onabort = () => failed(tx.error);
    });
    const late = new Promise((done) => setTimeout(done, 20000, "another page holds the database"));
    const outcome = await Promise.race([written, late]);
    db.close();
    return outcome;
"""
LEAVINGS = 20


def test_a_page_left_in_the_middle_of_a_transaction_holds_up_no_other(shopper: Shopper) -> None:
    """WebKit keeps such a page as it was, and its transaction with it."""
    shopper.settle(f"/products/{SEEN['id']}")
    for turn in range(LEAVINGS):
        shopper.open("/cart" if turn % 2 else f"/products/{SEEN['id']}")
        shopper.ask(BUSY)
        shopper.open("/categories")
        assert shopper.ask(WRITE_ALL, turn) == "written", f"after leaving page {turn + 1} of {LEAVINGS}"


def pieces(shopper: Shopper) -> int:
    """How many are in the browser's cart."""
    return sum(line["quantity"] for line in shopper.stored("cart"))


def test_what_was_put_into_the_cart_when_the_page_was_left_is_there_on_the_way_back(shopper: Shopper) -> None:
    """Where the browser has kept the page; one that it has thrown away had said nothing of the cart yet."""
    shopper.settle("/categories")
    for turn in range(LEAVINGS):
        shopper.open(f"/products/{SEEN['id']}")
        shopper.ask("window.left = given[0]", turn)
        before = pieces(shopper)
        shopper.press("Add to cart")
        shopper.open("/categories")
        shopper.driver.back()
        if shopper.ask("return window.left") == turn:
            until(lambda wanted=before + 1: pieces(shopper) == wanted, f"{before + 1} pieces in the cart")


CACHED_BYTES = """
    let bytes = 0;
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) bytes += (await (await cache.match(request)).blob()).size;
    }
    return bytes;
"""


def test_what_is_kept_stays_below_fifty_megabytes_also_where_the_browser_does_not_tell(
    shopper: Shopper, engine: Engine
) -> None:
    """WebKitGTK doesn't: the shop adds up what it caches."""
    shopper.settle("/")
    assert shopper.ask("return Boolean(navigator.storage?.estimate)") is (engine is not WEBKIT)
    shopper.ask(
        """
        const cache = await caches.open("images-v1");
        const body = new Uint8Array(1024 * 1024);
        for (let at = 0; at < body.length; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
        for (let i = 0; i < 60; i++) await cache.put(`/images/filler-${i}.jpg`, new Response(body.slice()));
        """
    )
    assert shopper.ask(CACHED_BYTES) > LIMIT_BYTES
    shopper.ask("navigator.serviceWorker.controller.postMessage({ type: 'SYNC_CATALOGUE' })")
    shopper.finds('[data-testid="evicted"]')
    assert shopper.ask(CACHED_BYTES) <= LIMIT_BYTES


def test_a_database_that_is_closed_under_a_page_is_opened_anew(shopper: Shopper, stand_in: StandIn) -> None:
    """As WebKit does to a page in the background: without any event."""
    shopper.settle(f"/products/{SEEN['id']}")
    shopper.ask(
        """
        window.connections = new Set();
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function (...given) {
            window.connections.add(this);
            return transaction.apply(this, given);
        };
        """
    )
    shopper.press("Add to cart")
    until(lambda: len(shopper.stored("cart")) == 1, "it is in the cart")
    shopper.ask("for (const connection of window.connections) connection.close()")
    shopper.press("Add to cart")
    until(lambda: [line["quantity"] for line in shopper.stored("cart")] == [2], "a second piece is in the cart")
    until(lambda: [line["quantity"] for line in stand_in.cart] == [2], "the shop has both")
