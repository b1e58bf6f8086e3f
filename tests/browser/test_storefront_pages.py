"""Pages are right for their reader: accessible, in the right currency, as light as promised, fresh after a webhook."""

import hashlib
import hmac
import json
import re
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import SAVES_DATA, Visitor, until
from playwright.sync_api import Browser, Page, Request, expect
from stand_in import Faults, StandIn, catalogue
from storefront_server import REPOSITORY, REVALIDATION_KEY, STOREFRONT, Storefront, node

from app.caching_policy import load
from testing.waits import PATIENCE, eventually

PRODUCT = next(product for product in catalogue().products if product["stock"] > 20)
AXE = STOREFRONT / "node_modules" / "axe-core" / "axe.min.js"
LARGEST_IMAGE_BYTES = 50_000
ORDER = {
    "id": 7,
    "status": "shipped",
    "total": 12_900,
    "currency": "EUR",
    "created_at": "2026-01-01T12:00:00+00:00",
    "lines": [{"product_id": PRODUCT["id"], "name": PRODUCT["name"], "image": PRODUCT["image"], "quantity": 2}],
}
PAGES = (
    "/",
    "/products",
    "/categories",
    f"/categories/{PRODUCT['category_id']}?sort=price",
    f"/products/{PRODUCT['id']}",
    "/search?q=lamp",
    "/cart",
    "/checkout",
    "/login",
    "/account/new",
    "/account/forgot",
    "/account",
    "/changes",
    "/offline",
    "/orders/1",
    "/nothing-here",
)


PHONE, DESKTOP = (360, 740), (1280, 800)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(PHONE, "dark", id="phone-dark"),
        pytest.param(DESKTOP, "light", id="desktop-light", marks=pytest.mark.full),
        pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.full),
        pytest.param(DESKTOP, "dark", id="desktop-dark", marks=pytest.mark.full),
    ],
)
def test_axe_finds_nothing(
    browser: Browser, storefront: Storefront, stand_in: StandIn, scheme: Any, size: tuple[int, int]
) -> None:
    stand_in.reset()
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    visitor = Visitor(context, storefront.url)
    visitor.add_to_cart(PRODUCT["id"])
    found: list[str] = []

    def look(page: Page, what: str) -> None:
        page.wait_for_timeout(300)
        page.add_script_tag(path=AXE)
        result = page.evaluate("axe.run()")
        found.extend(f"{what}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in result["violations"])
        # Nothing sticks out: no page scrolls sideways on a narrow phone.
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what

    for path in PAGES:
        look(visitor.open(path), path)
    visitor.sign_in()
    stand_in.orders = [ORDER]
    look(visitor.page, "/account, signed in")
    page = visitor.open("/account/orders")
    expect(page.get_by_role("heading", name="Order 7")).to_be_visible()
    look(page, "/account/orders")
    page = visitor.open(f"/products/{PRODUCT['id']}")
    page.get_by_role("button", name="Write a review").click()
    expect(page.get_by_label("Title")).to_be_visible()
    look(page, "a review being written")
    page.get_by_role("button", name="Enlarge the picture").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look(page, "an enlarged picture")
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), page)
    context.set_offline(True)
    page = visitor.open("/cart")
    expect(page.get_by_test_id("offline")).to_be_visible()
    look(page, "/cart, offline")
    context.close()
    assert found == []


def test_all_reviews_are_counted_and_a_guest_is_asked_to_sign_in_before_writing_one(visitor: Visitor) -> None:
    reviews = catalogue().reviews
    product = max((product["id"] for product in catalogue().products), key=lambda one: len(reviews.get(one, ())))
    page = visitor.open(f"/products/{product}")
    counted = page.get_by_role("list", name="All reviews, by stars").get_by_role("listitem").all_inner_texts()
    assert sum(int(line.split()[-1]) for line in counted) == len(reviews[product]) > 10
    page.get_by_role("button", name="Write a review").click()
    expect(page.get_by_label("Title")).not_to_be_visible()
    page.get_by_role("status").get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile(rf"/login\?next=/products/{product}$"))


def _tab_to(page: Page, name: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
        if page.evaluate(focused).startswith(name):
            return
    raise AssertionError(f"{name!r} can't be reached with the keyboard")


def test_the_shop_is_used_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open(f"/products/{PRODUCT['id']}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first thing on every page leads past what is on every page
    assert page.evaluate("document.activeElement.id") == "content"
    _tab_to(page, "Enlarge the picture")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Enlarge")
    _tab_to(page, "Add to cart")
    page.keyboard.press("Enter")
    _tab_to(page, "Go to your cart")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_visible()
    expect(page.get_by_role("link", name=PRODUCT["name"])).to_be_visible()


def test_suggestions_are_chosen_with_the_keyboard(visitor: Visitor) -> None:
    page = visitor.open("/")
    box = page.get_by_role("combobox", name="Search the shop")
    box.fill("lamp")
    expect(page.get_by_role("option").first).to_be_visible()
    first = page.get_by_role("option").first.inner_text()
    box.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(first)


def test_orders_go_back_as_far_as_there_are_any(visitor: Visitor, stand_in: StandIn) -> None:
    visitor.sign_in()
    stand_in.orders = [{**ORDER, "id": number} for number in range(25, 0, -1)]
    page = visitor.open("/account/orders")
    shown = page.get_by_role("heading", level=2, name=re.compile(r"^Order \d+$"))
    expect(shown).to_have_count(20)
    page.get_by_role("button", name="Earlier orders").click()
    expect(shown).to_have_count(25)
    expect(page.get_by_role("button", name="Earlier orders")).to_have_count(0)


def test_each_market_sees_its_own_currency(storefront: Storefront) -> None:
    def price(country: str) -> str:
        page = httpx.get(f"{storefront.url}/products/{PRODUCT['id']}", headers={"x-country": country}, timeout=60)
        found = re.search(r'class="product-price">([^<]+)', page.text)
        assert found
        return found[1]

    euros, dollars, pounds = (PRODUCT["prices"]["free"][currency] / 100 for currency in ("EUR", "USD", "GBP"))
    assert price("DE") == f"€{euros:,.2f}"
    assert price("US") == f"${dollars:,.2f}"
    assert price("GB") == f"£{pounds:,.2f}"


def _shown_price(product: dict[str, Any], tier: str) -> str:
    return f"€{product['prices'][tier]['EUR'] / 100:,.2f}"


def test_members_see_their_own_prices_and_whoever_comes_after_them_does_not(
    visitor: Visitor, stand_in: StandIn
) -> None:
    def kept_price() -> int:
        return next((product["price"] for product in visitor.stored("products") if product["id"] == PRODUCT["id"]), 0)

    def shows(tier: str) -> None:
        for path in (f"/products/{PRODUCT['id']}", f"/categories/{PRODUCT['category_id']}", "/products", "/"):
            page = visitor.open(path)
            # The page's own product, or its first card.
            price = page.locator(".product-price, .product-card .price").first
            name = page.locator(".product-info h1, .product-card h3 a").first.inner_text()
            shown = next(one for one in catalogue().products if one["name"] == name)
            expect(price).to_contain_text(_shown_price(shown, tier))
        until(lambda: kept_price() == PRODUCT["prices"][tier]["EUR"], visitor.page)

    stand_in.tier = "premium"
    visitor.settle("/")
    shows("free")
    visitor.sign_in()
    shows("premium")
    page = visitor.open(f"/products/{PRODUCT['id']}")
    expect(page.get_by_text("Member price")).to_be_visible()
    page = visitor.open("/account")
    with page.expect_navigation(url=f"{visitor.url}/"):
        page.get_by_role("button", name="Sign out").click()
    shows("free")


def test_a_members_page_is_kept_by_nobody_and_a_forged_mark_shows_nothing(storefront: Storefront) -> None:
    answer = httpx.get(
        f"{storefront.url}/products/{PRODUCT['id']}", headers={"cookie": "tier=premium; sid=forged"}, timeout=60
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["cloudflare-cdn-cache-control"] == "no-store"
    assert _shown_price(PRODUCT, "free") in answer.text
    assert _shown_price(PRODUCT, "premium") not in answer.text


@pytest.mark.parametrize("path", ["/", f"/products/{PRODUCT['id']}", "/cart"])
def test_pages_announce_their_fonts_before_they_are_read(storefront: Storefront, path: str) -> None:
    page = httpx.get(storefront.url + path, timeout=60)
    fonts = re.findall(r'<([^>]+\.woff2)>; rel=preload; as=font; type="font/woff2"; crossorigin', page.headers["link"])
    assert len(fonts) == 2
    for font in fonts:
        assert font in page.text
        assert httpx.get(storefront.url + font).headers["content-type"] == "font/woff2"
    data = httpx.get(storefront.url + path, headers={"rsc": "1"}, timeout=60)
    assert "woff2" not in data.headers.get("link", "")


def test_pages_and_the_builds_files_are_sent_in_brotli_where_it_is_taken(storefront: Storefront) -> None:
    def asked(path: str, coding: str = "identity") -> httpx.Response:
        return httpx.get(storefront.url + path, headers={"accept-encoding": coding}, timeout=60)

    scripts = re.findall(r'src="(/_next/static/chunks/[^"]+\.js)"', asked("/").text)
    script = max(scripts, key=lambda path: len(asked(path).content))

    for path in ("/", script):
        plain = asked(path)
        sent = {coding: asked(path, coding) for coding in ("br", "gzip", "br;q=0.1, gzip", "br;q=0")}
        codings = {coding: response.headers.get("content-encoding") for coding, response in sent.items()}
        assert codings == {"br": "br", "gzip": "gzip", "br;q=0.1, gzip": "gzip", "br;q=0": None}
        for response in sent.values():
            assert response.content == plain.content
            assert response.headers["content-type"] == plain.headers["content-type"]
            assert "accept-encoding" in response.headers["vary"].lower()
        assert sent["br"].num_bytes_downloaded < sent["gzip"].num_bytes_downloaded < plain.num_bytes_downloaded
        head = httpx.head(storefront.url + path, headers={"accept-encoding": "br"}, timeout=60)
        assert (head.status_code, head.content) == (200, b"")
    assert asked("/_next/static/chunks/gone.js", "br").status_code == 404


def test_the_shop_can_be_installed(storefront: Storefront) -> None:
    manifest = httpx.get(f"{storefront.url}/manifest.webmanifest", timeout=60).json()
    found: set[tuple[str, int]] = set()
    for icon in manifest["icons"]:
        answer = httpx.get(storefront.url + icon["src"], timeout=60)
        assert answer.headers["content-type"] == icon["type"], icon["src"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", answer.content[16:24])
            assert icon["sizes"] == f"{width}x{height}"
            found.add((icon.get("purpose", "any"), width))
    assert found >= {("any", 192), ("any", 512), ("maskable", 192), ("maskable", 512)}


@pytest.mark.browser
def test_headers_are_those_of_the_cache_policy() -> None:
    script = (
        'import { cachingHeaders, toSource } from "./tools/caching-policy.mjs";'
        'console.log(JSON.stringify(cachingHeaders("../caching.yaml")));'
    )
    made = subprocess.run(
        [node(), "--input-type=module", "-e", script], cwd=STOREFRONT, capture_output=True, text=True, check=True
    )
    given = {
        one["source"]: {header["key"]: header["value"] for header in one["headers"]} for one in json.loads(made.stdout)
    }
    expected: dict[str, dict[str, str]] = {}
    for route in load(REPOSITORY / "app" / "caching.yaml").routes:
        if route.backend != "storefront" or "GET" not in route.methods:
            continue
        source = re.sub(r"\{(\w+)\*\}", r":\1+", route.route)
        headers = {"Cache-Control": route.cache_control}
        if route.cdn_cache_control:
            headers["Cloudflare-CDN-Cache-Control"] = route.cdn_cache_control
        expected[re.sub(r"\{(\w+)\}", r":\1", source)] = headers
    assert given == expected


def _webhook(storefront: Storefront, tags: list[str], key: str = REVALIDATION_KEY, age: int = 0) -> httpx.Response:
    body = json.dumps({"tags": tags})
    moment = int(time.time()) - age
    signature = hmac.new(key.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return httpx.post(
        f"{storefront.url}/revalidate", content=body, headers={"x-signature": f"t={moment},v1={signature}"}, timeout=60
    )


def test_a_signed_webhook_makes_a_page_new_and_no_other_does(
    storefront: Storefront, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = catalogue().products[-1]
    address = f"{storefront.url}/products/{product['id']}"
    assert product["name"] in httpx.get(address, timeout=60).text
    monkeypatch.setitem(product, "name", "A Name Nobody Has Seen")
    tag = f"product:{product['id']}"
    assert _webhook(storefront, [tag], key="another key").status_code == 401
    assert _webhook(storefront, [tag], age=600).status_code == 401
    assert "A Name Nobody Has Seen" not in httpx.get(address, timeout=60).text
    assert _webhook(storefront, [tag]).status_code == 200
    assert "A Name Nobody Has Seen" in httpx.get(address, timeout=60).text


def picture_address(storefront: Storefront) -> str:
    """Where the first picture of a product's page is, as the browser asks for it, without its width."""
    page = httpx.get(f"{storefront.url}/products/{PRODUCT['id']}", timeout=60).text
    found = re.search(r"/_next/image\?url=([^&\"]+)&amp;w=\d+&amp;q=85", page)
    assert found
    return f"{storefront.url}/_next/image?url={found[1]}&q=85"


def best_picture(address: str, accept: str, width: int) -> httpx.Response:
    """The picture in its best format, which is made after somebody has asked for it."""

    def best() -> httpx.Response | None:
        answer = httpx.get(f"{address}&w={width}", headers={"accept": accept}, timeout=60)
        assert answer.status_code == 200
        if answer.headers["cache-control"].startswith("public"):
            return answer
        # Until then there is the same picture, for this one browser.
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["content-type"] == ("image/jpeg" if accept in {"image/jpeg", "*/*"} else "image/webp")
        assert len(answer.content) <= LARGEST_IMAGE_BYTES
        return None

    return eventually(best, f"{accept} of {width} pixels")


@pytest.mark.parametrize("accept", ["image/avif", "image/webp", "image/jpeg"])
def test_pictures_come_in_the_best_format_and_are_small(storefront: Storefront, accept: str) -> None:
    address = picture_address(storefront)
    sizes: dict[int, int] = {}
    for width in (384, 640, 1200):
        answer = best_picture(address, accept, width)
        assert answer.headers["content-type"] == accept
        assert "Accept" in answer.headers["vary"]
        again = httpx.get(
            f"{address}&w={width}", headers={"accept": accept, "if-none-match": answer.headers["etag"]}, timeout=60
        )
        assert (again.status_code, again.content) == (304, b"")
        sizes[width] = len(answer.content)
    assert max(sizes.values()) <= LARGEST_IMAGE_BYTES, sizes
    if accept != "image/jpeg":
        plain = best_picture(address, "*/*", 1200)
        assert sizes[640] <= len(plain.content) / 2, "saves less than half of the bandwidth"


@pytest.mark.full
def test_many_visitors_with_cold_caches_get_all_pictures_at_once(storefront: Storefront) -> None:
    page = httpx.get(f"{storefront.url}/products", timeout=60).text
    seen = dict.fromkeys(unescape(each) for each in re.findall(r'src="(/_next/image\?[^"]+)"', page))
    addresses = [
        storefront.url + address.replace("-front.jpg", f"-{view}.jpg")
        for address in seen
        for view in ("detail", "room")
    ]
    assert len(addresses) >= 40

    def get(address: str) -> httpx.Response:
        return httpx.get(address, headers={"accept": "image/avif,image/webp,*/*"}, timeout=60)

    with ThreadPoolExecutor(16) as visitors:
        first = list(visitors.map(get, addresses))
        assert [answer.status_code for answer in first] == [200] * len(addresses)

        def all_best() -> bool:
            return all(answer.headers["content-type"] == "image/avif" for answer in visitors.map(get, addresses))

        eventually(all_best, "the best format of every picture")


SPELLINGS = ["{name}#{number}", "/{name}", "{name}?{number}", "{escaped}", "{name}/../{file}"]


def test_a_made_up_picture_is_neither_drawn_nor_kept(storefront: Storefront) -> None:
    page = httpx.get(f"{storefront.url}/products/{PRODUCT['id']}", timeout=60).text
    found = re.search(r"/images/products/([0-9a-f]+)/([a-z]+-[a-z]+-[1-3]-front\.jpg)", page.replace("%2F", "/"))
    assert found
    version, file = found.groups()
    kept = storefront.directory / ".next" / "cache" / "pictures"

    def entries() -> int:
        return len(list(kept.iterdir())) if kept.exists() else 0

    def small(address: str) -> int:
        asked = {"url": address, "w": "64", "q": "85"}
        return httpx.get(f"{storefront.url}/_next/image", params=asked, timeout=60).status_code

    assert httpx.get(f"{storefront.url}/images/products/{version}/{file}", timeout=60).status_code == 200
    best_picture(picture_address(storefront), "*/*", 64)
    best_picture(picture_address(storefront), "*/*", 1200)
    before = entries()
    for path in (
        f"{'0' * 12}/{file}",
        f"made-up/{file}",
        f"{version}/made-up-1-front.jpg",
        f"{version}/{file[:-9]}back.jpg",
    ):
        assert httpx.get(f"{storefront.url}/images/products/{path}", timeout=60).status_code == 404
        assert small(f"/images/products/{path}") == 404
    name = f"/images/products/{version}/{file}"
    for number, spelling in enumerate(SPELLINGS):
        address = spelling.format(name=name, file=file, number=number, escaped=name.replace(".", "%2E"))
        assert small(address) in (400, 404), address
    real = picture_address(storefront)
    for more in ("&w=63", "&w=64&w=96", "&w=64.0", "", "&w=64&url=x"):
        assert httpx.get(real + more, timeout=60).status_code in (400, 404), more
    inner = real.replace("/_next/image", "/pictures")
    assert httpx.get(f"{inner}&w=64", timeout=60).status_code == 404, "a second address of a picture"
    assert entries() == before


NO_TEXT = ("/%ff", "/%ff?sort=newest", "/categories/%c0", "/images/products/%ed%a0%80/x.jpg", "/%")
"""Addresses that nothing can be read from (RFC 3629)."""


def answer_to(storefront: Storefront, path: str, cookie: str = "") -> httpx.Response:
    """Once the storefront has one: on a busy machine the API may take longer than a page waits for it."""

    def answer() -> httpx.Response | None:
        found = httpx.get(storefront.url + path, headers={"cookie": cookie}, timeout=PATIENCE)
        return found if found.status_code < 500 else None

    return eventually(answer, path)


@pytest.mark.parametrize("path", ["/made-up", "/products/987654321", "/products?sort=made-up", "/made/up"])
def test_a_page_that_isnt_there_is_kept_by_nobody(storefront: Storefront, path: str) -> None:
    for _ in range(2):
        answer = answer_to(storefront, path)
        assert answer.status_code == 404
        # What no page answers is one page, made with the shop.
        assert answer.headers.get("x-nextjs-cache", "MISS") == ("HIT" if path == "/made/up" else "MISS")


REPORT = """
window.broken = [];
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  window.broken.push(`${effectiveDirective} ${blockedURI} ${sample}`), true);
"""


def test_no_page_breaks_its_own_policy_and_none_lets_a_stranger_s_script_run(
    browser: Browser, storefront: Storefront, stand_in: StandIn
) -> None:
    stand_in.reset()
    stand_in.tier = "premium"
    context = browser.new_context()
    context.add_init_script(REPORT)
    visitor = Visitor(context, storefront.url)
    told: list[str] = []
    visitor.page.on("console", lambda message: told.append(message.text) if "Security Policy" in message.text else None)

    def look(path: str) -> None:
        page = visitor.open(path)
        page.wait_for_load_state("networkidle")
        told.extend(f"{path}: {one}" for one in page.evaluate("window.broken"))
        # What Next has written runs (the page is the application's), and what somebody adds doesn't.
        assert page.evaluate("'__next_f' in window && window.next !== undefined"), path
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.stranger=1'}))"
        )
        assert page.evaluate("window.stranger") is None, path
        told[:] = [one for one in told if "stranger" not in one and "Executing inline script" not in one]

    visitor.add_to_cart(PRODUCT["id"])
    for path in PAGES:
        look(path)
    visitor.sign_in()
    stand_in.orders = [ORDER]
    for path in ("/", "/products", f"/products/{PRODUCT['id']}", "/cart", "/checkout", "/account/orders"):
        look(path)
    until(lambda: visitor.page.evaluate("navigator.serviceWorker.controller !== null"), visitor.page)
    context.set_offline(True)
    for path in ("/cart", "/offline", f"/products/{PRODUCT['id']}"):
        visitor.open(path)
        told.extend(f"{path}, offline: {one}" for one in visitor.page.evaluate("window.broken"))
    context.close()
    assert told == []


@pytest.mark.parametrize("cookie", ["", "tier=premium; sid=forged"])
def test_every_answer_has_a_policy_without_exceptions(storefront: Storefront, cookie: str) -> None:
    data = ("/health", "/robots.txt", "/sw.js", "/icons/icon.svg", "/_next/static/none.js", "/revalidate")
    for path in (*PAGES, *data, *NO_TEXT, "/products/", "//made-up"):
        headers = answer_to(storefront, path, cookie).headers
        policy = headers["content-security-policy"]
        assert "unsafe-inline" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert headers["x-content-type-options"] == "nosniff", path
        if path in PAGES:
            assert re.search(r"script-src 'self' +'(?:sha256|nonce)-", policy), path


@pytest.mark.parametrize("path", NO_TEXT)
def test_an_address_that_is_no_text_is_not_there(storefront: Storefront, path: str) -> None:
    """Next itself would answer 500, which wakes whoever is on call."""
    assert httpx.get(storefront.url + path, timeout=PATIENCE).status_code == 404


@pytest.mark.parametrize("path", ["/sw.js", "/icons/icon.svg", "/cart", f"/products/{PRODUCT['id']}"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Range", "bytes=999999999-"),
        ("Range", "bytes=0-1"),
        ("If-Match", '"made-up"'),
        ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Content-Security-Policy", "script-src 'nonce-bWFkZSB1cA=='"),
    ],
)
def test_nothing_that_a_client_says_makes_a_file_or_page_fail(
    storefront: Storefront, path: str, name: str, value: str
) -> None:
    answer = httpx.get(storefront.url + path, headers={name: value}, timeout=PATIENCE)
    assert answer.status_code == 200
    assert "bWFkZSB1cA==" not in answer.text


@pytest.mark.full
def test_a_client_that_dribbles_its_request_is_cut_off(storefront: Storefront) -> None:
    """Node looks every half a minute."""
    host, port = storefront.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nX-Slow: ")

        def is_cut_off() -> bool:
            try:
                client.sendall(b"a")
                client.settimeout(0.5)
                client.recv(100)
                return True
            except TimeoutError:
                return False
            except OSError:
                return True

        eventually(is_cut_off, "the end of the connection")


@pytest.mark.full
def test_a_client_that_does_not_read_is_cut_off(storefront: Storefront) -> None:
    """Whatever it sends meanwhile. More has been asked for than the kernel holds for it."""
    host, port = storefront.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n" * 200)

        def is_cut_off() -> bool:
            try:
                client.sendall(b"\r\n")
                return False
            except OSError:
                return True

        eventually(is_cut_off, "the end of the connection")


def test_errors_have_their_own_pages(visitor: Visitor, storefront: Storefront, stand_in: StandIn) -> None:
    missing = httpx.get(f"{storefront.url}/products/999999", timeout=60)
    assert missing.status_code == 404
    assert "There is nothing here." in missing.text
    stand_in.faults = Faults(down=True)
    broken = visitor.page.goto(f"{visitor.url}/products/{catalogue().products[-7]['id']}")
    assert broken
    assert broken.status == 500
    policy = broken.headers["content-security-policy"]
    assert re.search(r"script-src 'self' +'(?:sha256|nonce)-", policy)
    assert "unsafe-inline" not in policy
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("That didn")
    stand_in.reset()
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(catalogue().products[-7]["name"])


@pytest.mark.full
def test_the_database_knows_the_blur_of_every_drawing(build: Path) -> None:
    subprocess.run([node(), "tools/images.mjs", "--check"], cwd=STOREFRONT, check=True, timeout=250)


def test_a_visit_s_first_and_second_page_are_reported_once_each(visitor: Visitor, stand_in: StandIn) -> None:
    """Also when pages are loaded anew: the bounce rate is made of these two."""
    began = 1000 * time.time()

    def reported(name: str) -> int:
        # The last page of the test before this one may still report.
        return sum(event["name"] == name and event["timestamp"] >= began for event in stand_in.measurements)

    def look_away() -> None:
        visitor.page.evaluate(
            """Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"))"""
        )

    page = visitor.open("/")
    until(lambda: page.evaluate("sessionStorage.getItem('visit')") == "/", page)
    look_away()
    until(lambda: reported("visit") == 1, page)
    visitor.open("/")
    page.get_by_role("link", name="Everything").first.click()
    until(lambda: page.evaluate("sessionStorage.getItem('visit')") == "continued", page)
    look_away()
    until(lambda: reported("visit_continued") == 1, page)
    visitor.open("/cart")
    until(lambda: visitor.page.evaluate("navigator.serviceWorker.controller !== null"), page)
    look_away()
    page.wait_for_timeout(1000)
    assert (reported("visit"), reported("visit_continued")) == (1, 1)


def test_search_engines_find_every_product_once(storefront: Storefront) -> None:
    found = re.findall(r"/products/(\d+)</loc>", httpx.get(f"{storefront.url}/sitemap.xml", timeout=60).text)
    assert sorted(map(int, found)) == sorted(product["id"] for product in catalogue().products)


def test_a_product_says_to_machines_what_it_says_to_people(storefront: Storefront) -> None:
    page = httpx.get(f"{storefront.url}/products/{PRODUCT['id']}", headers={"x-country": "GB"}, timeout=60).text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found
    product = json.loads(found[1])
    assert product["name"] == PRODUCT["name"]
    assert product["offers"]["priceCurrency"] == "GBP"
    assert round(float(product["offers"]["price"]) * 100) == PRODUCT["prices"]["free"]["GBP"]
    assert 'property="og:image"' in page


@pytest.mark.parametrize(
    ("address", "canonical"), [("/products?sort=price", "/products"), ("/categories/3?sort=newest", "/categories/3")]
)
def test_every_order_of_a_listing_names_the_same_address(storefront: Storefront, address: str, canonical: str) -> None:
    page = httpx.get(storefront.url + address, timeout=60).text
    found = re.search(r'<link rel="canonical" href="[^"]*?(/(?:products|categories)[^"]*)"', page)
    assert found
    assert found[1] == canonical


def test_a_browser_that_asks_for_the_icon_by_itself_gets_it(storefront: Storefront) -> None:
    answer = httpx.get(f"{storefront.url}/favicon.ico", timeout=60)
    assert answer.status_code == 200
    assert answer.content[:4] == b"\0\0\1\0"
    assert b"PNG" in answer.content[22:30]


def test_what_was_taken_out_of_the_cart_comes_back_with_the_keyboard(visitor: Visitor) -> None:
    visitor.add_to_cart(PRODUCT["id"])
    page = visitor.open("/cart")
    page.get_by_role("button", name="One more").click()
    expect(page.locator(".stepper output")).to_have_text("2")
    page.get_by_role("button", name=f"Remove {PRODUCT['name']}").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=PRODUCT["name"])).to_be_visible()
    assert [(line["productId"], line["quantity"]) for line in visitor.stored("cart")] == [(PRODUCT["id"], 2)]
    expect(page.locator("main li.line")).to_be_focused()


@pytest.mark.parametrize(("saves_data", "ahead"), [(False, {"/products?sort=price"}), (True, set[str]())])
def test_a_public_page_is_fetched_once_a_pointer_is_on_its_link(
    browser: Browser, storefront: Storefront, stand_in: StandIn, saves_data: bool, ahead: set[str]
) -> None:
    stand_in.reset()
    context = browser.new_context()
    if saves_data:
        context.add_init_script(SAVES_DATA)
    page = Visitor(context, storefront.url).open("/products")
    page.wait_for_load_state("networkidle")
    asked: set[str] = set()

    def note(request: Request) -> None:
        if "_rsc=" in request.url:
            asked.add(re.sub(r"[?&]_rsc=[^&]*", "", request.url).removeprefix(storefront.url))

    page.on("request", note)
    page.get_by_role("link", name="Your account").hover()
    page.get_by_role("link", name="Price: low to high").hover()
    page.evaluate("new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))")
    until(lambda: not ahead or asked, page)
    assert asked == ahead
    context.close()
