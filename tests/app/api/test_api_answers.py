"""What the API promises its clients, on real servers: caching by the RFCs, fresh reads after writes, safe input."""

import asyncio
import base64
import contextlib
import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.caching_policy import LISTED_AT_MOST
from app.database.catalogue import DEMO_PASSWORD
from testing.api_stack import ADMIN_TOKEN, Api, Stack, running_stack
from testing.waits import PATIENCE, eventually

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def apis(stack: Stack) -> list[Api]:
    """Two processes that share Redis and Postgres, as two pods do. Cookies go over plain http here.

    Time limits are wide: what is promised beyond them is something else (test_api_failures.py), and a busy test machine
    stands still for longer than a server may.
    """
    patient = {"REDIS_TIMEOUT_SECONDS": "2", "PURGE_SECONDS": "5"}
    started = [stack.api(wait=False, COOKIE_SECURE="0", WARM_PRODUCTS="0", **patient) for _ in range(2)]
    for api in started:
        stack.wait_for(api)
    return started


@pytest.fixture
def client(apis: list[Api]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=apis[0].url) as client:
        yield client


@pytest.fixture
def other(apis: list[Api]) -> Iterator[httpx.Client]:
    """Another process of the API."""
    with httpx.Client(base_url=apis[1].url) as client:
        yield client


def email(stack: Stack, user_id: int) -> str:
    return stack.sql(f"SELECT email FROM users WHERE id = {user_id}")


def sign_in(stack: Stack, client: httpx.Client, user_id: int) -> httpx.Response:
    # Only the first users of the sample data have a password: theirs works for everybody's account.
    stack.sql(f"UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = 1) WHERE id = {user_id}")
    answer = client.post("/api/session", json={"email": email(stack, user_id), "password": DEMO_PASSWORD})
    assert answer.status_code == 201, answer.text
    return answer


def the_stock_of(product_id: int, client: httpx.Client, stack: Stack) -> Callable[[int], None]:
    """Sets how many pieces of it there are, all in one warehouse."""
    warehouse = stack.sql(f"SELECT warehouse FROM inventory WHERE product_id = {product_id} ORDER BY id LIMIT 1")
    stack.sql(f"UPDATE inventory SET quantity = 0 WHERE product_id = {product_id} AND warehouse <> '{warehouse}'")

    def set_to(quantity: int) -> None:
        change = {"warehouse": warehouse, "quantity": quantity}
        client.patch(f"/api/products/{product_id}/inventory", json=change, headers=ADMIN).raise_for_status()

    return set_to


# --- caching ---------------------------------------------------------------------------------------------------------


def test_the_second_request_is_a_hit_with_its_age(client: httpx.Client) -> None:
    first, second = client.get("/api/products/11"), client.get("/api/products/11")
    assert "fwd=miss" in first.headers["cache-status"]
    assert "hit" in second.headers["cache-status"]
    assert "age" in second.headers
    assert first.content == second.content


def test_what_one_process_stored_another_finds_in_redis(client: httpx.Client, other: httpx.Client) -> None:
    client.get("/api/products/12")
    assert "detail=redis" in other.get("/api/products/12").headers["cache-status"]


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_each_coding_is_its_own_representation(client: httpx.Client, coding: str) -> None:
    answer = client.get("/api/categories", headers={"accept-encoding": coding})
    assert answer.headers.get("content-encoding", "identity") == coding
    assert answer.headers["etag"].endswith(f'-{coding}"')
    assert "Accept-Encoding" in answer.headers["vary"]


def test_a_validator_of_the_same_coding_gives_304_and_of_another_200(client: httpx.Client) -> None:
    brotli = client.get("/api/categories", headers={"accept-encoding": "br"}).headers["etag"]
    same = client.get("/api/categories", headers={"accept-encoding": "br", "if-none-match": f'"x", W/{brotli}'})
    another = client.get("/api/categories", headers={"accept-encoding": "gzip", "if-none-match": brotli})
    assert (same.status_code, another.status_code) == (304, 200)
    assert same.content == b""
    assert {"etag", "cache-control", "vary"} <= set(same.headers)


def test_another_products_validator_gives_200(client: httpx.Client) -> None:
    etag = client.get("/api/products/11").headers["etag"]
    assert client.get("/api/products/12", headers={"if-none-match": etag}).status_code == 200


def test_if_modified_since_counts_only_without_if_none_match(client: httpx.Client) -> None:
    date = client.get("/api/products/11").headers["last-modified"]
    assert client.get("/api/products/11", headers={"if-modified-since": date}).status_code == 304
    both = {"if-modified-since": date, "if-none-match": '"other"'}
    assert client.get("/api/products/11", headers=both).status_code == 200


@pytest.mark.parametrize("path", ["/api/products/11", "/api/products/99999", "/api/cart", "/health", "/api/nope"])
def test_9110_9_3_2_head_is_get_without_the_body(client: httpx.Client, path: str) -> None:
    client.get(path)
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control", "vary"):
        assert head.headers.get(name) == get.headers.get(name)


def test_unknown_parameters_share_the_answer(client: httpx.Client) -> None:
    first = client.get("/api/products?limit=7&utm_source=a")
    second = client.get("/api/products?utm_medium=b&limit=7")
    assert "hit" in second.headers["cache-status"]
    assert first.headers["etag"] == second.headers["etag"]


def test_a_missing_product_is_remembered_as_missing(client: httpx.Client) -> None:
    client.get("/api/products/424242")
    again = client.get("/api/products/424242")
    assert again.status_code == 404
    assert "hit" in again.headers["cache-status"]


def test_countries_have_prices_in_their_own_currency(client: httpx.Client) -> None:
    currencies = [
        client.get("/api/products/13", headers={"x-country": country}).json()["currency"]
        for country in ("DE", "US", "GB", "FR", "US", "XX")
    ]
    assert currencies == ["EUR", "USD", "GBP", "EUR", "USD", "EUR"]


def test_an_answer_to_an_authorized_request_is_not_stored(client: httpx.Client) -> None:
    answer = client.get("/api/products/14", headers=ADMIN)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "fwd=miss" in client.get("/api/products/14").headers["cache-status"]


@pytest.mark.parametrize("path", ["/api/nope", "/nope", "/api/products/1/nope"])
def test_an_unlisted_route_is_never_stored(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"


def test_redis_never_holds_an_answer_of_a_private_route(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 2)
    for path in ("/api/cart", "/api/session", "/api/users/2/orders", "/api/users/2/preferences"):
        assert client.get(path).headers["cache-control"] == "private, no-store"
    for pair in ("data", "computed"):
        keys: Any = stack.redis.master(pair).client().keys("cache:response:*")
        assert not [key for key in keys if b"cart" in key or b"session" in key or b"orders" in key or b"pref" in key]


def test_a_profile_is_cached_for_its_user_and_refused_to_others(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 3)
    first, second = client.get("/api/users/3"), client.get("/api/users/3")
    assert second.headers["cache-control"] == "private, no-cache"
    assert "hit" in second.headers["cache-status"]
    assert first.json() == second.json()
    assert client.get("/api/users/4").status_code == 403
    assert httpx.get(f"{client.base_url}/api/users/3").status_code == 401


def test_a_thousand_simultaneous_misses_cost_one_query(stack: Stack, apis: list[Api]) -> None:
    stack.sql("SELECT pg_stat_statements_reset()")

    async def flood() -> list[int]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            urls = [f"{api.url}/api/products?sort=rating&limit=17" for api in apis for _ in range(100)]
            return [answer.status_code for answer in await asyncio.gather(*map(client.get, urls))]

    assert set(asyncio.run(flood())) == {200}
    calls = stack.sql(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%products.list.all.rating.first%'"
    )
    assert int(calls) == 1


def test_the_most_popular_products_are_there_before_anybody_asks(stack: Stack) -> None:
    top = stack.sql(
        "SELECT id FROM products WHERE status = 'active' ORDER BY popularity DESC, id DESC LIMIT 20"
    ).split()
    node = stack.redis.master("data").client()
    entities = [f"cache:product:{product_id}:v2.with_inventory" for product_id in top]
    answers = [f"cache:response:/api/products/{product_id}:v2.EUR.free" for product_id in top]
    node.delete(*entities, *answers)
    warmed = stack.api(wait=False, COOKIE_SECURE="0", WARM_PRODUCTS="20", REDIS_TIMEOUT_SECONDS="2")
    try:
        stack.wait_for(warmed)
        eventually(lambda: node.exists(*entities, *answers) == 40, "warming")
        assert "fwd=miss" not in httpx.get(f"{warmed.url}/api/products/{top[-1]}").headers["cache-status"]
        # The entity's own TTL and its stale minute, less than the specification's 24 hours.
        assert all(3600 * 0.9 < node.ttl(key) <= 3660 for key in entities)  # pyright: ignore[reportOperatorIssue]
        assert len({node.ttl(key) for key in entities}) > 5
    finally:
        warmed.stop()


# --- writes ----------------------------------------------------------------------------------------------------------


def test_a_read_after_a_writes_answer_is_fresh_in_every_process(client: httpx.Client, other: httpx.Client) -> None:
    for number in range(20):
        for reader in (client, other):
            reader.get("/api/products/21")
            reader.get("/api/products/21")
        name = f"Lamp {number}"
        assert client.put("/api/products/21", json={"name": name}, headers=ADMIN).status_code == 200
        assert {reader.get("/api/products/21").json()["name"] for reader in (client, other)} == {name}


def test_a_purge_leaves_other_products_alone(client: httpx.Client) -> None:
    client.get("/api/products/22")
    client.put("/api/products/23", json={"name": "Another"}, headers=ADMIN)
    assert "hit" in client.get("/api/products/22").headers["cache-status"]


def test_a_changed_stock_shows_at_once(client: httpx.Client, other: httpx.Client, stack: Stack) -> None:
    other.get("/api/products/24/inventory")
    warehouse = stack.sql("SELECT warehouse FROM inventory WHERE product_id = 24 ORDER BY id LIMIT 1")
    change = {"warehouse": warehouse, "quantity": 777}
    total = client.patch("/api/products/24/inventory", json=change, headers=ADMIN).json()["quantity"]
    assert other.get("/api/products/24/inventory").json()["quantity"] == total
    assert other.get("/api/products/24").json()["stock"] == total


def test_stock_that_runs_low_shows_in_the_listings_with_it_and_purges_no_other(
    client: httpx.Client, other: httpx.Client, stack: Stack
) -> None:
    shown = "/api/products?sort=price&limit=5"
    cheapest, elsewhere = client.get(shown).json()["items"][0], "/api/products?category_id={}"
    unrelated = elsewhere.format(cheapest["category_id"] % 60 + 1)
    stock_is = the_stock_of(cheapest["id"], client, stack)
    for quantity in (50, 3, 0, 9):
        for reader in (client, other):
            reader.get(unrelated)
        stock_is(quantity)
        for reader in (client, other):
            assert reader.get(shown).json()["items"][0]["stock"] == min(quantity, 10)
            assert "hit" in reader.get(unrelated).headers["cache-status"]
    assert f"listed:{cheapest['id']}" in client.get(shown).headers["cache-tag"].split(",")


def test_a_search_has_the_tags_of_what_it_found(client: httpx.Client) -> None:
    found = client.get("/api/search?q=lamp&limit=5")
    tags = [f"listed:{item['id']}" for item in found.json()["items"]]
    assert tags
    assert found.headers["cache-tag"].split(",") == ["products", *tags]
    assert "x-lists" not in found.headers


def test_what_is_sold_out_leaves_what_shows_only_the_rest_and_comes_back(
    client: httpx.Client, other: httpx.Client, stack: Stack
) -> None:
    category = "category_id=7&in_stock=true"
    listing, facets = f"/api/products?{category}&limit=5", f"/api/facets?{category}"
    first = client.get(listing).json()["items"][0]["id"]
    stock_is = the_stock_of(first, client, stack)
    for quantity, there in ((0, False), (50, True), (0, False), (3, True)):
        for reader in (client, other):
            reader.get(facets)
        stock_is(quantity)
        for reader in (client, other):
            assert (first in {item["id"] for item in reader.get(listing).json()["items"]}) is there


def test_a_range_of_prices_is_in_the_visitors_own_currency(client: httpx.Client) -> None:
    for country, currency in (("DE", "EUR"), ("US", "USD"), ("GB", "GBP")):
        answer = client.get("/api/products?price_from=2500&price_to=5000&limit=200", headers={"x-country": country})
        prices = {(item["currency"], 2500 <= item["price"] < 5000) for item in answer.json()["items"]}
        assert prices == {(currency, True)}


def test_all_that_a_listing_can_be_narrowed_down_to_leaves_something(client: httpx.Client) -> None:
    facets = client.get("/api/facets?q=lamp&rating=3").json()
    for name, values in (
        ("category_id", facets["categories"]),
        ("brand", facets["brands"]),
        ("price_from", facets["prices_from"]),
        ("price_to", facets["prices_to"]),
    ):
        for value in values:
            found = client.get("/api/search", params={"q": "lamp", "rating": 3, name: value}).json()
            assert found["items"], (name, value)
            assert found["total"] >= len(found["items"])


def test_a_listing_too_long_for_a_tag_of_each_product_is_fresh_all_the_same(client: httpx.Client, stack: Stack) -> None:
    long = f"/api/products?sort=newest&limit={LISTED_AT_MOST + 1}"
    stock_is = the_stock_of(client.get(long).json()["items"][0]["id"], client, stack)
    assert client.get(long).headers["cache-tag"] == "products,listed"
    for quantity in (50, 2):
        stock_is(quantity)
        assert client.get(long).json()["items"][0]["stock"] == min(quantity, 10)


def test_an_update_of_what_somebody_else_changed_is_refused(client: httpx.Client) -> None:
    etag = client.get("/api/products/25").headers["etag"]
    first = client.put("/api/products/25", json={"name": "First"}, headers={**ADMIN, "if-match": etag})
    second = client.put("/api/products/25", json={"name": "Second"}, headers={**ADMIN, "if-match": etag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert client.get("/api/products/25").json()["name"] == "First"


def test_stock_that_somebody_else_changed_is_not_overwritten(stack: Stack, client: httpx.Client) -> None:
    warehouse = stack.sql("SELECT warehouse FROM inventory WHERE product_id = 28 ORDER BY id LIMIT 1")
    etag = client.get("/api/products/28/inventory").headers["etag"]

    def set_to(quantity: int) -> int:
        change = {"warehouse": warehouse, "quantity": quantity}
        return client.patch("/api/products/28/inventory", json=change, headers={**ADMIN, "if-match": etag}).status_code

    assert (set_to(5), set_to(6)) == (200, 412)
    assert stack.sql(f"SELECT quantity FROM inventory WHERE product_id = 28 AND warehouse = '{warehouse}'") == "5"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 412),
        ({"if-unmodified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT", "if-match": "*"}, 200),
        ({"if-none-match": "*"}, 412),
        ({"if-none-match": '"another"'}, 200),
    ],
)
def test_an_update_heeds_every_condition(client: httpx.Client, condition: dict[str, str], status: int) -> None:
    answer = client.put("/api/products/29", json={"name": "Conditional"}, headers={**ADMIN, **condition})
    assert answer.status_code == status


def test_an_update_may_ask_that_the_client_has_not_seen_this_version(client: httpx.Client) -> None:
    seen = {**ADMIN, "if-none-match": f"W/{client.get('/api/products/30').headers['etag']}"}
    assert client.put("/api/products/30", json={"name": "Seen"}, headers=seen).status_code == 412


def test_the_same_key_gives_the_same_answer_and_writes_once(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 5)
    product = stack.sql(
        "SELECT min(id) FROM products WHERE id NOT IN (SELECT product_id FROM reviews WHERE user_id = 5)"
    )
    review = {"product_id": int(product), "rating": 5, "title": "Good", "body": "Works."}
    headers = {"idempotency-key": str(uuid.uuid4())}
    answers = [client.post("/api/reviews", json=review, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert client.post("/api/reviews", json={**review, "rating": 1}, headers=headers).status_code == 422
    assert client.post("/api/reviews", json=review).status_code == 409


def test_stock_is_never_sold_twice(stack: Stack, client: httpx.Client) -> None:
    stack.sql("UPDATE inventory SET quantity = 0 WHERE product_id = 31")
    stack.sql("UPDATE products SET status = 'active' WHERE id = 31")
    stack.sql("UPDATE inventory SET quantity = 5 WHERE id = (SELECT min(id) FROM inventory WHERE product_id = 31)")
    sign_in(stack, client, 6)
    address = {"name": "A", "street": "B 1", "postcode": "1", "city": "C", "country": "DE"}
    order = {"shipping_address": address, "items": [{"product_id": 31, "quantity": 1}]}

    def buy(_: int) -> int:
        return httpx.post(
            f"{client.base_url}/api/checkout", json=order, cookies=dict(client.cookies), timeout=60
        ).status_code

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(buy, range(12)))
    assert sorted(results) == [201] * 5 + [409] * 7
    assert stack.sql("SELECT sum(quantity) FROM inventory WHERE product_id = 31") == "0"
    assert client.get("/api/products/31").json()["stock"] == 0


def test_only_administrators_change_products(stack: Stack, client: httpx.Client) -> None:
    anonymous = client.put("/api/products/26", json={"name": "Mine"})
    wrong = client.put("/api/products/26", json={"name": "Mine"}, headers={"authorization": "Bearer wrong"})
    sign_in(stack, client, 7)
    user = client.put("/api/products/26", json={"name": "Mine"})
    assert (anonymous.status_code, wrong.status_code, user.status_code) == (401, 401, 403)


# --- sessions --------------------------------------------------------------------------------------------------------


def test_signing_in_changes_the_id_and_keeps_the_cart(stack: Stack, client: httpx.Client) -> None:
    cart = {"items": [{"product_id": 41, "quantity": 2}]}
    put = client.put("/api/cart", json=cart)
    cookie = put.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    before = client.cookies["sid"]
    sign_in(stack, client, 8)
    assert client.cookies["sid"] != before
    assert client.get("/api/cart").json()["items"][0]["quantity"] == 2
    assert httpx.get(f"{client.base_url}/api/session", cookies={"sid": before}).json() == {"user": None}


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_change_of_the_cart_that_arrives_again_late_undoes_nothing(
    stack: Stack, client: httpx.Client, signed_in: bool
) -> None:
    if signed_in:
        sign_in(stack, client, 13)
    else:
        client.put("/api/cart", json={"items": [{"product_id": 42, "quantity": 1}]})

    def put(quantity: int, key: str) -> httpx.Response:
        items = {"items": [{"product_id": 43, "quantity": quantity}]}
        return client.put("/api/cart", json=items, headers={"idempotency-key": key})

    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    answers = [put(1, first), put(2, second), put(1, first)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[2].headers["idempotency-replayed"] == "true"
    assert answers[2].json() == client.get("/api/cart").json()
    assert answers[2].json()["items"][0]["quantity"] == 2
    assert put(3, first).status_code == 422


def test_a_cart_whose_session_has_ended_gets_a_new_one(stack: Stack, client: httpx.Client) -> None:
    client.put("/api/cart", json={"items": [{"product_id": 44, "quantity": 1}]})
    before = client.cookies["sid"]
    stack.sql("DELETE FROM sessions WHERE user_id IS NULL")
    cart = {"items": [{"product_id": 44, "quantity": 4}]}
    for _ in range(2):
        assert client.put("/api/cart", json=cart, headers={"idempotency-key": str(uuid.uuid4())}).status_code == 200
    assert client.cookies["sid"] != before
    assert client.get("/api/cart").json()["items"][0]["quantity"] == 4


def test_signing_out_ends_the_session_in_every_process(stack: Stack, client: httpx.Client, other: httpx.Client) -> None:
    sign_in(stack, client, 9)
    other.cookies = client.cookies
    assert other.get("/api/session").json()["user"]["id"] == 9
    other.cookies = httpx.Cookies({"sid": client.cookies["sid"]})
    assert client.delete("/api/session").status_code == 204
    assert other.get("/api/session").json() == {"user": None}


def test_a_session_that_redis_has_lost_is_found_again_and_healed(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 10)
    key = f"session:{client.cookies['sid']}"
    node = stack.redis.master("sessions").client()
    node.delete(key)
    assert client.get("/api/session").json()["user"]["id"] == 10
    assert node.hget(key, "user_id") == b"10"


def test_tabs_that_change_different_things_do_not_undo_each_other(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 11)
    cookies = dict(client.cookies)

    def put(request: tuple[str, Any]) -> int:
        return httpx.put(f"{client.base_url}{request[0]}", json=request[1], cookies=cookies, timeout=60).status_code

    requests: list[tuple[str, Any]] = [
        ("/api/cart", {"items": [{"product_id": 42, "quantity": 3}]}),
        ("/api/users/11/preferences", {"newsletter": True}),
    ]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(put, requests)) == [200, 200]
    fields: Any = stack.redis.master("sessions").client().hgetall(f"session:{cookies['sid']}")
    assert json.loads(fields[b"cart_data"]) == {"42": 3}
    assert json.loads(fields[b"preferences"]) == {"newsletter": True}


def test_preferences_that_another_device_changed_are_not_overwritten(stack: Stack, client: httpx.Client) -> None:
    sign_in(stack, client, 14)
    path = "/api/users/14/preferences"
    seen = client.get(path).headers["etag"]
    key = {"idempotency-key": str(uuid.uuid4())}
    first = client.put(path, json={"newsletter": True}, headers={"if-match": seen, **key})
    repeated = client.put(path, json={"newsletter": True}, headers={"if-match": seen, **key})
    assert (first.status_code, repeated.status_code) == (200, 200)
    assert first.headers["etag"] == repeated.headers["etag"] == client.get(path).headers["etag"] != seen
    assert client.put(path, json={"newsletter": False}, headers={"if-match": seen}).status_code == 412
    following = client.put(path, json={"newsletter": False}, headers={"if-match": first.headers["etag"]})
    assert following.status_code == 200


def test_guessing_a_password_is_stopped(client: httpx.Client) -> None:
    wrong = {"email": "nobody@example.org", "password": "guess"}
    assert [client.post("/api/session", json=wrong).status_code for _ in range(11)] == [401] * 10 + [429]


# --- input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/products/9223372036854775808", None),
        ("GET", "/api/products/-1", None),
        ("GET", "/api/products/1.0", None),
        ("GET", "/api/products/%00", None),
        ("GET", "/api/products/%ff", None),
        ("GET", "/api/products?limit=10&limit=20", None),
        ("GET", "/api/products?cursor=!!!", None),
        ("GET", "/api/products?sort=%00", None),
        ("GET", "/api/products?price_to=1999", None),
        ("GET", "/api/products?rating=5", None),
        ("GET", "/api/products?in_stock=1", None),
        ("GET", "/api/products?brand=%00", None),
        ("GET", "/api/facets?brand=" + "a" * 101, None),
        ("GET", "/api/search?q=%00", None),
        ("GET", "/api/search?q=%ff%fe", None),
        ("GET", "/api/search?q=" + "a" * 201, None),
        ("POST", "/api/session", b"{"),
        ("POST", "/api/session", b'{"email": "\xff"}'),
        ("POST", "/api/session", b"[" * 50_000),
        ("PUT", "/api/cart", b'{"items": [{"product_id": 9223372036854775808, "quantity": 1}]}'),
        ("PUT", "/api/cart", b'{"items": [{"product_id": 1, "quantity": 1e99}]}'),
        ("PUT", "/api/cart", b'{"items": [], "items2": []}'),
        ("PUT", "/api/cart", b'{"items": [{"product_id": 1, "quantity": NaN}]}'),
        ("PUT", "/api/cart", b"null"),
    ],
)
def test_bad_input_is_told_what_is_wrong(client: httpx.Client, method: str, path: str, body: bytes | None) -> None:
    headers = {"content-type": "application/json"} if body is not None else {}
    answer = client.request(method, path, content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/search?q=" + "-" * 200,
        "/api/search?q=" + "-%20" * 99,
        "/api/search?q=" + '-"-"' * 40,
        "/api/search?q=or%20-or%20or",
    ],
)
def test_a_search_of_signs_alone_finds_nothing_and_fails_never(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:59"])
def test_a_cursor_at_an_end_of_the_calendar_is_refused(client: httpx.Client, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["t", moment, 1]).encode()).rstrip(b"=").decode()
    assert client.get(f"/api/products?sort=newest&cursor={cursor}").status_code == 422


def test_made_up_methods_share_one_series_and_long_addresses_are_refused(client: httpx.Client, apis: list[Api]) -> None:
    for number in range(5):
        assert client.request(f"MADEUP{number}", "/api/products").status_code == 405
    assert "MADEUP" not in apis[0].metrics()
    assert apis[0].metric("api_requests_total", method="other") >= 5
    assert client.get("/api/" + "a" * 2000).status_code == 414


def raw(api: Api, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE) as connection:
        connection.sendall(request + b"\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer.decode("latin-1").lower()


@pytest.mark.parametrize("line", ["GET /api/products/5", "GET /health", "POST /api/session", "GET /api/unlisted"])
@pytest.mark.parametrize(
    "hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n", b"Host:\r\n"]
)
def test_9112_3_2_a_request_says_once_for_which_host_it_is(apis: list[Api], line: str, hosts: bytes) -> None:
    for _ in range(2):
        answer = raw(apis[0], line.encode() + b" HTTP/1.1\r\n" + hosts + b"Connection: close\r\nContent-Length: 0\r\n")
        assert answer.startswith("http/1.1 400 ")
        assert "no-store" in answer


@pytest.mark.parametrize("host", [b"shop.example", b"127.0.0.1:3000", b"[::1]:3000", b"xn--4ca.example:"])
def test_9110_7_2_a_host_is_a_name_or_an_address_with_or_without_a_port(apis: list[Api], host: bytes) -> None:
    answer = raw(apis[0], b"GET /api/products/5 HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n")
    assert answer.startswith("http/1.1 200 ")


def test_9112_3_2_before_http_1_1_a_request_needs_no_host(apis: list[Api]) -> None:
    assert raw(apis[0], b"GET /api/products/5 HTTP/1.0\r\n").startswith("http/1.0 200 ")


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"3\r\n{}\n\r\nzz\r\n", b"3\r\nabcdef\r\n0\r\n"])
def test_9112_7_1_malformed_chunks_are_refused(apis: list[Api], chunks: bytes) -> None:
    head = b"POST /api/session HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(apis[0], head + chunks)
    assert answer.startswith("http/1.1 400 ")
    assert "no-store" in answer


def test_a_method_that_is_not_allowed_names_those_that_are(client: httpx.Client) -> None:
    answer = client.delete("/api/products/1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, PUT"


def silent(api: Api) -> socket.socket:
    """A connection that sends nothing."""
    return socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE)


def dribbling_headers(api: Api) -> socket.socket:
    client = silent(api)
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
    return client


def dribbling_a_body(api: Api) -> socket.socket:
    client = silent(api)
    client.sendall(b"PUT /api/cart HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{")
    return client


def reading_nothing(api: Api) -> socket.socket:
    """More has been asked for than the kernel holds for it."""
    client = silent(api)
    client.sendall(b"GET /api/products?limit=100 HTTP/1.1\r\nHost: a\r\n\r\n" * 400)
    return client


@pytest.mark.full
@pytest.mark.parametrize(
    ("begin", "part"),
    [(silent, b""), (dribbling_headers, b"A: a\r\n"), (dribbling_a_body, b"a"), (reading_nothing, b"\r\n")],
)
def test_a_slow_client_is_cut_off(apis: list[Api], begin: Callable[[Api], socket.socket], part: bytes) -> None:
    with begin(apis[0]) as client:

        def is_cut_off() -> bool:
            try:
                client.sendall(part)
                if begin is reading_nothing:
                    return False
                client.settimeout(0.2)
                return client.recv(4096) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        eventually(is_cut_off, "the end of the connection")


def test_eight_kilobytes_of_headers_are_fine_and_a_megabyte_is_refused(client: httpx.Client) -> None:
    assert client.get("/health", headers={"x-filler": "x" * 8000}).status_code == 200
    # The server may hang up while the client is still sending.
    with contextlib.suppress(httpx.TransportError):
        assert client.get("/health", headers={"x-filler": "x" * 1_000_000}).status_code in (400, 431)
    assert client.get("/health").status_code == 200


def test_logs_hold_no_secret_and_nobodys_address(stack: Stack, client: httpx.Client, apis: list[Api]) -> None:
    sign_in(stack, client, 12)
    client.put("/api/products/27", json={"name": "Logged"}, headers={**ADMIN, "x-request-id": "the-gateways-number"})
    client.put("/api/products/27", json={"name": "Logged"}, headers={**ADMIN, "x-request-id": 'no number: " of ours'})
    log = "".join(api.log.read_text() for api in apis)
    for secret in (ADMIN_TOKEN, DEMO_PASSWORD, client.cookies["sid"], email(stack, 12)):
        assert secret not in log
    purges = [line for line in map(json.loads, log.splitlines()) if line["event"] == "purged"]
    numbers = [line["request_id"] for line in purges if "product:27" in line["tags"]]
    assert numbers[0] == "the-gateways-number"
    assert re.fullmatch("[0-9a-f]{32}", numbers[1]), "one of its own where nobody gave one that can be used"
