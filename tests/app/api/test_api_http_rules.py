"""The rules of HTTP caching that the API keeps: negotiation, validators, keys, and the memory that holds answers."""

import contextlib
import gzip
import sys
import threading
import time
import tracemalloc
from random import randbytes

import brotli
import pytest

from app.api.metrics import EndpointCollector
from app.api.responses.coding import encode, negotiate
from app.api.responses.conditional import http_date, none_match_fails, seconds
from app.api.responses.context import Context
from app.api.responses.memory import Memory
from app.api.responses.stored import Ready, Stored
from app.api.responses.target import Targets, currency_of
from app.caching_policy import Route, load, parse
from testing.api_stack import ROOT
from testing.waits import meanwhile

POLICY = parse(
    """
version: 1
errors: {not_found_ttl: 120, server_error_ttl: 30}
bypass: {request_headers: [Authorization], request_cookies: [tier], response_headers: [Set-Cookie]}
routes:
  - {route: "/api/things/{product_id}", audience: public, browser_ttl: 60, edge_ttl: 60, api_ttl: 60, vary: [encoding],
     tags: ["thing:{product_id}"], purged_by: [product.updated]}
  - {route: /api/things, audience: public, api_ttl: 60, vary: [encoding], query: [page, sort]}
"""
)
ROUTE: Route = POLICY.routes[0]


def ready(body: bytes = b"x", *, tags: tuple[str, ...] = ("thing:1",), ttl: float = 60.0) -> Ready:
    stored = Stored.make(
        200, [(b"content-type", b"text/plain")], body, Context("EUR"), ttl=ttl, now=time.time(), cost=0.01
    )
    return Ready(stored, "identity", ROUTE, tags=tags, valid_until=time.time() + ttl, not_found_ttl=120)


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip, deflate, br, zstd", "br"),
        (b"gzip", "gzip"),
        (b"", "identity"),
        (b"*", "br"),
        (b"identity", "identity"),
        (b"br;q=0, gzip", "gzip"),
        (b"br;q=0.5, gzip;q=0.9", "gzip"),
        (b"br;q=0.1, gzip;q=1", "gzip"),
        (b"gzip;q=0.5, identity;q=0.9", "identity"),
        (b"GZIP", "gzip"),
        (b"br;q=nonsense", "identity"),
        (b"*;q=0", "identity"),
        (b"deflate", "identity"),
    ],
)
def test_9110_12_5_3_the_coding_that_the_client_likes_best(header: bytes, coding: str) -> None:
    assert negotiate(header) == coding


def test_every_coding_holds_the_same_body() -> None:
    body = b'{"name": "lamp"}' * 100
    coded = encode(body)
    assert gzip.decompress(coded["gzip"]) == brotli.decompress(coded["br"]) == coded["identity"] == body


def test_the_same_body_always_compresses_to_the_same_bytes() -> None:
    body = b'{"name": "lamp"}' * 100
    assert encode(body) == encode(body)


def test_small_bodies_are_not_compressed() -> None:
    assert set(encode(b"{}")) == {"identity"}


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        (b'"a"', True),
        (b'W/"a"', True),
        (b'"b", "a"', True),
        (b'"b" ,W/"a",', True),
        (b"*", True),
        (b'"b"', False),
        (b"a", False),
        (b'"a', False),
        (b'"A"', False),
        (b"", False),
        (b'"with,comma", "a"', True),
    ],
)
def test_9110_13_1_2_if_none_match_knows_lists_stars_and_weak_tags(header: bytes, matches: bool) -> None:
    assert none_match_fails(header, b'"a"') is matches


@pytest.mark.parametrize("text", [b"yesterday", b"", b"\xff", b"Sun, 99 Nov 2026 00:00:00 GMT"])
def test_9110_13_1_3_a_date_that_is_none_is_ignored(text: bytes) -> None:
    assert seconds(text) is None


def test_dates_survive_the_way_out_and_back() -> None:
    assert seconds(http_date(1_700_000_000)) == 1_700_000_000


def test_9110_8_8_3_each_coding_has_a_strong_etag_of_its_own() -> None:
    stored = Stored.make(200, [], b"lamp" * 500, Context("EUR"), ttl=60, now=time.time(), cost=0)
    tags = {
        Ready(stored, coding, ROUTE, tags=(), valid_until=0, not_found_ttl=0).etag
        for coding in ("br", "gzip", "identity")
    }
    assert len(tags) == 3
    assert all(tag.startswith(b'"') and tag.endswith(b'"') for tag in tags)


def test_a_process_keeps_the_one_body_whose_bytes_it_counts() -> None:
    stored = Stored.make(200, [], b"lamp" * 500, Context("EUR"), ttl=60, now=time.time(), cost=0)
    assert set(stored.bodies) == {"br", "gzip", "identity"}
    for coding, body in stored.bodies.items():
        kept = Ready(stored, coding, ROUTE, tags=(), valid_until=0, not_found_ttl=0).stored
        assert dict(kept.bodies) == {coding: body}


def test_what_was_stored_comes_back_the_same() -> None:
    stored = Stored.make(
        200,
        [(b"content-type", b"a/b")],
        b"lamp" * 500,
        Context("EUR", version=7),
        ttl=60,
        now=1_700_000_000.0,
        cost=0.5,
    )
    fields = stored.fields()
    assert Stored.from_fields(fields.pop("meta"), fields) == stored


@pytest.mark.parametrize("meta", [b"", b"{", b"[]", b"[1,2]", b'{"a": 1}', b"[200, 5, 5, 5, 5, 5, 5]"])
def test_what_cannot_be_read_is_a_miss_and_no_error(meta: bytes) -> None:
    assert Stored.from_fields(meta, {"identity": b"x"}) is None


def test_9110_8_8_2_last_modified_within_the_same_second_is_not_told() -> None:
    now = 1_700_000_000.5
    fresh = Stored.make(200, [], b"", Context("EUR", last_modified=1_700_000_000), ttl=1, now=now, cost=0)
    older = Stored.make(200, [], b"", Context("EUR", last_modified=1_699_999_999), ttl=1, now=now, cost=0)
    assert (fresh.last_modified, older.last_modified) == (None, 1_699_999_999)


def test_9111_5_1_age_grows_by_the_second() -> None:
    entry = ready()
    entry.refresh(entry.stored.stored_at + 5)
    assert (b"age", b"5") in entry.start["headers"]
    entry.refresh(entry.stored.stored_at + 7)
    assert (b"age", b"7") in entry.start["headers"]


def test_a_304_repeats_what_caches_need_and_no_content_headers() -> None:
    entry = ready()
    entry.refresh(time.time())
    names = {name for name, _ in entry.not_modified["headers"]}
    assert {b"cache-control", b"etag", b"vary"} <= names
    assert {name for name in names if name.startswith(b"content-")} == {b"content-security-policy"}


def test_memory_never_holds_more_bytes_than_its_limit() -> None:
    memory = Memory(10_000)
    for number in range(100):
        memory.put(number, ready(b"x" * 500), memory.moment)
        assert memory.size <= 10_000
    assert memory.get(99) is not None
    assert memory.get(0) is None
    assert memory.counts.evictions > 0


@pytest.mark.parametrize("size", [300, 900, 20_000])
def test_memory_counts_what_its_answers_really_take(size: int) -> None:
    stored = entry = None
    memory, route = Memory(64 * 2**20), load(ROOT / "app" / "caching.yaml").match("GET", "/api/products/1")
    assert route is not None
    tracemalloc.start()
    try:
        for number in range(500):
            context = Context("EUR", version=number, last_modified=1_700_000_000 + number)
            headers = [(b"content-type", b"application/json")]
            stored = Stored.make(200, headers, randbytes(size), context, ttl=300, now=time.time(), cost=0.01)
            tags = (f"product:{number}", "catalogue")
            entry = Ready(stored, "identity", route.route, tags=tags, valid_until=0, not_found_ttl=120)
            entry.refresh(time.time())
            memory.put((f"cache:response:/api/products/{number}:v2.EUR.free", "identity"), entry, memory.moment)
        stored = entry = None
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.7 * memory.size < taken < 1.2 * memory.size


def test_memory_is_filled_by_one_thread_while_another_one_reads() -> None:
    """Entries come and go while they are touched, with as many changes of threads as Python makes."""
    memory, usual = Memory(200_000), sys.getswitchinterval()

    def touch(over: threading.Event) -> None:
        while not over.is_set():
            for number in range(100):
                if memory.get(number) is not None:
                    with contextlib.suppress(KeyError):
                        memory.touch(number)

    entry = ready()
    sys.setswitchinterval(1e-6)
    try:
        with meanwhile(touch):
            for number in range(50_000):
                memory.put(number % 100, entry, memory.moment)
    finally:
        sys.setswitchinterval(usual)
    assert memory.size == len(memory) * entry.size
    memory.clear()
    assert (memory.size, len(memory)) == (0, 0)


def test_what_is_used_stays_longest() -> None:
    memory = Memory(3 * ready().size)
    for number in range(3):
        memory.put(number, ready(), memory.moment)
    memory.touch(0)
    memory.put(3, ready(), memory.moment)
    assert memory.get(0) is not None
    assert memory.get(1) is None


def test_a_purge_forgets_the_tag_and_nothing_else() -> None:
    memory = Memory(100_000)
    memory.put("one", ready(tags=("thing:1",)), memory.moment)
    memory.put("two", ready(tags=("thing:2",)), memory.moment)
    memory.purge(["thing:1"])
    assert memory.get("one") is None
    assert memory.get("two") is not None


def test_a_value_read_before_a_purge_is_not_kept_after_it() -> None:
    memory = Memory(100_000)
    since = memory.moment
    memory.purge(["thing:1"])
    assert memory.put("one", ready(), since) is False
    assert memory.put("one", ready(), memory.moment) is True


def test_a_value_read_before_everything_was_forgotten_is_not_kept_after_it() -> None:
    memory = Memory(100_000)
    since = memory.moment
    memory.clear()
    assert memory.put("one", ready(tags=("never-seen-before",)), since) is False


@pytest.fixture
def targets() -> Targets:
    return Targets(POLICY, EndpointCollector())


def test_parameters_that_do_not_count_make_no_new_key(targets: Targets) -> None:
    plain = targets.read("/api/things", b"page=2")
    assert targets.read("/api/things", b"utm_source=mail&page=2&_=123").key == plain.key


def test_order_of_parameters_makes_no_new_key(targets: Targets) -> None:
    assert targets.read("/api/things", b"sort=a&page=2").key == targets.read("/api/things", b"page=2&sort=a").key


def test_different_values_have_different_keys(targets: Targets) -> None:
    keys = {targets.read("/api/things", query).key for query in (b"", b"page=1", b"page=2", b"page=1%262", b"sort=1")}
    assert len(keys) == 5


def test_bytes_that_are_no_text_do_no_harm(targets: Targets) -> None:
    assert targets.read("/api/things", b"page=%ff\xfe").cacheable


def test_made_up_countries_make_no_new_variants() -> None:
    assert {currency_of(country) for country in (b"US", b"us", b"GB", b"DE", b"", b"\xff", b"XX; DROP")} == {
        "USD",
        "GBP",
        "EUR",
    }


def test_endpoint_labels_stay_few(targets: Targets) -> None:
    labels = {targets.read(f"/api/anything/{number}", b"").stats.endpoint for number in range(100)}
    assert labels == {"unlisted"}
