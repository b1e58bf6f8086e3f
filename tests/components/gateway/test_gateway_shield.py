"""What nginx, with the declared configuration, promises as origin shield. The server is real, the origin scripted."""

import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.caching_policy import Policy, load, parse
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes import flows
from testing.gateway_server import Gateway, Seen, StubResponse, running_gateway
from testing.waits import PATIENCE, eventually

POLICY = load(Path("app/caching.yaml"))
MANY = {"requests_per_second": 100_000, "burst": 100_000, "connections": 10_000}
GENEROUS = Limits.model_validate(MANY)

SHORT_LIVED = """
version: 1
errors: {not_found_ttl: 2, server_error_ttl: 2}
bypass: {request_headers: [X-Preview], request_cookies: [], response_headers: [X-Draft]}
routes:
  - {route: "/api/bridged/{name}", audience: public, shield_ttl: 1, stale_while_revalidate: 600, stale_if_error: 600}
  - {route: "/api/brief/{name}", audience: public, shield_ttl: 1, stale_while_revalidate: 1, stale_if_error: 1}
  - {route: /announced, audience: public, shield_ttl: 60, prefetch: [/announced]}
"""
EXPIRES, GRACE_ENDS = 2.1, 4.1
"""Seconds until an answer of these routes has expired, and until it is past its grace where that is brief. More do no
harm: the longer grace outlasts every pause of a busy machine."""


def serve(directory: Path, policy: Policy, limits: Limits = GENEROUS) -> Iterator[Gateway]:
    with running_gateway(directory, policy, GatewaySettings(limits=limits)) as running:
        yield running


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from serve(tmp_path_factory.mktemp("gateway"), POLICY)


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The gateway under the shop's own policy, with an origin that numbers its answers, and an empty shield."""
    numbers = itertools.count(1)
    for origin in (shared_gateway.api, shared_gateway.storefront):
        origin.seen.clear()
        origin.answer = lambda _: StubResponse(f"answer {next(numbers)}")
    shared_gateway.purge(everything=True)
    return shared_gateway


@pytest.fixture(scope="module")
def short_lived_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from serve(tmp_path_factory.mktemp("short"), parse(SHORT_LIVED))


@pytest.fixture
def short_lived(short_lived_gateway: Gateway) -> Iterator[Gateway]:
    """A gateway whose answers live for a second."""
    numbers = itertools.count(1)
    short_lived_gateway.api.answer = lambda _: StubResponse(f"answer {next(numbers)}")
    short_lived_gateway.purge(everything=True)
    short_lived_gateway.api.seen.clear()
    yield short_lived_gateway
    if not short_lived_gateway.api.running:
        short_lived_gateway.api.start()


@pytest.fixture(scope="module")
def impatient_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    second = dict.fromkeys(("header_timeout", "body_timeout", "send_timeout"), "1s")
    yield from serve(tmp_path_factory.mktemp("impatient"), POLICY, Limits.model_validate({**MANY, **second}))


@pytest.fixture
def impatient(impatient_gateway: Gateway) -> Gateway:
    """A gateway that waits for a second."""
    for origin in (impatient_gateway.api, impatient_gateway.storefront):
        origin.seen.clear()
        origin.answer = lambda _: StubResponse()
    return impatient_gateway


def test_second_visitor_is_served_without_the_origin(gateway: Gateway) -> None:
    first, second = gateway.get("/api/products/5"), gateway.get("/api/products/5")
    assert first.text == second.text == "answer 1"
    assert "hit" in second.headers["Cache-Status"]


def test_parameters_that_dont_count_share_one_answer_and_never_reach_the_origin(gateway: Gateway) -> None:
    gateway.get("/api/products?sort=price&limit=5&utm_source=mail")
    assert gateway.get("/api/products?limit=5&fbclid=1&sort=price").text == "answer 1"
    assert [seen.target for seen in gateway.api.seen] == ["/api/products?limit=5&sort=price"]


def test_parameters_that_count_have_their_own_answers(gateway: Gateway) -> None:
    assert gateway.get("/api/products?limit=5").text != gateway.get("/api/products?limit=6").text


def test_each_country_and_coding_has_its_own_answer_where_the_policy_says_so(gateway: Gateway) -> None:
    answers = {
        gateway.get("/api/products/5", X_Country=country, Accept_Encoding=coding).text
        for country, coding in itertools.product(("DE", "US"), ("br", "gzip", "identity"))
    }
    assert len(answers) == 6
    assert gateway.get("/api/products/5", X_Country="US", Accept_Encoding="gzip;q=0.5, br;q=0").text in answers
    assert len(gateway.api.seen) == 6


def test_each_origin_is_asked_for_the_best_coding_that_both_know(gateway: Gateway) -> None:
    for target in ("/products", "/api/products"):
        gateway.get(target, Accept_Encoding="gzip, deflate, br, zstd")
    asked = [origin.seen[0].headers["accept-encoding"] for origin in (gateway.storefront, gateway.api)]
    assert asked == ["br", "br"]


def test_countries_with_the_same_prices_share_one_answer(gateway: Gateway) -> None:
    shared = {gateway.get("/api/products/5", X_Country=country).text for country in ("DE", "AT", "FR", "XX", "", "de")}
    assert shared == {"answer 1"}
    assert gateway.api.seen[0].headers["x-country"] == POLICY.countries.others
    assert gateway.get("/api/products/5", X_Country="GB").text == "answer 2"


def test_what_an_answer_doesnt_depend_on_is_kept_from_the_origin(gateway: Gateway) -> None:
    gateway.get("/api/categories", X_Country="US", X_Device="mobile", Cookie="sid=secret", Accept="text/html", RSC="1")
    headers = gateway.api.seen[0].headers
    assert not {"cookie", "x-country", "x-device", "accept", "rsc"} & headers.keys()


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/api/products/5", {"Authorization": "Bearer x"}),
        ("/api/products/5", {"X_Admin_Update": "1"}),
        ("/api/products/5", {"Cookie": "a=b; tier=premium"}),
        ("/sw.js", {"Authorization": "Bearer x"}),
        ("/api/users/7", {}),
        ("/api/cart", {}),
        ("/account/orders", {}),
        ("/api/unlisted", {}),
        ("/nowhere", {}),
    ],
)
def test_a_personal_or_unknown_answer_is_never_kept(gateway: Gateway, target: str, headers: dict[str, str]) -> None:
    first, second = gateway.get(target, **headers), gateway.get(target, **headers)
    assert first.text != second.text
    assert re.search("private|no-store", second.headers["Cache-Control"])
    assert "Cloudflare-CDN-Cache-Control" not in second.headers


@pytest.mark.parametrize(
    "forbidding", [{"Set-Cookie": "sid=1"}, {"Cache-Control": "private"}, {"Cache-Control": "no-store"}, {"Vary": "*"}]
)
def test_an_answer_that_its_origin_calls_personal_is_never_kept(gateway: Gateway, forbidding: dict[str, str]) -> None:
    numbers = itertools.count()
    gateway.api.answer = lambda _: StubResponse(f"{next(numbers)}", headers=forbidding)
    assert len({gateway.get("/api/products/5").text for _ in range(3)}) == 3


def test_the_policys_own_headers_keep_requests_and_answers_apart(short_lived: Gateway) -> None:
    stored = short_lived.get("/api/brief/own").text
    assert short_lived.get("/api/brief/own", X_Preview="1").text != stored
    numbers = itertools.count(1)
    short_lived.api.answer = lambda _: StubResponse(f"draft {next(numbers)}", headers={"X-Draft": "yes"})
    assert short_lived.get("/api/brief/draft").text != short_lived.get("/api/brief/draft").text


def test_a_stored_answer_isnt_given_to_a_member_with_prices_of_their_own(gateway: Gateway) -> None:
    public = gateway.get("/api/products/5").text
    assert gateway.get("/api/products/5", Cookie="tier=premium").text != public
    assert gateway.get("/api/products/5").text == public


def test_the_origin_knows_each_request_by_the_gateways_number(gateway: Gateway) -> None:
    for _ in range(2):
        gateway.get("/api/cart", X_Request_ID="mine")
    numbers = {seen.headers["x-request-id"] for seen in gateway.api.seen}
    assert len(numbers) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in numbers)


def test_writes_always_reach_the_origin(gateway: Gateway) -> None:
    url = str(gateway.get("/api/products/5").url)
    for method in ("PUT", "POST", "DELETE"):
        gateway.client.request(method, url, content="{}")
    assert [seen.method for seen in gateway.api.seen] == ["GET", "PUT", "POST", "DELETE"]


def test_head_is_answered_from_the_stored_get(gateway: Gateway) -> None:
    url = str(gateway.get("/api/products/5").url)
    answer = gateway.client.head(url)
    assert (answer.status_code, answer.text) == (200, "")
    assert len(gateway.api.seen) == 1


def test_a_visitor_with_the_current_copy_gets_304_and_it_stays_stored(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("body", headers={"ETag": '"v1"'})
    assert gateway.get("/api/products/5", If_None_Match='"v1"').status_code == 304
    assert gateway.get("/api/products/5").text == "body"
    assert len(gateway.api.seen) == 1


def test_a_purged_tag_is_gone_with_the_next_request_in_every_variant(gateway: Gateway) -> None:
    variants = list(itertools.product(("DE", "US"), ("br", "gzip")))

    def ask() -> set[str]:
        return {gateway.get("/api/products/5", X_Country=c, Accept_Encoding=e).text for c, e in variants}

    other = gateway.get("/api/products/6").text
    for _ in range(2):
        before = ask()
        assert ask() == before
        assert gateway.purge(tags=["product:5"]).json()["marks"] == 1
        assert not ask() & before
        assert gateway.get("/api/products/6").text == other


def test_a_purge_by_the_policys_event_reaches_pages_and_api(gateway: Gateway) -> None:
    targets = ["/products/5", "/products", "/", "/api/products/5", "/api/products"]
    before = [gateway.get(target).text for target in targets]
    kept = gateway.get("/products/6").text
    purge = POLICY.purge("product.updated", {"product_id": "5"})
    gateway.purge(tags=list(purge))
    assert not {gateway.get(target).text for target in targets} & set(before)
    assert gateway.get("/products/6").text == kept


def test_a_purge_by_what_an_answer_lists_leaves_the_listings_without_it(gateway: Gateway) -> None:
    shown = {"/api/products": "products,listed:5,listed:7", "/api/products?category_id=3": "products,listed:6"}
    gateway.api.answer = lambda asked: StubResponse(
        f"answer {len(gateway.api.seen)}", headers={"Cache-Tag": shown[asked.target]}
    )
    before = {target: gateway.get(target).text for target in shown}
    gateway.purge(tags=list(POLICY.purge("availability.changed", {"product_id": "7", "category_id": "9"})))
    assert [gateway.get(target).text == before[target] for target in shown] == [False, True]


def test_an_answer_fetched_before_a_purge_isnt_served_after_it(gateway: Gateway) -> None:
    purged = threading.Event()

    def old(_: Seen) -> StubResponse:
        purged.wait(PATIENCE)
        return StubResponse("old")

    gateway.api.answer = old
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(gateway.get, "/api/products/5")
        eventually(lambda: gateway.api.seen, "the origin is asked")
        gateway.purge(tags=["product:5"])
        gateway.api.answer = lambda _: StubResponse("new")
        assert gateway.get("/api/products/5").text == "new"
        purged.set()
        assert slow.result().text == "old"
    assert gateway.get("/api/products/5").text == "new"


def test_a_hundred_simultaneous_visitors_cost_one_request(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("once", delay=0.3)
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda _: gateway.get("/api/products/9").text, range(100)))
    assert answers == ["once"] * 100
    assert len(gateway.api.seen) == 1


def test_a_missing_page_is_remembered(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse("none", status=404)
    first, second = gateway.get("/products/none"), gateway.get("/products/none")
    assert (first.status_code, second.status_code, len(gateway.storefront.seen)) == (404, 404, 1)
    assert second.headers["Cloudflare-CDN-Cache-Control"] == f"max-age={POLICY.errors.not_found_ttl}"


def test_pages_carry_the_policys_headers_whatever_the_storefront_says(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse(headers={"Cache-Control": "s-maxage=31536000"})
    page, found = gateway.get("/products/5"), POLICY.match("GET", "/products/5")
    assert found is not None
    assert page.headers["Cache-Control"] == found.route.cache_control
    assert page.headers["Cloudflare-CDN-Cache-Control"] == found.route.cdn_cache_control
    assert page.headers["Cache-Tag"].split(",") == list(found.route.rendered_tags(found.parameters))


def test_likely_next_pages_are_announced_beside_what_the_page_preloads(short_lived: Gateway) -> None:
    prefetch = "</announced>; rel=prefetch"
    font = "</_next/static/media/a.woff2>; rel=preload; as=font; crossorigin"
    for own, sent in ({}, prefetch), ({"Link": font}, f"{font}, {prefetch}"):
        short_lived.storefront.answer = lambda _, own=own: StubResponse(headers=own)
        short_lived.purge(everything=True)
        for _ in range(2):
            assert short_lived.get("/announced").headers["Link"] == sent


def test_a_page_and_its_data_for_the_router_are_kept_apart(gateway: Gateway) -> None:
    def answer(seen: Seen) -> StubResponse:
        part = seen.headers.get("next-router-segment-prefetch", "whole")
        return StubResponse(f"data {part} {seen.target}" if "rsc" in seen.headers else f"page {seen.target}")

    gateway.storefront.answer = answer
    # As Next.js's own function says (shared/lib/router/utils/cache-busting-search-param.js).
    of_part = {"Next_Router_Prefetch": "1", "Next_Router_Segment_Prefetch": "/_tree"}
    assert gateway.get("/products/5?_rsc=", RSC="1").text == "data whole /products/5?_rsc="
    part = gateway.get("/products/5?_rsc=_i_aeImnuN6u1u1r", RSC="1", **of_part)
    assert part.text == "data /_tree /products/5?_rsc=_i_aeImnuN6u1u1r"
    assert gateway.get("/products/5?_rsc=a").text == "page /products/5"
    # From whichever page a visitor comes, the data is the same, and kept once.
    tree = {"Next_Router_State_Tree": "x", "Next_Url": "/products"}
    again = gateway.get("/products/5?_rsc=YVjlERc3IJOf41-h", RSC="1", **tree)
    assert again.text == "data whole /products/5?_rsc="
    assert "hit" in again.headers["Cache-Status"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RSC": "1"},
        {"RSC": "1", "Next_Router_State_Tree": "made up"},
        {"RSC": "1", "Next_Router_Segment_Prefetch": "/made/up"},
        {"RSC": "1", "Next_Router_Prefetch": "1", "Next_Router_Segment_Prefetch": "/made|up"},
        {"Accept_Encoding": "made-up"},
        {"Accept": "made/up"},
        {"X_Country": "QQ"},
        {"X_Device": "made-up"},
        {"Cookie": "made=up"},
    ],
)
def test_what_is_made_up_makes_no_entries(gateway: Gateway, headers: dict[str, str]) -> None:
    """Neither a made-up `_rsc` and query nor whatever a client says in a header that is no variation."""
    gateway.storefront.answer = lambda seen: StubResponse("data" if "rsc" in seen.headers else "page")

    path = f"/products/{abs(hash(str(sorted(headers.items()))))}"

    def entries() -> int:
        """Of this address: what others have asked for may be written later."""
        files = (file for file in (gateway.directory / "cache").rglob("*") if file.is_file())
        return sum(1 for file in files if path.encode() in file.read_bytes())

    gateway.get(path)
    eventually(lambda: entries() == 1, "the address is kept")
    for number in range(20):
        value = {name: f"{text}{number}" if "ade" in text else text for name, text in headers.items()}
        assert gateway.get(f"{path}?_rsc=made-up-{number}&made={number}", **value).status_code == 200
    assert entries() <= 1 + ("RSC" not in headers)


@pytest.mark.parametrize(
    "address", ["/products/" + "5" * 1100, "/api/search?q=" + "a" * 4100, "/made-up?" + "a" * 9000]
)
def test_an_address_that_is_too_long_is_refused_before_anything_remembers_it(gateway: Gateway, address: str) -> None:
    gateway.api.answer = gateway.storefront.answer = lambda _: StubResponse("reached")
    refused = gateway.get(address)
    assert refused.status_code == 414
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert not [seen for origin in (gateway.api, gateway.storefront) for seen in origin.seen if seen.target == address]


def test_the_api_hears_which_host_and_port_the_visitor_sees(gateway: Gateway) -> None:
    """It compares them with a browser's Origin, which has the port (RFC 6454, section 7)."""
    gateway.get("/api/cart", X_Forwarded_Host="made-up.example")
    gateway.get("/api/products/5", X_Forwarded_Host="made-up.example")
    private, public = (seen.headers for seen in gateway.api.seen)
    assert private["x-forwarded-host"] == f"{gateway.address}:{flows.GATEWAY_PORT}"
    assert "x-forwarded-host" not in public


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        ("//", "/"),
        ("//made-up.example/%2f..", "/"),
        ("/%2e/", "/"),
        ("/x/..", "/"),
        ("//products/9", "/products/9"),
        ("/products//9", "/products/9"),
        ("/products/./9", "/products/9"),
        ("/products/x/../9", "/products/9"),
        ("/products/%39", "/products/9"),
        ("/products/9#made-up", "/products/9"),
        ("/api//products/9", "/api/products/9"),
        ("/api/products/%39", "/api/products/9"),
    ],
)
@pytest.mark.parametrize("query", ["", "?sort=newest"])
def test_an_address_in_another_spelling_makes_no_entry_for_the_plain_one(
    gateway: Gateway, odd: str, plain: str, query: str
) -> None:
    """Its origin may answer with a redirect to the plain one: kept as that one's, it would lead there for ever."""

    def answer(seen: Seen) -> StubResponse:
        if seen.target.partition("?")[0] == plain:
            return StubResponse("the page")
        return StubResponse(status=308, headers={"Location": plain, "Cache-Control": "public, max-age=60"})

    gateway.api.answer = gateway.storefront.answer = answer
    assert said(gateway, f"GET {odd}{query} HTTP/1.1\r\nHost: {gateway.address}").startswith("HTTP/1.1 ")
    for _ in range(2):
        assert gateway.get(f"{plain}{query}").text == "the page"
    if plain != "/":
        assert "; hit" in gateway.get(f"{plain}{query}").headers["Cache-Status"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /" + "a" * 70_000 + " HTTP/1.1\r\nHost: shop", 414),
        ("GET /" + "a" * 9_000 + " HTTP/1.1\r\nHost: shop", 414),
        ("GET / HTTP/1.1\r\nHost: shop\r\nX-Long: " + "a" * 70_000, 400),
        ("GET / HTTP/1.1", 400),
        ("GET / HTTP/3.0\r\nHost: shop", 505),
        ("\x16\x03\x01", 400),
    ],
)
def test_what_is_no_request_of_ours_is_the_client_s_fault(gateway: Gateway, line: str, status: int) -> None:
    head = said(gateway, line)
    assert head.startswith(f"HTTP/1.1 {status}")
    assert "x-content-type-options: nosniff" in head.lower()
    assert "frame-ancestors 'none'" in head
    assert "gateway; fwd=request; detail=refused" in head


def said(gateway: Gateway, lines: str) -> str:
    """The head of the answer to a request that no client library would send."""
    with socket.create_connection((gateway.address, flows.GATEWAY_PORT), timeout=PATIENCE) as connection:
        connection.sendall(f"{lines}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        with connection.makefile("rb") as answer:
            return answer.read().partition(b"\r\n\r\n")[0].decode("latin-1")


@pytest.mark.parametrize(
    "answer", [StubResponse(), StubResponse(status=404), StubResponse(status=500), StubResponse(status=302)]
)
@pytest.mark.parametrize(
    "address", ["/api/products/5", "/api/cart", "/products/5", "/cart", "/made-up", "/api/search?q=" + "a" * 5000]
)
def test_every_answer_lets_nobody_guess_its_type_or_frame_it(
    gateway: Gateway, address: str, answer: StubResponse
) -> None:
    gateway.api.answer = gateway.storefront.answer = lambda _: answer
    headers = gateway.get(f"{address}{answer.status}").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "gateway;" in headers["Cache-Status"]


def test_a_page_s_own_policy_stands(gateway: Gateway) -> None:
    own = "script-src 'self' 'sha256-x'"
    gateway.storefront.answer = lambda _: StubResponse(headers={"Content-Security-Policy": own})
    assert gateway.get("/cart").headers["Content-Security-Policy"] == own
    assert gateway.get("/products/6").headers["Content-Security-Policy"] == own


def test_a_stale_answer_bridges_the_refresh(short_lived: Gateway) -> None:
    assert short_lived.get("/api/bridged/a").text == "answer 1"
    time.sleep(EXPIRES)
    stale = short_lived.get("/api/bridged/a")
    assert stale.text == "answer 1"
    assert re.search(r"ttl=-\d", stale.headers["Cache-Status"])
    eventually(lambda: short_lived.get("/api/bridged/a").text != "answer 1", "the refreshed answer")


def test_past_its_grace_a_stale_answer_isnt_served_while_the_origin_works(short_lived: Gateway) -> None:
    assert short_lived.get("/api/brief/b").text == "answer 1"
    time.sleep(GRACE_ENDS)
    assert short_lived.get("/api/brief/b").text == "answer 2"


def test_while_the_origin_is_down_stale_answers_serve_only_as_long_as_the_policy_says(short_lived: Gateway) -> None:
    kept = short_lived.get("/api/bridged/c").text
    short_lived.get("/api/brief/c")
    short_lived.api.stop()
    time.sleep(GRACE_ENDS)
    stale = short_lived.get("/api/bridged/c")
    assert (stale.status_code, stale.text, int(stale.headers["Age"]) >= 4) == (200, kept, True)
    gone = short_lived.get("/api/brief/c")
    assert (gone.status_code, gone.headers["Retry-After"], gone.headers["Cache-Control"]) == (503, "5", "no-store")
    assert gone.headers["Content-Type"] == "application/problem+json"
    assert gone.json()["title"] == "Service Unavailable"


def test_a_person_whose_page_cant_be_fetched_is_told_so_in_words(gateway: Gateway) -> None:
    gateway.storefront.stop()
    try:
        page = gateway.get("/products/404404")
        assert (page.status_code, page.headers["Retry-After"], page.headers["Cache-Control"]) == (503, "5", "no-store")
        assert page.headers["Content-Type"] == "text/html"
        assert "The shop is not answering." in page.text
    finally:
        gateway.storefront.start()


def test_a_fault_of_the_origin_is_hidden_by_the_stale_answer(short_lived: Gateway) -> None:
    short_lived.get("/api/bridged/d")
    short_lived.api.answer = lambda _: StubResponse("broken", status=500)
    time.sleep(EXPIRES)
    assert [short_lived.get("/api/bridged/d").text for _ in range(3)] == ["answer 1"] * 3


def test_metrics_tell_hits_from_misses_and_count_the_origins_bytes(gateway: Gateway) -> None:
    def sample(name: str) -> float:
        found = re.search(re.escape(name) + r" ([\d.e+]+)", gateway.metrics())
        return float(found[1]) if found else 0

    hits = 'gateway_requests_total{route="api-categories",cache="hit",status="200"}'
    misses = 'gateway_requests_total{route="api-categories",cache="miss",status="200"}'
    origin = 'gateway_origin_bytes_total{route="api-categories"}'

    def counted() -> list[float]:
        return [sample(name) - first for name, first in zip(names, before, strict=True)]

    names = (hits, misses, origin)
    before = [sample(name) for name in names]
    for _ in range(4):
        gateway.get("/api/categories")
    # Each of nginx's workers tells what it has counted a few times a second.
    eventually(lambda: counted()[:2] == [3, 1], "counting")
    assert 0 < counted()[2] < 400


def test_purges_and_metrics_arent_reachable_through_the_front_door(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse("the storefront's")
    assert gateway.get("/purge").text == gateway.get("/metrics").text == "the storefront's"


def test_a_malformed_purge_is_refused_with_what_is_expected(gateway: Gateway) -> None:
    url = str(gateway.purge(tags=[]).url)
    refused = gateway.client.post(url, content="tags=product:5")
    assert refused.status_code == 400
    assert "tags" in refused.json()["error"]
    assert gateway.client.get(url).status_code == 405


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("beginning", "part"),
    [
        (b"GET / HTTP/1.1\r\nHost:", b"a"),
        (b"GET / HTTP/1.1\r\nHost: shop\r\n", b"A: a\r\n"),
        (b"POST /api/reviews HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000\r\n\r\n{", b"a"),
        (b"POST /api/reviews HTTP/1.1\r\nHost: shop\r\n" + CHUNKED, b"1\r\na\r\n"),
        (b"POST /api/products/5 HTTP/1.1\r\nHost: shop\r\n" + CHUNKED, b"1\r\na\r\n"),
        (b"GET /api/products/5 HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000\r\n\r\n{", b"a"),
        (b"POST / HTTP/1.1\r\nHost: shop\r\n" + CHUNKED, b"1\r\na\r\n"),
    ],
)
def test_a_client_that_dribbles_its_request_is_cut_off(impatient: Gateway, beginning: bytes, part: bytes) -> None:
    """However regularly: what counts is the whole, and its origin never hears of it."""
    with socket.create_connection((impatient.address, flows.GATEWAY_PORT), timeout=0.2) as slow:
        slow.sendall(beginning)
        answer = b""

        def is_cut_off() -> bool:
            nonlocal answer
            try:
                slow.sendall(part)
                answer += (more := slow.recv(4096))
                return not more
            except TimeoutError:
                return False
            except OSError:
                return True

        eventually(is_cut_off, "the end of the connection")
    assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0]
    assert not impatient.api.seen
    assert not impatient.storefront.seen
    assert impatient.get("/").status_code == 200


def test_a_body_that_takes_its_time_arrives_whole(impatient: Gateway) -> None:
    """And leaves the connection for the next request."""
    with socket.create_connection((impatient.address, flows.GATEWAY_PORT), timeout=PATIENCE) as slow:
        for method in (b"POST", b"PUT", b"DELETE"):
            slow.sendall(method + b" /api/products/5 HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n{")
            time.sleep(0.1)
            slow.sendall(b"}")
            assert slow.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert [seen.method for seen in impatient.api.seen] == ["POST", "PUT", "DELETE"]


def test_a_client_that_does_not_read_is_cut_off(impatient: Gateway) -> None:
    impatient.api.answer = lambda _: StubResponse("x" * 2**24)  # more than the kernel holds for it
    with socket.create_connection((impatient.address, flows.GATEWAY_PORT), timeout=PATIENCE) as slow:
        slow.sendall(b"GET /api/cart HTTP/1.1\r\nHost: shop\r\n\r\n")

        def is_cut_off() -> bool:
            try:
                slow.sendall(b"G")
                return False
            except OSError:
                return True

        eventually(is_cut_off, "the end of the connection")
    assert impatient.get("/").status_code == 200


def test_a_body_beyond_the_limit_never_reaches_the_origin(gateway: Gateway) -> None:
    url = str(gateway.get("/api/cart").url)
    answer = gateway.client.put(url, content=b"x" * (Limits().body + 1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert f"{Limits().body} bytes" in answer.json()["detail"]
    assert all(seen.method != "PUT" for seen in gateway.api.seen)


def test_the_visitors_address_and_country_are_the_edges_word_only(gateway: Gateway, tmp_path: Path) -> None:
    claims = {"CF_Connecting_IP": "203.0.113.9", "X_Country": "US", "X_Forwarded_For": "203.0.113.9"}
    gateway.get("/api/products/5", **claims)
    trusted = gateway.api.seen[0].headers
    assert (trusted["x-real-ip"], trusted["x-forwarded-for"], trusted["x-country"]) == ("203.0.113.9",) * 2 + ("US",)
    elsewhere = GatewaySettings(limits=GENEROUS)
    with running_gateway(tmp_path, POLICY, elsewhere, edge_cidrs=("198.51.100.0/24",)) as direct:
        direct.get("/api/products/5", **claims)
        seen = direct.api.seen[0].headers
        direct.get("/api/products/7?limit=5&country=GB", **claims)
        direct.get("/api/cart?country=US")
        chosen = [request.headers["x-country"] for request in direct.api.seen[1:]]
    assert seen["x-real-ip"] == seen["x-forwarded-for"] != "203.0.113.9"
    assert seen["x-country"] == POLICY.countries.others
    assert chosen == ["GB", "US"], "without an edge the address is the visitor's own word"


def test_a_country_in_the_address_of_a_page_makes_few_answers(gateway: Gateway) -> None:
    def page(query: str) -> str:
        return gateway.get(f"/products{query}", X_Country="US").text

    assert len({page("?country=GB"), page(""), page("?country=US")}) == 3
    assert len({page(f"?country={made_up}") for made_up in ("", "XX", "gb", "FR", "GB1")} | {page("")}) == 1
    assert page("?sort=price&country=GB") == page("?country=GB&sort=price")
    # What the edge says of it is what counts: its own copies are told apart so.
    assert {seen.headers["x-country"] for seen in gateway.storefront.seen} == {"US"}


def test_a_client_that_hammers_is_told_to_slow_down(tmp_path: Path) -> None:
    strict = Limits.model_validate({"requests_per_second": 1, "burst": 3})
    for gateway in serve(tmp_path, POLICY, strict):
        answers = [gateway.get("/api/categories") for _ in range(8)]
        assert [answer.status_code for answer in answers[:4]] == [200] * 4
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert (refused.json()["status"], refused.headers["Retry-After"]) == (429, "1")


def test_a_request_that_is_refused_before_it_is_looked_at_is_counted_without_a_warning(tmp_path: Path) -> None:
    counted = 'gateway_requests_total{route="other",cache="none",status="400"} 1'
    with running_gateway(tmp_path, POLICY, GatewaySettings(limits=GENEROUS)) as gateway:
        with socket.create_connection((gateway.address, flows.GATEWAY_PORT), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b" 400 " in client.recv(4096)
        eventually(lambda: counted in gateway.metrics(), "each worker tells the others what it counted")
        assert "warn" not in (tmp_path / "nginx.log").read_text()
