"""What HTTP asks of a shared cache, at the gateway. Each test names its section of RFC 9110 (semantics), 9111
(caching) or 9211 (Cache-Status)."""

import email.utils
import itertools
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.caching_policy import load, parse
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes import flows
from testing.api_stack import ROOT
from testing.conditional_requests import CONDITIONS, MODIFIED, TAG
from testing.gateway_server import Gateway, StubResponse, running_gateway

POLICY = load(ROOT / "app" / "caching.yaml")
GENEROUS = Limits.model_validate({"requests_per_second": 10_000, "burst": 10_000, "connections": 1000})
OLD = "Sat, 01 Jan 2000 00:00:00 GMT"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), POLICY, GatewaySettings(limits=GENEROUS)) as running:
        yield running


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    numbers = itertools.count(1)
    for origin in (shared.api, shared.storefront):
        origin.seen.clear()
        origin.answer = lambda _: StubResponse(f"answer {next(numbers)}")
    shared.purge(everything=True)
    return shared


def raw(gateway: Gateway, request: bytes) -> str:
    with socket.create_connection((gateway.address, flows.GATEWAY_PORT), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer.decode("latin-1")


def age_of(date: str) -> float:
    return time.time() - email.utils.parsedate_to_datetime(date).timestamp()


@pytest.mark.parametrize("target", ["/api/products/5", "/products/5"])
def test_9111_5_1_a_purged_shield_answers_as_the_origin_without_age_and_with_a_current_date(
    gateway: Gateway, target: str
) -> None:
    aged = StubResponse("body", headers={"Age": "200", "Date": OLD})
    gateway.api.answer = gateway.storefront.answer = lambda _: aged
    for _ in range(2):
        answer = gateway.get(target)
        assert "Age" not in answer.headers
        assert age_of(answer.headers["Date"]) < 60


def test_9111_4_2_4_what_the_api_serves_past_its_time_keeps_its_age_and_gets_no_second_life(gateway: Gateway) -> None:
    numbers = itertools.count(1)
    stale = {"Age": "400", "Cache-Status": "simone-api; hit; ttl=-100; detail=stale-if-error"}
    gateway.api.answer = lambda _: StubResponse(f"{next(numbers)}", headers=stale)
    first, second = gateway.get("/api/products/5"), gateway.get("/api/products/5")
    assert first.text != second.text
    assert first.headers["Age"] == "400"


@pytest.mark.parametrize("target", ["/products/5", "/api/products/5"])
@pytest.mark.parametrize("ban", ["private, no-store", "no-store", "private"])
def test_9111_5_2_2_what_an_origin_forbids_is_never_made_public(gateway: Gateway, target: str, ban: str) -> None:
    edge = {"Cache-Control": ban, "Cloudflare-CDN-Cache-Control": "max-age=300", "Cache-Tag": "x"}
    gateway.api.answer = gateway.storefront.answer = lambda _: StubResponse("{}", headers=edge)
    for _ in range(2):
        answer = gateway.get(target)
        assert answer.headers["Cache-Control"] == ban
        assert not {"cloudflare-cdn-cache-control", "cache-tag"} & answer.headers.keys()
        assert "stored" not in answer.headers["Cache-Status"]


@pytest.mark.parametrize("target", ["/products/5", "/search", "/account/orders", "/api/cart", "/sw.js"])
def test_a_client_cant_speak_for_a_frameworks_own_parts(gateway: Gateway, target: str) -> None:
    internal = ["x-middleware-prefetch", "x-middleware-subrequest", "x-nextjs-data", "x-matched-path", "x-invoke-path"]
    gateway.get(target, **{name.replace("-", "_"): "1" for name in internal})
    (seen,) = gateway.storefront.seen or gateway.api.seen
    assert not {*internal} & seen.headers.keys()


def test_9111_4_1_an_answer_that_depends_on_what_the_key_lacks_is_passed_on_with_its_vary(gateway: Gateway) -> None:
    numbers = itertools.count(1)
    gateway.storefront.answer = lambda _: StubResponse(f"{next(numbers)}", headers={"Vary": "Accept-Encoding, X-Beta"})
    first, second = gateway.get("/products/5"), gateway.get("/products/5")
    assert first.text != second.text
    names = [name.strip().lower() for name in first.headers["Vary"].split(",")]
    assert {"x-beta", "rsc", "accept-encoding"} <= set(names)
    assert len(names) == len(set(names))
    assert first.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "vary", ["*", "Accept-Encoding, *", "*, Accept-Encoding", ",*", ("", "*"), ("RSC", "X-Beta, *")]
)
def test_9110_12_5_5_vary_with_a_star_is_stored_by_nobody(gateway: Gateway, vary: str | tuple[str, ...]) -> None:
    numbers = itertools.count(1)
    gateway.api.answer = lambda _: StubResponse(f"{next(numbers)}", headers={"Vary": vary})
    assert gateway.get("/api/products/5").text != gateway.get("/api/products/5").text


@pytest.mark.parametrize("target", ["/products/5", "/api/products/5"])
@pytest.mark.parametrize(
    "ban",
    [
        {"Cache-Control": "No-StOrE"},
        {"Cache-Control": 'PRIVATE="Set-Cookie"'},
        {"Cache-Control": ("max-age=60", "no-store")},
        {"Cache-Control": "max-age=60,no-cache"},
        {"Cache-Control": 'no-cache="X-Name"'},
        {"CDN-Cache-Control": "no-store", "Cache-Control": "max-age=60"},
        {"CDN-Cache-Control": "private", "Cache-Control": "max-age=60"},
    ],
    ids=str,
)
def test_9111_5_2_2_a_ban_counts_however_it_is_written(
    gateway: Gateway, target: str, ban: dict[str, str | tuple[str, ...]]
) -> None:
    numbers = itertools.count(1)
    gateway.api.answer = gateway.storefront.answer = lambda _: StubResponse(f"{next(numbers)}", headers=ban)
    first, second = gateway.get(target), gateway.get(target)
    assert first.text != second.text
    assert {"private", "no-store"} & set(re.findall("[a-z-]+", first.headers["Cache-Control"].lower()))
    assert "stored" not in first.headers["Cache-Status"]


def test_9111_5_2_2_4_the_policys_own_no_cache_is_the_browsers_alone(gateway: Gateway) -> None:
    said = {"Cache-Control": "public, no-cache", "Cloudflare-CDN-Cache-Control": "max-age=120"}
    numbers = itertools.count(1)
    gateway.api.answer = lambda _: StubResponse(f"{next(numbers)}", headers=said)
    first, second = (gateway.get("/api/products/5/inventory") for _ in range(2))
    assert (first.text, second.headers["Cache-Control"]) == (second.text, "public, no-cache")


@pytest.mark.parametrize("words", ["as-yet-unheard-of", 'max-age="60"', "max-age=-5", "public;max-age=60", "=", ",,"])
def test_9111_5_2_3_directives_that_mean_nothing_here_change_nothing(gateway: Gateway, words: str) -> None:
    gateway.api.answer = lambda _: StubResponse(headers={"Cache-Control": words, "Expires": "0", "Pragma": "no-cache"})
    gateway.get("/api/products/5")
    assert "gateway; hit" in gateway.get("/api/products/5").headers["Cache-Status"]


@pytest.mark.parametrize("said", ["no-cache", "no-store", "max-age=0", "only-if-cached", "max-stale"])
def test_9111_5_2_1_a_request_costs_the_origin_nothing_whatever_it_asks_of_caches(gateway: Gateway, said: str) -> None:
    first = gateway.get("/api/products/5")
    assert gateway.get("/api/products/5", Cache_Control=said, Pragma="no-cache").text == first.text
    assert len(gateway.api.seen) == 1


def test_9111_3_1_headers_that_nobody_knows_are_kept_with_the_answer(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse(headers={"X-Unheard-Of": "1", "Content-Foo": "2"})
    for _ in range(2):
        answer = gateway.get("/api/products/5")
        assert (answer.headers["X-Unheard-Of"], answer.headers["Content-Foo"]) == ("1", "2")


@pytest.mark.parametrize("target", ["/api/products/5", "/api/cart"])
def test_9110_7_6_1_what_connection_names_ends_at_the_gateway(gateway: Gateway, target: str) -> None:
    gateway.api.answer = lambda _: StubResponse(headers={"Connection": "X-Hop", "X-Hop": "1", "X-End": "2"})
    for _ in range(2):
        answer = gateway.get(target, Connection="keep-alive, X-Mine", X_Mine="1")
        assert "x-hop" not in answer.headers
        assert answer.headers["X-End"] == "2"
    assert all("x-mine" not in seen.headers for seen in gateway.api.seen)


@pytest.mark.parametrize("target", ["/api/products/5", "/products/5", "/api/cart", "/account/orders"])
def test_9110_7_6_3_those_behind_are_told_of_the_gateway(gateway: Gateway, target: str) -> None:
    gateway.get(target, Via="1.0 fred")
    (seen,) = gateway.storefront.seen or gateway.api.seen
    assert seen.headers["via"] == "1.0 fred, HTTP/1.1 gateway"


@pytest.mark.parametrize("status", [201, 204, 206, 302, 303, 307, 400, 403, 405, 451, 502, 503, 504, 599])
def test_9111_3_a_status_that_the_policy_gives_no_time_is_not_stored(gateway: Gateway, status: int) -> None:
    said = {"Cache-Control": "max-age=600", "Last-Modified": OLD, "Content-Range": "bytes 0-3/9"}
    gateway.api.answer = lambda _: StubResponse("" if status == 204 else "body", status=status, headers=said)
    for _ in range(2):
        assert "stored" not in gateway.get("/api/products/5").headers.get("Cache-Status", "")
    assert len(gateway.api.seen) == 2


def test_9111_3_3_an_answer_that_breaks_off_is_not_kept(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("half", missing=100)
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.get("/api/products/5")
    gateway.api.answer = lambda _: StubResponse("whole")
    assert gateway.get("/api/products/5").text == "whole"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_9111_4_only_a_reading_request_is_answered_from_the_store(gateway: Gateway, method: str) -> None:
    gateway.get("/api/products/5")
    gateway.client.request(method, f"http://{gateway.address}:{flows.GATEWAY_PORT}/api/products/5")
    assert [seen.method for seen in gateway.api.seen] == ["GET", method]


def test_9111_2_a_key_is_the_whole_address_with_its_host(gateway: Gateway) -> None:
    targets = ["/api/products?limit=5", "/api/products?limit=6", "/api/products", "/api/products?limit=5&sort=price"]
    assert len({gateway.get(target).text for target in targets}) == len(targets)
    assert gateway.get("/api/products", Host="other.example").text != gateway.get("/api/products").text


def test_9110_9_3_2_head_is_answered_from_what_get_has_stored(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("the whole")
    url = f"http://{gateway.address}:{flows.GATEWAY_PORT}/api/products/5"
    for _ in range(2):
        head = gateway.client.head(url)
        assert (head.text, head.headers["Content-Length"]) == ("", str(len("the whole")))
    assert gateway.get("/api/products/5").text == "the whole"
    assert [seen.method for seen in gateway.api.seen] == ["GET"]


@pytest.mark.parametrize(("condition", "status"), CONDITIONS, ids=str)
@pytest.mark.parametrize("stored", [False, True], ids=["miss", "hit"])
def test_9110_13_2_2_conditions_are_judged_in_their_order(
    gateway: Gateway, condition: dict[str, str], status: int, stored: bool
) -> None:
    gateway.api.answer = lambda _: StubResponse("body", headers={"ETag": TAG, "Last-Modified": MODIFIED})
    if stored:
        gateway.get("/api/products/5")
    answer = gateway.get("/api/products/5", **condition)
    assert answer.status_code == status
    assert not {name for name in gateway.api.seen[0].headers if name.startswith("if-")}
    if status == 304:
        assert answer.headers["ETag"] == TAG
        assert not {"content-length", "content-type"} & answer.headers.keys()
        assert answer.text == ""


def test_9110_15_4_5_a_304_repeats_what_the_answer_would_say(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse(
        "body", headers={"ETag": '"v1"', "Content-Location": "/products/5"}
    )
    whole = gateway.get("/products/5")
    unchanged = gateway.get("/products/5", If_None_Match='"v1"')
    assert unchanged.status_code == 304
    for name in ("Cache-Control", "Content-Location", "ETag", "Vary", "Cloudflare-CDN-Cache-Control"):
        assert unchanged.headers[name] == whole.headers[name]
    assert age_of(unchanged.headers["Date"]) < 60


def test_9111_3_4_a_part_is_made_of_the_whole_that_is_stored(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse("a picture", headers={"ETag": '"v1"', "Accept-Ranges": "bytes"})
    for _ in range(2):
        part = gateway.get("/images/a.svg", Range="bytes=2-4")
        assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "pic", "bytes 2-4/9")
    assert gateway.get("/images/a.svg").text == "a picture"
    assert ["range" in seen.headers for seen in gateway.storefront.seen] == [False]
    beyond = gateway.get("/images/a.svg", Range="bytes=99-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */9")
    assert gateway.get("/images/a.svg", Range="lines=1-2").status_code == 200


@pytest.mark.parametrize("header", ["Authorization", "X-Admin-Update"])
def test_9111_3_5_an_answer_to_somebody_who_says_who_they_are_is_theirs(gateway: Gateway, header: str) -> None:
    gateway.api.answer = lambda seen: StubResponse(
        str(seen.headers.get(header.lower())), headers={"Cache-Control": "public"}
    )
    assert gateway.get("/api/products/5", **{header.replace("-", "_"): "me"}).text == "me"
    assert gateway.get("/api/products/5").text == "None"


def test_9111_4_3_4_what_has_expired_is_fetched_whole_with_the_headers_of_now(tmp_path: Path) -> None:
    short = parse(
        "version: 1\nerrors: {not_found_ttl: 1, server_error_ttl: 1}\n"
        "bypass: {request_headers: [], request_cookies: [], response_headers: []}\n"
        'routes: [{route: "/api/brief/{name}", audience: public, shield_ttl: 1}]\n'
    )
    numbers = itertools.count(1)
    with running_gateway(tmp_path, short, GatewaySettings(limits=GENEROUS)) as brief:
        brief.api.answer = lambda seen: StubResponse(
            "same", 304 if "if-none-match" in seen.headers else 200, {"ETag": '"v1"', "X-Number": str(next(numbers))}
        )
        brief.get("/api/brief/a")
        time.sleep(2.1)
        assert brief.get("/api/brief/a").headers["X-Number"] == "2"


def test_9211_2_each_cache_that_handled_a_request_has_one_entry_and_says_stored_for_what_was(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("body", headers={"Cache-Status": "simone-api; fwd=miss; stored"})
    assert gateway.get("/api/products/5").headers["Cache-Status"] == (
        "simone-api; fwd=miss; stored, gateway; fwd=uri-miss; stored"
    )
    assert gateway.get("/api/products/5").headers["Cache-Status"].startswith("gateway; hit; ttl=")
    gateway.api.answer = lambda _: StubResponse("busy", status=503)
    assert gateway.get("/api/products/6").headers["Cache-Status"] == "gateway; fwd=uri-miss"


def test_9110_13_1_3_the_date_means_nothing_beside_an_entity_tag(gateway: Gateway) -> None:
    gateway.api.answer = lambda _: StubResponse("body", headers={"ETag": '"v1"', "Last-Modified": OLD})
    gateway.get("/api/products/5")
    later = "Sun, 02 Jan 2000 00:00:00 GMT"
    assert gateway.get("/api/products/5", If_None_Match='"v1"', If_Modified_Since=later).status_code == 304
    assert gateway.get("/api/products/5", If_None_Match='"v2"', If_Modified_Since=OLD).status_code == 200


@pytest.mark.parametrize(
    ("condition", "status"), [({"Range": "bytes=99999-"}, 416), ({"If_Match": '"other"'}, 412)], ids=["416", "412"]
)
@pytest.mark.parametrize("target", ["/api/products/5", "/images/a.svg"])
def test_9110_15_5_a_refusal_made_of_a_stored_answer_is_nobodys_to_keep(
    gateway: Gateway, target: str, condition: dict[str, str], status: int
) -> None:
    stored = {"ETag": '"v1"', "Accept-Ranges": "bytes", "Cloudflare-CDN-Cache-Control": "max-age=300"}
    gateway.api.answer = gateway.storefront.answer = lambda _: StubResponse("body", headers=stored)
    gateway.get(target)
    answer = gateway.get(target, **condition)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
    assert not {"cloudflare-cdn-cache-control", "cache-tag"} & answer.headers.keys()


@pytest.mark.parametrize("target", ["/_next/image?url=%2Fx&w=1&q=1", "/products/5"])
def test_an_error_of_the_origin_never_leaves_with_an_edge_lifetime(gateway: Gateway, target: str) -> None:
    gateway.storefront.answer = lambda _: StubResponse(
        "no", status=400, headers={"Cache-Control": "public, max-age=60", "Cloudflare-CDN-Cache-Control": "max-age=9"}
    )
    answer = gateway.get(target)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "cloudflare-cdn-cache-control" not in answer.headers


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /products/5 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /products/5 HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        b"POST /api/reviews HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    ],
    ids=["no host", "two hosts", "malformed chunk"],
)
def test_9112_what_isnt_http_is_a_400_that_nobody_keeps(gateway: Gateway, request_text: bytes) -> None:
    head = raw(gateway, request_text).partition("\r\n\r\n")[0].lower()
    assert head.startswith("http/1.1 400")
    assert "no-store" in head


def test_more_parameters_than_anybody_means_are_refused_not_ignored(gateway: Gateway) -> None:
    query = "&".join(f"p{number}=1" for number in range(101))
    refused = gateway.get(f"/api/products?{query}&limit=5")
    assert (refused.status_code, refused.headers["Cache-Control"]) == (400, "no-store")
    assert "100" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ("br;q=0.1, gzip;q=1", "gzip"),
        ("gzip, br", "br"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("identity;q=1, gzip;q=0.5", None),
        ("GZIP;Q=0.5", "gzip"),
        ("*;q=0", None),
    ],
)
def test_9110_12_5_3_the_coding_that_the_client_likes_best(gateway: Gateway, accepted: str, asked: str | None) -> None:
    gateway.get("/api/products/5", Accept_Encoding=accepted)
    assert gateway.api.seen[0].headers.get("accept-encoding") == asked


def test_9110_8_8_3_a_page_in_a_coding_has_no_strong_tag_of_the_page_as_it_is(gateway: Gateway) -> None:
    coded = {"ETag": '"v1"', "Content-Encoding": "x-none"}
    gateway.storefront.answer = lambda _: StubResponse("body", headers=coded)
    for _ in range(2):
        assert gateway.get("/products/5").headers["ETag"] == 'W/"v1"'
    assert gateway.get("/products/5", If_None_Match='W/"v1"').status_code == 304


def test_9110_13_1_5_a_weak_tag_gets_no_part(gateway: Gateway) -> None:
    gateway.storefront.answer = lambda _: StubResponse("a picture", headers={"ETag": '"v1"', "Accept-Ranges": "bytes"})
    gateway.get("/images/a.svg")
    assert gateway.get("/images/a.svg", Range="bytes=0-1", If_Range='"v1"').status_code == 206
    assert gateway.get("/images/a.svg", Range="bytes=0-1", If_Range='W/"v1"').status_code == 200
