"""What a customer who orders is promised: they pay what they saw, once, for what they wanted. On real servers."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS
from testing.api_stack import ADMIN_TOKEN, Api, Stack, running_stack

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
ADDRESS = {"name": "Ada", "street": "Lindenweg 4", "postcode": "10115", "city": "Berlin", "country": "DE"}
ORDER = {"shipping_address": ADDRESS}
DESK, LAMP, CHAIR = 11, 12, 13


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    """Limits of time are wide: a busy test machine stands still for longer than a server may."""
    return stack.api(
        COOKIE_SECURE="0",
        WARM_PRODUCTS="0",
        REDIS_TIMEOUT_SECONDS="2",
        PURGE_SECONDS="5",
        DATABASE_TIMEOUT_SECONDS="30",
    )


@pytest.fixture
def visitor(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=60) as client:
        yield client


@pytest.fixture
def customer(stack: Stack, visitor: httpx.Client) -> httpx.Client:
    """Somebody who has signed in; there is enough of everything."""
    stack.sql("UPDATE inventory SET quantity = 50")
    visitor.post("/api/session", json={"email": DEMO_USERS[0], "password": DEMO_PASSWORD}).raise_for_status()
    return visitor


def fill(client: httpx.Client, *lines: tuple[int, int], **headers: str) -> Any:
    items = [{"product_id": product, "quantity": quantity} for product, quantity in lines]
    answer = client.put("/api/cart", json={"items": items}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cart(client: httpx.Client) -> dict[int, int]:
    return {line["product_id"]: line["quantity"] for line in client.get("/api/cart").json()["items"]}


def place(client: httpx.Client, key: str | None = None, headers: Any = None, **more: Any) -> httpx.Response:
    named = {"idempotency-key": key} if key is not None else {}
    return client.post("/api/checkout", json={**ORDER, **more}, headers={**named, **(headers or {})})


def orders(stack: Stack) -> int:
    return int(stack.sql("SELECT count(*) FROM orders"))


@pytest.fixture
def price(stack: Stack, visitor: httpx.Client) -> Iterator[Callable[..., None]]:
    """Sets prices of a product in both price lists; they are as before afterwards."""
    before = {product: stack.sql(f"SELECT prices FROM products WHERE id = {product}") for product in (DESK, LAMP)}

    def set_to(product: int, **prices: int) -> None:
        change = {"prices": {"free": prices, "premium": prices}}
        visitor.put(f"/api/products/{product}", json=change, headers=ADMIN).raise_for_status()

    yield set_to
    for product, prices in before.items():
        stack.sql(f"UPDATE products SET prices = '{prices}' WHERE id = {product}")


# --- what was refused can be mended ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mended", ["the cart", "the shelf", "the address"])
def test_an_order_that_was_refused_for_stock_succeeds_with_the_same_key_once_that_is_mended(
    stack: Stack, customer: httpx.Client, mended: str
) -> None:
    stack.sql(f"UPDATE inventory SET quantity = 0 WHERE product_id = {DESK}")
    stack.sql(f"UPDATE inventory SET quantity = 1 WHERE id = (SELECT min(id) FROM inventory WHERE product_id = {DESK})")
    fill(customer, (DESK, 5))
    key = str(uuid.uuid4())
    refused = place(customer, key)
    assert (refused.status_code, refused.json()["reason"]) == (409, "out-of-stock")
    assert refused.json()["missing"][0]["left"] == 1
    assert refused.json()["quote"]["items"][0]["left"] == 1
    name = customer.get(f"/api/products/{DESK}").json()["name"]
    assert f"{name}: only 1 left" in refused.json()["detail"]
    more: dict[str, Any] = {}
    if mended == "the cart":
        fill(customer, (DESK, 1))
    else:
        stack.sql(f"UPDATE inventory SET quantity = 50 WHERE product_id = {DESK}")
    if mended == "the address":
        more = {"shipping_address": {**ADDRESS, "city": "Potsdam"}}
    ordered = place(customer, key, **more)
    assert ordered.status_code == 201, ordered.text
    assert "idempotency-replayed" not in ordered.headers


# --- what a key stands for -------------------------------------------------------------------------------------------


def test_a_repeated_order_gets_the_first_response_and_touches_nothing(stack: Stack, customer: httpx.Client) -> None:
    fill(customer, (DESK, 1))
    key, before = str(uuid.uuid4()), orders(stack)
    answers = [place(customer, key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert orders(stack) == before + 1
    assert customer.get(f"/api/checkout/{key}").json() == answers[0].json()


def test_a_key_is_not_good_for_another_cart_which_stays_as_it_is(stack: Stack, customer: httpx.Client) -> None:
    fill(customer, (DESK, 1))
    key = str(uuid.uuid4())
    assert place(customer, key).status_code == 201
    for other in ((LAMP, 3), (DESK, 1)):
        fill(customer, other)
        before = orders(stack)
        assert place(customer, key).status_code == 422
        assert (orders(stack), cart(customer)) == (before, dict([other]))


def test_an_order_that_names_its_cart_is_repeated_without_touching_the_next_one(
    stack: Stack, customer: httpx.Client
) -> None:
    fill(customer, (DESK, 1))
    quote = customer.get("/api/checkout").json()
    named = {name: quote[name] for name in ("total", "currency", "cart_version")}
    first = place(customer, quote["id"], **named)
    fill(customer, (LAMP, 2))
    again = place(customer, quote["id"], **named)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert cart(customer) == {LAMP: 2}


def test_a_key_is_not_good_for_another_currency_or_another_condition(customer: httpx.Client) -> None:
    key = str(uuid.uuid4())
    items = [{"product_id": DESK, "quantity": 1}]
    answers = [place(customer, key, {"x-country": country}, items=items) for country in ("US", "DE", "US")]
    assert [answer.status_code for answer in answers] == [201, 422, 201]
    path, key = "/api/users/1", str(uuid.uuid4())
    for match, status in (({}, 200), ({"if-match": "*"}, 422), ({}, 200)):
        answer = customer.put(path, json={"name": "Ada"}, headers={"idempotency-key": key, **match})
        assert answer.status_code == status


def test_preferences_that_arrive_again_late_undo_nothing(customer: httpx.Client) -> None:
    path = "/api/users/1/preferences"

    def wish(colour: str, key: str) -> None:
        customer.put(path, json={"colour": colour}, headers={"idempotency-key": key}).raise_for_status()

    wish("red", "first-" + (run := uuid.uuid4().hex))
    wish("blue", "second-" + run)
    wish("red", "first-" + run)
    assert customer.get(path).json() == {"preferences": {"colour": "blue"}}


def test_the_session_has_the_preferences_of_the_latest_change(stack: Stack, customer: httpx.Client) -> None:
    for colour, key in (("red", "a"), ("blue", "b"), ("red", "a")):
        customer.put(
            "/api/users/1/preferences",
            json={"shade": colour},
            headers={"idempotency-key": f"{key}-{customer.cookies['sid']}"},
        )
    node: Any = stack.redis.master("sessions").client()
    assert node.hget(f"session:{customer.cookies['sid']}", "preferences") == b'{"shade":"blue"}'


# --- one cart, one order ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "the-same"])
def test_many_checkouts_of_one_cart_make_one_order(stack: Stack, customer: httpx.Client, key: str | None) -> None:
    fill(customer, (DESK, 1))
    key, before = key and f"{key}-{uuid.uuid4()}", orders(stack)
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: place(customer, key), range(8)))
    assert orders(stack) == before + 1
    assert statuses == ([201] * 8 if key else [201] + [409] * 7)


def test_what_is_added_while_an_order_is_placed_is_neither_lost_nor_ordered_silently(customer: httpx.Client) -> None:
    outcomes: set[str] = set()
    with ThreadPoolExecutor(2) as pool:
        for attempt in range(20):
            fill(customer, (DESK, 1))
            placing = pool.submit(place, customer)
            time.sleep(0.002 * (attempt % 8))
            fill(customer, (DESK, 1), (LAMP, 2))
            order = placing.result()
            kept = cart(customer)
            if order.status_code == 201:
                lines = {line["product_id"]: line["quantity"] for line in order.json()["lines"]}
                # An addition that arrived first was the cart that was ordered, and its response told the new total.
                assert lines == {DESK: 1} or (lines, kept) == ({DESK: 1, LAMP: 2}, {})
                outcomes.add("ordered")
                if lines == {DESK: 1}:
                    assert kept == {DESK: 1, LAMP: 2}
            else:
                assert (order.status_code, order.json()["reason"]) == (409, "cart-changed")
                assert kept == {DESK: 1, LAMP: 2}
                outcomes.add("refused")
    assert "ordered" in outcomes


def test_a_cart_that_changed_since_it_was_shown_is_not_ordered(customer: httpx.Client) -> None:
    fill(customer, (DESK, 1))
    shown = customer.get("/api/checkout").json()["cart_version"]
    fill(customer, (DESK, 1), (LAMP, 1))
    refused = place(customer, cart_version=shown)
    assert (refused.status_code, refused.json()["reason"]) == (409, "cart-changed")
    assert place(customer, cart_version=refused.json()["quote"]["cart_version"]).status_code == 201


# --- what was seen is what is paid -----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["by the order", "by the cart"])
def test_another_total_than_the_one_that_was_shown_is_refused_with_the_new_one(
    stack: Stack, customer: httpx.Client, price: Callable[..., None], said: str
) -> None:
    price(DESK, EUR=1000, USD=1100, GBP=900)
    shown = fill(customer, (DESK, 2))
    assert shown["total"] == 2000
    seen = {"total": shown["total"], "currency": shown["currency"]} if said == "by the order" else {}
    price(DESK, EUR=3000, USD=1100, GBP=900)
    key, before = str(uuid.uuid4()), orders(stack)
    refused = place(customer, key, **seen)
    assert (refused.status_code, refused.json()["reason"]) == (409, "total-changed")
    assert refused.json()["quote"]["total"] == 6000
    assert orders(stack) == before
    ordered = place(customer, key, total=6000, currency="EUR")
    assert (ordered.status_code, ordered.json()["total"]) == (201, 6000)


def test_another_currency_than_the_one_that_was_shown_is_refused(customer: httpx.Client) -> None:
    shown = fill(customer, (DESK, 1), **{"x-country": "US"})
    assert shown["currency"] == "USD"
    refused = place(customer, None, {"x-country": "DE"}, total=shown["total"], currency="USD")
    assert (refused.status_code, refused.json()["reason"]) == (409, "total-changed")
    assert refused.json()["quote"]["currency"] == "EUR"


def test_what_has_no_price_in_a_currency_is_not_for_sale_in_it(
    customer: httpx.Client, price: Callable[..., None]
) -> None:
    price(DESK, EUR=1000)
    abroad = {"x-country": "US"}
    page = customer.get(f"/api/products/{DESK}", headers=abroad).json()
    assert (page["price"], page["currency"]) == (None, "USD")
    filled = fill(customer, (DESK, 1), (CHAIR, 1), **abroad)
    desk, chair = filled["items"]
    assert (desk["unit_price"], filled["total"], filled["currency"]) == (None, chair["unit_price"], "USD")
    refused = place(customer, None, abroad)
    assert (refused.status_code, refused.json()["reason"]) == (409, "not-for-sale")
    assert refused.json()["not_for_sale"] == [DESK]
    assert page["name"] in refused.json()["detail"]


def test_a_total_that_no_order_can_hold_is_refused(customer: httpx.Client, price: Callable[..., None]) -> None:
    price(DESK, EUR=30_000_000)
    refused = place(customer, items=[{"product_id": DESK, "quantity": 99}])
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert "21,474,836.47 EUR" in refused.json()["detail"]


def test_a_product_is_named_once_in_an_order_as_in_a_cart(customer: httpx.Client) -> None:
    lines = [{"product_id": DESK, "quantity": quantity} for quantity in (1, 3)]
    for answer in (place(customer, items=lines), customer.put("/api/cart", json={"items": lines})):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "items"


# --- guests, and whose an order is -----------------------------------------------------------------------------------


def test_a_guest_orders_with_an_address_and_sees_the_order_in_this_visit_only(
    stack: Stack, api: Api, visitor: httpx.Client
) -> None:
    stack.sql("UPDATE inventory SET quantity = 50")
    assert place(visitor, email="ada@example.org").status_code == 401
    fill(visitor, (DESK, 1))
    assert place(visitor).status_code == 401
    quote = visitor.get("/api/checkout").json()
    ordered = place(visitor, quote["id"], email="ada@example.org", total=quote["total"], currency=quote["currency"])
    assert ordered.status_code == 201, ordered.text
    number = ordered.json()["id"]
    assert visitor.get(f"/api/orders/{number}").json() == ordered.json()
    assert visitor.get(f"/api/checkout/{quote['id']}").json() == ordered.json()
    with httpx.Client(base_url=api.url) as stranger:
        assert stranger.get(f"/api/orders/{number}").status_code == 404
        assert stranger.get(f"/api/checkout/{quote['id']}").status_code == 404
        fill(stranger, (DESK, 1))
        assert stranger.get(f"/api/orders/{number}").status_code == 404


def test_a_customer_sees_an_order_on_every_device_and_nobody_else_does(api: Api, customer: httpx.Client) -> None:
    fill(customer, (DESK, 1))
    key = str(uuid.uuid4())
    ordered = place(customer, key).json()
    with httpx.Client(base_url=api.url) as device, httpx.Client(base_url=api.url) as somebody:
        for client, email in ((device, DEMO_USERS[0]), (somebody, DEMO_USERS[2])):
            client.post("/api/session", json={"email": email, "password": DEMO_PASSWORD}).raise_for_status()
        assert device.get(f"/api/orders/{ordered['id']}").json() == ordered
        assert device.get(f"/api/checkout/{key}").json() == ordered
        assert somebody.get(f"/api/orders/{ordered['id']}").status_code == 404
        assert somebody.get(f"/api/checkout/{key}").status_code == 404
    assert customer.get(f"/api/checkout/{uuid.uuid4()}").status_code == 404


# --- reviews ---------------------------------------------------------------------------------------------------------


def test_a_review_says_whether_its_author_has_bought_the_product(stack: Stack, customer: httpx.Client) -> None:
    stack.sql("DELETE FROM reviews WHERE user_id = 1")
    bought, never = (
        int(stack.sql(f"SELECT min(id) FROM products WHERE status <> 'draft' AND id {kind} (SELECT product_id "
                      "FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.user_id = 1)"))
        for kind in ("IN", "NOT IN")
    )  # fmt: skip
    for product, verified in ((bought, True), (never, False)):
        added = customer.post("/api/reviews", json={"product_id": product, "rating": 4, "title": "Fine"})
        assert (added.status_code, added.json()["verified"]) == (201, verified)
        shown = customer.get(f"/api/reviews/{product}").json()["items"][0]
        assert (shown["title"], shown["verified"]) == ("Fine", verified)


def test_what_is_not_published_has_no_reviews(stack: Stack, customer: httpx.Client) -> None:
    draft = stack.sql("UPDATE products SET status = 'draft' WHERE id = (SELECT max(id) FROM products) RETURNING id")
    assert customer.post("/api/reviews", json={"product_id": int(draft), "rating": 1}).status_code == 404


def test_the_first_page_of_reviews_counts_them_all_by_stars(stack: Stack, customer: httpx.Client) -> None:
    product = int(stack.sql("SELECT product_id FROM reviews GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"))
    counted = [int(stack.sql(f"SELECT count(*) FROM reviews WHERE product_id = {product} AND rating = {stars}"))
               for stars in range(1, 6)]  # fmt: skip
    first = customer.get(f"/api/reviews/{product}?limit=1").json()
    assert first["by_stars"] == counted
    assert sum(counted) > 1
    following = customer.get(f"/api/reviews/{product}", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert following["by_stars"] is None
