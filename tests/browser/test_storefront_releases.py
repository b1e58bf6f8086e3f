"""After a release: what isn't there any more, pages and their parts, and how the page says so."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import Visitor, until
from playwright.sync_api import Browser, Page, expect
from stand_in import StandIn, catalogue
from storefront_server import Storefront, copy_of_the_build

PRODUCT = next(product for product in catalogue().products if product["stock"] > 20)
MISSING = ["/products/999999", "/products?sort=made-up", "/categories/9999", "/made-up", "/made/up", "/orders/x"]


@pytest.mark.parametrize("path", MISSING)
def test_a_page_that_isnt_there_is_a_whole_page_without_javascript_too(storefront: Storefront, path: str) -> None:
    for coding in ("gzip", "identity"):
        answer = httpx.get(storefront.url + path, headers={"accept-encoding": coding}, timeout=60)
        text = re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL)
        assert answer.status_code == 404
        assert '<html lang="en"' in text
        assert "There is nothing here." in text
        assert 'href="/products"' in text
        private = path.startswith("/orders")
        assert answer.headers["cache-control"] == ("private, no-store" if private else "public, max-age=120")
        if path.startswith(("/products", "/categories")):
            assert answer.headers["cloudflare-cdn-cache-control"] == "max-age=120"
    head = httpx.head(storefront.url + path, timeout=60)
    assert (head.status_code, head.content) == (404, b"")


def test_a_missing_page_runs_as_any_other(visitor: Visitor) -> None:
    page = visitor.page
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    visitor.open("/products/999999")
    page.get_by_role("main").get_by_role("link", name="Shop everything").click()
    expect(page.get_by_role("heading", level=1, name="Everything")).to_be_visible()
    assert [text for text in told if "404" not in text] == []


@pytest.fixture
def shop(build: Path, stand_in: StandIn, tmp_path: Path) -> Iterator[Storefront]:
    """A shop of its own, whose files may go."""
    stand_in.reset()
    server = Storefront(copy_of_the_build(tmp_path / "build"), stand_in.url, tmp_path / "log")
    server.start()
    yield server
    server.stop()


def chunks(shop: Storefront) -> Path:
    return shop.directory / ".next" / "static" / "chunks"


def the_chunk_of(shop: Storefront, words: str) -> tuple[Path, Path]:
    """The file that nothing but a part of a page is in, as it is and in Brotli."""
    (found,) = [file for file in chunks(shop).glob("*.js") if words in file.read_text()]
    return found, found.with_name(found.name + ".br")


def open_product(visitor: Visitor, worker: bool) -> Page:
    page = visitor.open(f"/products/{PRODUCT['id']}")
    if worker:
        until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), page)
    page.wait_for_load_state("networkidle")
    # As the cleaning up of a newer release's worker leaves it, some time later.
    page.evaluate("caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))")
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    return page


@pytest.mark.parametrize("worker", [False, True], ids=["without the worker", "with the worker"])
def test_a_part_whose_file_is_gone_loads_the_page_anew_once(browser: Browser, shop: Storefront, worker: bool) -> None:
    context = browser.new_context(service_workers="allow" if worker else "block")
    visitor = Visitor(context, shop.url)
    page = open_product(visitor, worker)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    gone = {file: file.read_bytes() for file in the_chunk_of(shop, "Closer: ")}
    for file in gone:
        file.unlink()
    enlarge = page.get_by_role("button", name="Enlarge the picture")
    with page.expect_navigation(wait_until="load"):
        enlarge.click()
    # The next release has it again.
    for file, content in gone.items():
        file.write_bytes(content)
    enlarge.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert len(loads) == 1
    context.close()


def test_a_part_that_stays_away_is_no_more_than_a_part(browser: Browser, shop: Storefront) -> None:
    context = browser.new_context(service_workers="block")
    visitor = Visitor(context, shop.url)
    page = open_product(visitor, worker=False)
    for file in the_chunk_of(shop, "Closer: "):
        file.unlink()
    enlarge = page.get_by_role("button", name="Enlarge the picture")
    with page.expect_navigation(wait_until="load"):
        enlarge.click()
    page.wait_for_load_state("networkidle")
    enlarge.click()
    expect(page.get_by_role("alert").filter(has_text="be loaded. Please try again later.")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name=PRODUCT["name"])).to_be_visible()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status").filter(has_text="is in your cart")).to_be_visible()
    context.close()
