"""Pages are right for their reader: accessible, in the right currency, as light as promised, fresh after a webhook."""

import hashlib
import hmac
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import Visitor
from playwright.sync_api import Browser, expect
from stand_in import StandIn, catalogue
from storefront_server import REPOSITORY, REVALIDATION_KEY, STOREFRONT, Storefront

from app.caching_policy import load

# Minutes in a real browser: part of `make test-full`; the offline proofs stay in `make test`.
pytestmark = [pytest.mark.browser, pytest.mark.full]

PRODUCT = next(product for product in catalogue().products if product["stock"] > 20)
AXE = STOREFRONT / "node_modules" / "axe-core" / "axe.min.js"
LARGEST_IMAGE_BYTES = 50_000
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
    "/account",
    "/changes",
    "/offline",
    "/nothing-here",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (1280, 800)], ids=["phone", "desktop"])
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
    for path in PAGES:
        page = visitor.open(path)
        page.wait_for_timeout(300)
        page.add_script_tag(path=AXE)
        result = page.evaluate("axe.run()")
        found += [f"{path}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in result["violations"]]
        # Nothing sticks out: no page scrolls sideways on a narrow phone.
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
    assert found == []


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


def test_headers_are_those_of_the_cache_policy() -> None:
    script = (
        'import { cachingHeaders, toSource } from "./tools/caching-policy.mjs";'
        'console.log(JSON.stringify(cachingHeaders("../caching.yaml")));'
    )
    made = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=STOREFRONT, capture_output=True, text=True, check=True
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


@pytest.mark.parametrize("accept", ["image/avif", "image/webp", "image/jpeg"])
def test_pictures_come_in_the_best_format_and_are_small(storefront: Storefront, accept: str) -> None:
    page = httpx.get(f"{storefront.url}/products/{PRODUCT['id']}", timeout=60).text
    found = re.search(r"/_next/image\?url=([^&\"]+)&amp;w=\d+&amp;q=85", page)
    assert found
    sizes: dict[int, int] = {}
    for width in (384, 640, 1200):
        answer = httpx.get(
            f"{storefront.url}/_next/image?url={found[1]}&w={width}&q=85", headers={"accept": accept}, timeout=60
        )
        assert answer.headers["content-type"] == accept
        sizes[width] = len(answer.content)
    assert max(sizes.values()) <= LARGEST_IMAGE_BYTES, sizes
    if accept != "image/jpeg":
        plain = httpx.get(
            f"{storefront.url}/_next/image?url={found[1]}&w=1200&q=85", headers={"accept": "*/*"}, timeout=60
        )
        assert sizes[640] <= len(plain.content) / 2, "saves less than half of the bandwidth"


def test_errors_have_their_own_pages(storefront: Storefront) -> None:
    missing = httpx.get(f"{storefront.url}/products/999999", timeout=60)
    assert missing.status_code == 404
    assert "There is nothing here." in missing.text


@pytest.mark.full
def test_the_database_knows_the_blur_of_every_drawing(build: Path) -> None:
    subprocess.run(["node", "tools/images.mjs", "--check"], cwd=STOREFRONT, check=True, timeout=250)
