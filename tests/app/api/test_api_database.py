"""The API on pgBouncer and Postgres: query results kept by the cache manager, and clear answers when either fails."""

import asyncio
import random
import string
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from app.api.query_cache import QUERIES
from app.caching_policy import EntityTtl, load
from app.database.catalogue import DEMO_PASSWORD, DEMO_USERS
from components.pgbouncer.settings import PgBouncerSettings
from components.settings.secrets import PostgresSecrets
from testing.api_stack import ADMIN_TOKEN, PASSWORD, ROOT, Api, Stack, running_stack
from testing.pgbouncer import PgBouncer
from testing.waits import eventually

TTLS: Mapping[str, EntityTtl] = {**load(ROOT / "app" / "caching.yaml").entities}
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
SECRETS = PostgresSecrets(owner=SecretStr(PASSWORD), app=SecretStr(PASSWORD), exporter=SecretStr(PASSWORD))
SETTINGS = PgBouncerSettings.model_validate(
    {"server_tls_mode": "disable", "max_prepared_statements": None, "query_wait_timeout": "2s"}
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


@pytest.fixture(scope="module")
def pool(stack: Stack) -> Iterator[PgBouncer]:
    with PgBouncer(stack.postgres, SECRETS, SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def api(stack: Stack, pool: PgBouncer) -> Api:
    """Limits of time are wide: a busy test machine stands still for longer than a server may."""
    return stack.api(
        COOKIE_SECURE="0",
        WARM_PRODUCTS="0",
        DATABASE_PORT=str(pool.port),
        DATABASE_TIMEOUT_SECONDS="10",
        REDIS_TIMEOUT_SECONDS="2",
        PURGE_SECONDS="5",
    )


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=30) as client:
        yield client


@pytest.fixture
def member(api: Api) -> Iterator[httpx.Client]:
    """Somebody with a price list of their own, for whom no answer is stored: each of their reads asks for data."""
    with httpx.Client(base_url=api.url, timeout=30) as client:
        premium = next(address for address in DEMO_USERS if address.startswith("premium"))
        assert client.post("/api/session", json={"email": premium, "password": DEMO_PASSWORD}).status_code == 201
        assert "bypass" in client.get("/api/products?limit=2").headers["cache-status"]
        yield client


# --- results of queries ----------------------------------------------------------------------------------------------

CACHED = {
    "listing": ("/api/products?category_id=3&sort=price&limit=2", "products.list.category.price.first"),
    "facets": ("/api/facets?category_id=3", "products.facets"),
    "search": ("/api/search?q=lamp&limit=7", "products.search "),
    "suggestions": ("/api/search/suggestions?q=la&limit=3", "products.suggest "),
    "categories": ("/api/categories", "categories.all"),
    "reviews": ("/api/reviews/7?limit=3", "reviews.newest.first"),
    "stock": ("/api/products/7/inventory", "inventory.stock"),
}


def executions(stack: Stack, statement: str) -> int:
    return int(stack.sql(f"SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '/* {statement}%'"))


def test_all_cached_queries_are_tried_here() -> None:
    assert set(CACHED) == set(QUERIES)
    assert {TTLS[query].ttl for query in QUERIES if query != "stock"} == {300}
    assert TTLS["stock"].ttl == 120


@pytest.mark.parametrize("query", QUERIES)
def test_all_currencies_and_members_share_one_execution_of_a_query(
    stack: Stack, client: httpx.Client, member: httpx.Client, query: str
) -> None:
    path, statement = CACHED[query]
    for pair in ("data", "computed"):
        stack.redis.master(pair).client().flushall()  # the API loads some of it when it starts
    before = executions(stack, statement)
    answers = [client.get(path, headers={"X-Country": country}) for country in ("DE", "US", "GB")]
    answers += [member.get(path), member.get(path)]
    assert {answer.status_code for answer in answers} == {200}
    # Ranges of prices are those of one currency and price list.
    assert executions(stack, statement) - before == (4 if query == "facets" else 1)


def test_a_query_is_one_statement_and_nothing_is_asked_after_it(stack: Stack, client: httpx.Client) -> None:
    """A client's habit of resetting a connection would double the turns that are taken at the pool."""
    uncached(client)
    stack.sql("SELECT pg_stat_statements_reset()")
    for _ in range(5):
        assert uncached(client).status_code == 200
    assert executions(stack, "products.search ") == 5
    others = "query NOT LIKE '/* %' AND query !~* 'pg_stat_statements'"
    assert stack.sql(f"SELECT coalesce(string_agg(query, '; '), '') FROM pg_stat_statements WHERE {others}") == ""


def test_a_result_lives_as_long_as_its_query_may(stack: Stack, member: httpx.Client) -> None:
    for query, pair, pattern in (("listing", "computed", "cache:listing:3:*"), ("stock", "data", "cache:stock:7:*")):
        member.get(CACHED[query][0])
        node: Any = stack.redis.master(pair).client()
        (key,) = node.keys(pattern)
        # A tenth less at most, so that not all expire at once.
        assert 0.85 * TTLS[query].ttl < node.ttl(key) <= TTLS[query].ttl


def test_a_page_from_the_cache_is_the_page_from_the_database(member: httpx.Client) -> None:
    """Cursors too: of numbers, decimals and moments."""
    for sort in ("popularity", "price", "-price", "rating", "newest"):
        path = f"/api/products?sort={sort}&limit=20"
        first, again = member.get(path).json(), member.get(path).json()
        assert first == again
        following = f"{path}&cursor={first['next_cursor']}"
        following_page = member.get(following).json()
        assert following_page == member.get(following).json()
        assert not {item["id"] for item in first["items"]} & {item["id"] for item in following_page["items"]}


def test_a_write_throws_away_the_results_that_it_changes(stack: Stack, member: httpx.Client) -> None:
    listing = "/api/products?sort=newest&limit=100"
    product = member.get(listing).json()["items"][0]["id"]
    name = "Renamed " + "".join(random.choices(string.ascii_lowercase, k=12))
    changed = member.put(f"/api/products/{product}", json={"name": name}, headers=ADMIN)
    assert changed.status_code == 200
    assert member.get(listing).json()["items"][0]["name"] == name
    found = member.get("/api/search", params={"q": name}).json()["items"]
    assert name in {item["name"] for item in found}

    stock = f"/api/products/{product}/inventory"
    member.get(stock)
    warehouse = stack.sql(f"SELECT warehouse FROM inventory WHERE product_id = {product} LIMIT 1")
    total = member.patch(stock, json={"warehouse": warehouse, "quantity": 4321}, headers=ADMIN).json()["quantity"]
    assert member.get(stock).json()["quantity"] == total


# --- failures --------------------------------------------------------------------------------------------------------


def uncached(client: httpx.Client) -> httpx.Response:
    """A read that no cache can answer."""
    return client.get(f"/api/search?q={uuid.uuid4()}")


def refused_and_then_recovered(client: httpx.Client, pool: PgBouncer) -> None:
    """With pgBouncer as it is configured now the API says when to come back; with the declared one it just works."""
    cached = "/api/products/9"
    assert client.get(cached).status_code in (200, 503)
    for answer in (uncached(client), client.put("/api/products/8", json={"name": "No"}, headers=ADMIN)):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "no-store" in answer.headers["cache-control"]
        assert PASSWORD not in answer.text
    assert client.get(cached).status_code == 200
    pool.restart(SETTINGS)
    eventually(lambda: uncached(client).status_code == 200, "recovery without a restart of the API")
    assert client.put("/api/products/8", json={"name": "Yes"}, headers=ADMIN).status_code == 200


def test_a_wrong_password_is_503_until_it_is_right(client: httpx.Client, pool: PgBouncer) -> None:
    client.get("/api/products/9")
    pool.restart(SETTINGS, users=SECRETS.model_copy(update={"app": SecretStr("another-password-long-enough")}))
    refused_and_then_recovered(client, pool)
    assert "authentication failed" in pool.log.read_text()


def test_an_unknown_database_is_503_until_it_is_known(client: httpx.Client, pool: PgBouncer) -> None:
    client.get("/api/products/9")
    pool.restart(SETTINGS, database="another")
    refused_and_then_recovered(client, pool)
    assert "no such database: simone" in pool.log.read_text()


def test_a_full_queue_is_503_until_there_is_room(client: httpx.Client, pool: PgBouncer) -> None:
    """One connection, and somebody who keeps it."""
    client.get("/api/products/9")
    pool.restart(SETTINGS.model_copy(update={"default_pool_size": 1, "reserve_pool_size": 0, "query_wait_timeout": 1}))

    async def while_held() -> None:
        holder: Any = await pool.connect()
        transaction = holder.transaction()
        await transaction.start()
        await holder.fetchval("SELECT 1")
        await asyncio.to_thread(refused_and_then_recovered, client, pool)
        await holder.close()

    asyncio.run(while_held())
    assert "query_wait_timeout" in pool.log.read_text()


def test_a_wrong_password_of_postgres_itself_is_503_too(stack: Stack, client: httpx.Client, pool: PgBouncer) -> None:
    """pgBouncer knows the client and Postgres doesn't know pgBouncer: a password changed in one place only."""
    verifier = stack.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    client.get("/api/products/9")
    stack.sql("ALTER ROLE app PASSWORD 'changed elsewhere'")
    pool.restart(SETTINGS)
    assert uncached(client).status_code == 503
    assert client.get("/api/products/9").status_code == 200
    stack.sql(f"ALTER ROLE app PASSWORD '{verifier}'")
    eventually(lambda: uncached(client).status_code == 200, "recovery")


async def connect_as_owner(stack: Stack) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(stack.postgres.dsn("simone"), port=stack.postgres_port)


def test_exhausted_connections_are_503_until_there_are_some(
    stack: Stack, client: httpx.Client, pool: PgBouncer
) -> None:
    """Somebody else takes all of Postgres's connections, pgBouncer's among them."""
    client.get("/api/products/9")

    async def hog() -> None:
        hogs: list[Any] = []
        try:
            while True:
                hogs.append(await connect_as_owner(stack))
        except asyncpg.TooManyConnectionsError:
            pass
        await hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        try:
            while True:
                hogs.append(await connect_as_owner(stack))
        except asyncpg.TooManyConnectionsError:
            pass
        try:
            answer = await asyncio.to_thread(uncached, client)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert (await asyncio.to_thread(client.get, "/api/products/9")).status_code == 200
        finally:
            for one in hogs:
                one.terminate()

    asyncio.run(hog())
    eventually(lambda: uncached(client).status_code == 200, "recovery")
