"""What the shop's queries promise, on a real server."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database.queries import (
    STATEMENTS,
    idempotency,
    inventory,
    maintenance,
    orders,
    outbox,
    products,
    reviews,
    sessions,
    tokens,
    users,
)
from app.database.queries.narrowing import PRICE_BOUNDS, RATINGS, Narrowing
from app.database.queries.paging import BadCursor, Cursor
from app.database.queries.products import Changes, Sort, cursor_kind
from testing.queries.calls import in_rolled_back_transaction, sample_calls
from testing.queries.plans import read_plan


async def in_stock(connection, count: int) -> list[int]:
    rows = await connection.fetch(
        """
        SELECT p.id FROM products p JOIN inventory i ON i.product_id = p.id WHERE p.status = 'active'
        GROUP BY p.id HAVING sum(i.quantity) > 20 ORDER BY p.id LIMIT $1
        """,
        count,
    )
    return [row["id"] for row in rows]


async def buy(connection, quantities: dict[int, int], user_id: int = 1) -> orders.Order:
    async with connection.transaction():
        return await orders.checkout(
            connection,
            orders.Customer(user_id),
            quantities=quantities,
            currency="EUR",
            price_list="free",
            shipping_address={"city": "Utrecht"},
        )


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("category_id", [None, 3])
async def test_pages_of_a_listing_follow_each_other_without_gap_or_repetition(catalogue, sort, category_id):
    condition = "AND category_id = $1" if category_id else "AND $1::int IS NULL"
    order = {
        Sort.POPULARITY: "popularity DESC, id DESC",
        Sort.NEWEST: "created_at DESC, id DESC",
        Sort.PRICE: "price_eur, id",
        Sort.PRICE_DESCENDING: "price_eur DESC, id DESC",
        Sort.RATING: "rating_average DESC, id DESC",
    }[sort]
    expected = await catalogue.fetch(
        f"SELECT id FROM products WHERE status = 'active' {condition} ORDER BY {order} LIMIT 90", category_id
    )
    seen: list[int] = []
    after = None
    for _ in range(9):
        page = await products.listing(
            catalogue, narrowing=Narrowing(category_id=category_id), sort=sort, after=after, limit=10
        )
        seen += [card.id for card in page.items]
        if page.after is None:
            break
        after = Cursor.decode(page.after.encode(), cursor_kind(sort))
    assert seen == [row["id"] for row in expected]


async def test_the_last_page_says_that_it_is_the_last(catalogue):
    page = await products.listing(catalogue, narrowing=Narrowing(category_id=1), limit=10_000)
    assert page.items
    assert page.after is None


@given(st.text())
def test_a_cursor_of_somebody_s_invention_is_refused_and_never_an_error_of_ours(text: str):
    for kind in (int, datetime):
        try:
            Cursor.decode(text, kind)
        except BadCursor:
            continue


def test_a_cursor_of_another_sort_order_is_refused():
    with pytest.raises(BadCursor):
        Cursor.decode(Cursor(5, 1).encode(), datetime)


NARROWINGS = (
    Narrowing(brand="Kestrel"),
    Narrowing(brand="Marlowe & Sons", category_id=3),
    Narrowing(brand="it's \\ no | brand & 'never'"),
    Narrowing(price_from=PRICE_BOUNDS[1], price_to=PRICE_BOUNDS[3]),
    Narrowing(price_to=PRICE_BOUNDS[0], currency="GBP"),
    Narrowing(price_from=PRICE_BOUNDS[-1], currency="USD", tier="premium"),
    Narrowing(price_from=PRICE_BOUNDS[3], price_to=PRICE_BOUNDS[1]),
    *(Narrowing(rating=rating) for rating in RATINGS),
    Narrowing(in_stock=True, category_id=5),
    Narrowing(text="lamp", price_to=PRICE_BOUNDS[2]),
    Narrowing(brand="Kestrel", price_from=PRICE_BOUNDS[2], rating=4, in_stock=True),
)


async def matching(connection, narrowing: Narrowing) -> list[Any]:
    """Rows that are asked for, found in the plainest way."""
    rows = await connection.fetch(
        """
        SELECT p.id, category_id, brand, rating_average, (prices -> $1 ->> $2)::int AS price,
               (SELECT coalesce(sum(quantity), 0) FROM inventory i WHERE i.product_id = p.id) AS stock
        FROM products p WHERE status = 'active' AND ($3::text IS NULL OR search @@ plainto_tsquery('english', $3))
        ORDER BY popularity DESC, id DESC
        """,
        narrowing.tier,
        narrowing.currency,
        narrowing.text,
    )
    return [
        row
        for row in rows
        if narrowing.category_id in (None, row["category_id"])
        and narrowing.brand in (None, row["brand"])
        and row["rating_average"] >= (narrowing.rating or 0)
        and (narrowing.price_from or 0) <= row["price"] < (narrowing.price_to or 10**9)
        and (row["stock"] > 0 or not narrowing.in_stock)
    ]


@pytest.mark.parametrize("narrowing", NARROWINGS, ids=lambda one: one.key)
async def test_a_narrowed_listing_is_what_was_asked_for_page_by_page(catalogue, narrowing):
    expected = [row["id"] for row in await matching(catalogue, narrowing)][:60]
    seen: list[int] = []
    after = None
    for _ in range(3):
        page = await products.listing(catalogue, narrowing=narrowing, after=after, limit=20)
        seen += [card.id for card in page.items]
        after = page.after
        if after is None:
            break
    assert seen == expected


@pytest.mark.parametrize("narrowing", [Narrowing(category_id=3), *NARROWINGS], ids=lambda one: one.key)
async def test_facets_are_what_leaves_something(catalogue, narrowing):
    found = await products.facets(catalogue, narrowing)

    async def leaves(**changes: Any) -> bool:
        return bool(await matching(catalogue, replace(narrowing, **changes)))

    everything = await matching(catalogue, replace(narrowing, brand=None))
    if len(everything) <= products.FACETED:
        assert found.brands == tuple(sorted({row["brand"] for row in everything}))
    for brand in found.brands:
        assert await leaves(brand=brand)
    for category in found.categories:
        assert await leaves(category_id=category)
    for bound in found.prices_from:
        assert await leaves(price_from=bound, price_to=None)
    for bound in found.prices_to:
        assert await leaves(price_from=None, price_to=bound)
    for rating in found.ratings:
        assert await leaves(rating=rating)
    assert found.in_stock == await leaves(in_stock=True)


@pytest.mark.parametrize(
    ("narrowing", "index"),
    [
        (Narrowing(brand="Kestrel", rating=4), "idx_products_narrowing"),
        (Narrowing(rating=3), "idx_products_popularity"),
        (Narrowing(in_stock=True), "idx_products_popularity"),
    ],
    ids=["little is left", "much is left", "nearly all is left"],
)
async def test_a_narrowed_listing_reads_few_rows_whatever_it_keeps(catalogue, narrowing, index):
    sql = STATEMENTS["products.list.narrowed.popularity.first"]
    explained = await catalogue.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", 21, *narrowing.parameters)
    plan = read_plan(explained)
    assert index in plan.indexes()
    assert plan.buffers < 1000


@pytest.mark.parametrize("typed", ["desk lmap lamp", "lam", "desk lam", "lamp desk"])
async def test_search_finds_what_suggestions_find(catalogue, typed):
    suggested = await products.suggest(catalogue, typed)
    found = await products.search(catalogue, Narrowing(text=typed), limit=products.SEARCHED)
    assert {one.name for one in suggested} <= {card.name for card in found.items}
    assert found.total >= len(found.items)


async def test_search_tells_how_many_there_are(catalogue):
    found = await products.search(catalogue, Narrowing(text="everyday"), limit=5)
    assert (len(found.items), found.total, found.similar) == (
        5,
        len(await matching(catalogue, Narrowing(text="everyday"))),
        False,
    )


async def test_search_finds_words_in_any_form_and_puts_the_name_first(catalogue):
    found = (await products.search(catalogue, Narrowing(text="lamps"))).items
    assert found
    assert all("lamp" in card.name.lower() for card in found[:5])


@pytest.mark.parametrize("typed", ["'", "%", "_", "\\", "a & | !", '"', "", ":*", "x" * 500, "кот", "\x01"])
async def test_search_and_suggestions_take_whatever_is_typed(catalogue, typed):
    await products.search(catalogue, Narrowing(text=typed))
    await products.suggest(catalogue, typed)


async def test_suggestions_forgive_a_typing_error(catalogue):
    assert any("Lamp" in suggestion.name for suggestion in await products.suggest(catalogue, "desk lmap lamp"))


async def test_drafts_have_no_page(catalogue):
    draft = await catalogue.fetchval("SELECT id FROM products WHERE status = 'draft' LIMIT 1")
    assert await products.get(catalogue, draft) is None


async def test_an_update_of_what_somebody_else_has_changed_changes_nothing(catalogue):
    (product_id,) = await in_stock(catalogue, 1)
    seen = await products.get(catalogue, product_id)
    assert seen is not None
    assert await products.update(catalogue, product_id, Changes(name="First"), unchanged_since=seen.updated_at)
    assert not await products.update(catalogue, product_id, Changes(name="Second"), unchanged_since=seen.updated_at)
    assert (await products.get(catalogue, product_id)).name == "First"


async def test_a_checkout_takes_the_pieces_and_keeps_the_prices(catalogue):
    first, second = await in_stock(catalogue, 2)
    before = await inventory.stock(catalogue, [first, second])
    order = await buy(catalogue, {first: 2, second: 1})
    after = await inventory.stock(catalogue, [first, second])
    assert (before[first].quantity - after[first].quantity, before[second].quantity - after[second].quantity) == (2, 1)
    cards = {card.id: card.prices["free"]["EUR"] for card in await products.get_many(catalogue, [first, second])}
    assert order.total == 2 * cards[first] + cards[second]
    assert await orders.get(catalogue, order.id, user_id=1, scope="user:1") == order


async def test_somebody_else_s_order_is_not_found(catalogue):
    order = await buy(catalogue, {(await in_stock(catalogue, 1))[0]: 1})
    assert await orders.get(catalogue, order.id, user_id=2, scope="user:2") is None


async def test_an_order_for_more_than_there_is_changes_nothing_and_says_what_is_left(catalogue):
    first, second = await in_stock(catalogue, 2)
    before = await inventory.stock(catalogue, [first, second])
    with pytest.raises(orders.OutOfStock) as refused:
        await buy(catalogue, {first: 1, second: 10_000_000})
    assert refused.value.missing == {second: before[second].quantity}
    assert await inventory.stock(catalogue, [first, second]) == before


@pytest.mark.parametrize("product_id", [2**40, 0])
async def test_what_is_not_for_sale_can_not_be_bought(catalogue, product_id):
    with pytest.raises(orders.NotForSale):
        await buy(catalogue, {product_id: 1})


async def test_a_piece_is_never_sold_twice(shop_dsn):
    """Forty buyers at once want two products, named in both orders; there are ten pieces of each."""
    pool = await asyncpg.create_pool(shop_dsn, min_size=8, max_size=8)
    try:
        first, second = await in_stock(pool, 2)
        await pool.execute("UPDATE inventory SET quantity = 0 WHERE product_id = ANY($1)", [first, second])
        await pool.execute(
            "UPDATE inventory SET quantity = 10 WHERE product_id = ANY($1) AND warehouse = 'eu-central'",
            [first, second],
        )

        async def one(number: int) -> bool:
            wanted = (first, second) if number % 2 else (second, first)
            async with pool.acquire() as connection:
                try:
                    await buy(connection, dict.fromkeys(wanted, 1), user_id=number + 1)
                except orders.OutOfStock:
                    return False
            return True

        bought = await asyncio.gather(*(one(number) for number in range(40)))
        left = await inventory.stock(pool, [first, second])
        assert (sum(bought), left[first].quantity, left[second].quantity) == (10, 0, 0)
    finally:
        await pool.close()


async def test_the_database_itself_refuses_stock_below_zero(catalogue):
    with pytest.raises(asyncpg.CheckViolationError):
        await inventory.set_quantity(catalogue, 1, "eu-central", -1)


async def test_a_review_changes_the_product_s_rating_and_a_second_one_is_refused(catalogue):
    product_id = await catalogue.fetchval(
        "SELECT id FROM products WHERE rating_count = 0 AND status = 'active' LIMIT 1"
    )
    for user_id, stars in ((1, 5), (2, 4)):
        await reviews.add(catalogue, product_id=product_id, user_id=user_id, rating=stars, title="", body="")
    product = await products.get(catalogue, product_id)
    assert (product.rating_average, product.rating_count) == (4.5, 2)
    with pytest.raises(reviews.AlreadyReviewed):
        await reviews.add(catalogue, product_id=product_id, user_id=1, rating=1, title="", body="")


async def test_ratings_of_the_catalogue_are_those_of_its_reviews(catalogue):
    wrong = await catalogue.fetchval(
        """
        SELECT count(*) FROM products p LEFT JOIN (
            SELECT product_id, round(avg(rating), 2) AS average, count(*) AS reviews FROM reviews GROUP BY 1
        ) r ON r.product_id = p.id
        WHERE p.rating_count <> coalesce(r.reviews, 0) OR abs(p.rating_average - coalesce(r.average, 0)) > 0.011
        """
    )
    assert wrong == 0


async def test_a_session_s_fields_are_written_apart(catalogue):
    await sessions.save(catalogue, "s", ttl_seconds=60, cart_data={"1": 2})
    await sessions.save(catalogue, "s", ttl_seconds=60, preferences={"theme": "dark"}, user_id=1)
    session = await sessions.get(catalogue, "s")
    assert (session.cart_data, session.preferences, session.user_id) == ({"1": 2}, {"theme": "dark"}, 1)


async def test_a_change_keeps_the_other_fields_and_makes_no_session_of_nothing(catalogue):
    assert not await sessions.change(catalogue, "s", ttl_seconds=60, cart_data={"1": 2})
    assert await sessions.get(catalogue, "s") is None
    await sessions.save(catalogue, "s", ttl_seconds=60, user_id=1, preferences={"theme": "dark"})
    assert await sessions.change(catalogue, "s", ttl_seconds=60, cart_data={"1": 2})
    session = await sessions.get(catalogue, "s")
    assert (session.cart_data, session.preferences, session.user_id) == ({"1": 2}, {"theme": "dark"}, 1)


async def test_a_session_is_renewed_only_when_it_was_idle(catalogue):
    await sessions.save(catalogue, "s", ttl_seconds=60)
    assert not await sessions.touch(catalogue, "s", ttl_seconds=60, idle_seconds=60)
    assert await sessions.touch(catalogue, "s", ttl_seconds=60)


async def test_an_expired_session_is_gone_and_swept(catalogue):
    await sessions.save(catalogue, "s", ttl_seconds=-1)
    assert await sessions.get(catalogue, "s") is None
    assert not await sessions.touch(catalogue, "s", ttl_seconds=60)
    assert not await sessions.change(catalogue, "s", ttl_seconds=60, cart_data={"1": 2})
    assert await maintenance.expire_sessions(catalogue) == 1


async def test_a_session_id_is_nowhere_in_the_database(catalogue):
    await sessions.save(catalogue, "very-secret-id", ttl_seconds=60)
    assert not await catalogue.fetchval("SELECT count(*) FROM sessions WHERE id_digest::text LIKE '%very-secret%'")


async def test_a_repeated_request_gets_the_first_answer(catalogue):
    claim: dict[str, Any] = {"scope": "user:1", "key": "k", "request_digest": b"a"}
    assert await idempotency.claim(catalogue, **claim) is None
    await idempotency.store(catalogue, scope="user:1", key="k", status=201, headers={"x": "y"}, body=b"made")
    assert await idempotency.claim(catalogue, **claim) == idempotency.StoredResponse(201, {"x": "y"}, b"made")


async def test_a_key_is_not_good_for_another_request_but_for_another_user(catalogue):
    await idempotency.claim(catalogue, scope="user:1", key="k", request_digest=b"a")
    with pytest.raises(idempotency.KeyReused):
        await idempotency.claim(catalogue, scope="user:1", key="k", request_digest=b"b")
    assert await idempotency.claim(catalogue, scope="user:2", key="k", request_digest=b"b") is None


async def test_two_requests_with_one_key_at_once_do_the_work_once(empty_dsn):
    pool = await asyncpg.create_pool(empty_dsn, min_size=5, max_size=5)
    worked: list[int] = []

    async def request(number: int) -> bytes:
        async with pool.acquire() as connection, connection.transaction():
            answer = await idempotency.claim(connection, scope="u", key="k", request_digest=b"d")
            if answer is not None:
                return answer.body or b""
            worked.append(number)
            await asyncio.sleep(0.05)
            await idempotency.store(connection, scope="u", key="k", status=200, headers={}, body=b"%d" % number)
            return b"%d" % number

    try:
        answers = await asyncio.gather(*(request(number) for number in range(5)))
    finally:
        await pool.close()
    assert len(worked) == 1
    assert set(answers) == {b"%d" % worked[0]}


async def test_an_event_is_one_worker_s_until_its_lease_ends(empty_dsn):
    first, second = [await asyncpg.connect(empty_dsn) for _ in range(2)]
    try:
        layers = ("redis", "gateway", "cloudflare")
        for number in range(3):
            await outbox.add(first, tags=[f"product:{number}"], reason="test")
        assert await outbox.dispatch(first, layers, limit=10) == 3
        taken = await outbox.take(first, "redis", limit=10, lease_seconds=60)
        assert [event.tags for event in taken] == [("product:0",), ("product:1",), ("product:2",)]
        assert await outbox.take(second, "redis", limit=10, lease_seconds=60) == ()
        await outbox.confirm(first, "redis", taken[:2], layers)
        await outbox.retry(first, "redis", [taken[2].id], delay_seconds=0, error="no answer", outer=layers[1:])
        again = await outbox.take(second, "redis", limit=10, lease_seconds=60)
        assert [(event.id, event.attempts) for event in again] == [(taken[2].id, 2)]
        at_gateway = await outbox.take(second, "gateway", limit=10, lease_seconds=60)
        assert [(event.id, event.early) for event in at_gateway] == [
            (taken[0].id, False),
            (taken[1].id, False),
            (taken[2].id, True),
        ]
        await outbox.confirm(second, "redis", again, layers)
        await outbox.confirm(second, "gateway", at_gateway, layers)
        # What was purged out of turn is purged once more in turn.
        once_more = await outbox.take(first, "gateway", limit=10, lease_seconds=60)
        assert [(event.id, event.early) for event in once_more] == [(taken[2].id, False)]
        assert (await outbox.backlog(first)).events == 3
        await outbox.confirm(first, "gateway", once_more, layers)
        # Purged out of turn already while the gateway was asked, or not: once in turn.
        last = await outbox.take(first, "cloudflare", limit=10, lease_seconds=60)
        assert [(event.id, event.early) for event in last] == [(event.id, False) for event in taken]
        await outbox.confirm(first, "cloudflare", last, layers)
        assert (await outbox.backlog(first)).events == 0
        assert await first.fetchval("SELECT count(*) FROM invalidation_queue") == 0
    finally:
        await first.close()
        await second.close()


OUTAGE = 100_000
"""Purges that wait for Cloudflare: of some days at a write every few seconds."""


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_purge_s_way_costs_the_same_however_many_wait_for_another_layer(empty_dsn, analysed):
    """In pages and in rows that the worker gets: what is new goes by what waits, as if nothing did."""
    connection = await asyncpg.connect(empty_dsn)
    layers = ["redis", "storefront", "gateway", "cloudflare"]
    await connection.execute(
        """
        WITH waiting AS (
            INSERT INTO invalidation_outbox (tags, reason, finished_targets, created_at, available_at)
            SELECT ARRAY['product:' || n], 'outage', '{redis,storefront,gateway}',
                   now() - n * interval '2 seconds', 'infinity'
            FROM generate_series(1, $1::int) n RETURNING id
        )
        INSERT INTO invalidation_queue (event_id, layer, due_at, attempts)
        SELECT id, 'cloudflare', now() + (id % 600 - 300) * interval '1 second', 20 FROM waiting
        """,
        OUTAGE,
    )
    if analysed:
        await connection.execute("ANALYZE invalidation_outbox, invalidation_queue")
    new = {await outbox.add(connection, tags=[f"product:{number}"], reason="test") for number in range(20)}
    pages: dict[str, int] = {}

    async def run(name: str, *arguments: object) -> None:
        """The statement as the worker runs it; what it did stays."""
        explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)"
        plan = read_plan(await connection.fetchval(f"{explain} {STATEMENTS[f'outbox.{name}']}", *arguments))
        scanned = {node["Relation Name"] for node in plan.nodes() if node["Node Type"] == "Seq Scan"}
        assert not scanned, (name, plan.summary())
        pages[" ".join([name, *(argument for argument in arguments if isinstance(argument, str))])] = plan.buffers

    await run("dispatch", layers, 500)
    for layer in layers[:-1]:
        due = "SELECT array_agg(event_id) FROM invalidation_queue WHERE layer = $1"
        assert set(await connection.fetchval(due, layer)) == new
        await run("take", layer, 500, 60.0)
        await run("confirm", layer, sorted(new), layers)
    await run("recent_tags", 30.0, "redis")
    # Twenty events; each row is found, locked, written, and stands in some indexes.
    assert max(pages.values()) < 25 * len(new), pages
    # Of those that have been due for days a worker takes as many as it can hold at once.
    assert len(await outbox.take(connection, "cloudflare", limit=500, lease_seconds=60)) == 500
    assert (await outbox.backlog(connection)).events == OUTAGE + len(new)
    await connection.close()


async def test_what_a_new_master_must_be_told_is_what_is_recent_or_unconfirmed(empty_dsn):
    connection = await asyncpg.connect(empty_dsn)
    added = [await outbox.add(connection, tags=[f"product:{number}"], reason="test") for number in range(4)]
    await connection.execute(
        "UPDATE invalidation_outbox SET created_at = created_at - interval '1 hour' WHERE id <> $1", added[0]
    )
    await connection.execute(
        "UPDATE invalidation_outbox SET completed_at = now() WHERE id = ANY($1::bigint[])", added[:2]
    )
    await outbox.finish_target(connection, [added[2]], "redis")
    assert await outbox.recent_tags(connection, seconds=30, target="redis") == {"product:0", "product:3"}
    await outbox.dispatch(connection, ("redis", "cloudflare"), limit=10)
    assert await outbox.recent_tags(connection, seconds=30, target="redis") == {"product:0", "product:3"}
    await connection.close()


async def test_what_waits_for_a_layer_that_is_no_more_goes_on_without_it(empty_dsn):
    connection = await asyncpg.connect(empty_dsn)
    for number in range(2):
        await outbox.add(connection, tags=[f"product:{number}"], reason="test")
    await connection.execute("UPDATE invalidation_outbox SET finished_targets = '{redis}' WHERE tags = '{product:0}'")
    await outbox.dispatch(connection, ("redis", "cloudflare"), limit=10)
    await outbox.forget_others(connection, ("redis",))
    assert await outbox.dispatch(connection, ("redis",), limit=10) == 1
    (left,) = await outbox.take(connection, "redis", limit=10, lease_seconds=60)
    assert left.tags == ("product:1",)
    assert (await outbox.backlog(connection)).events == 1
    await connection.close()


async def test_an_event_of_a_write_that_failed_was_never_there(empty_dsn):
    connection = await asyncpg.connect(empty_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await outbox.add(connection, tags=["product:1"], reason="test")
    await transaction.rollback()
    assert await outbox.dispatch(connection, ("redis",), limit=1) == 0
    await connection.close()


@pytest.mark.parametrize("state", ["valid", "unknown", "expired", "revoked"])
async def test_a_token_lets_in_while_it_is_valid(catalogue, state):
    ends = datetime.now(UTC) + timedelta(hours=-1 if state == "expired" else 1)
    await tokens.issue(catalogue, name="deploy", token="t" * 43, role="admin", expires_at=ends)
    if state == "revoked":
        await tokens.revoke(catalogue, name="deploy")
    caller = await tokens.authenticate(catalogue, "u" * 43 if state == "unknown" else "t" * 43)
    assert caller == (tokens.Caller("deploy", "admin") if state == "valid" else None)


async def test_an_address_is_one_customer_s_in_any_case_of_letters(catalogue):
    ann = {"name": "Ann", "country": "NL", "password_hash": "$argon2id$v=19"}
    made = await users.create(catalogue, email="Ann@Example.com", **ann)
    assert await users.create(catalogue, email="ann@example.COM", **ann) is None
    assert (await users.credentials(catalogue, "ANN@EXAMPLE.COM")).user_id == made.id


@pytest.mark.parametrize("cache", [0, 100])
async def test_every_query_works_with_and_without_prepared_statements(catalogue_dsn, cache):
    connection = await asyncpg.connect(catalogue_dsn, statement_cache_size=cache)
    calls = await sample_calls(connection)
    for name, arguments in calls.items():
        first, second = [await in_rolled_back_transaction(connection, STATEMENTS[name], arguments) for _ in range(2)]
        assert len(first) == len(second), name
    await connection.close()
