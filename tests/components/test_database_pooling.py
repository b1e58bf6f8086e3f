"""pgBouncer as declared, in front of a real Postgres: many clients on few connections, clear errors, nothing lost."""

import asyncio
import contextlib
import itertools
import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from pydantic import SecretStr

from app.api.database_pool import open_pool
from app.api.settings import Settings
from app.database import failures
from app.database.migrations import upgrade
from app.database.queries import orders, products
from app.database.roles import Verifiers
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import DATABASE
from components.scram import scram_verifier
from components.settings.secrets import PostgresSecrets
from testing.pgbouncer import PgBouncer
from testing.postgres import Cluster
from testing.waits import eventually_async

SECRETS = PostgresSecrets(
    owner=SecretStr("owner-" + 4 * "password"),
    app=SecretStr("app-" + 4 * "password"),
    exporter=SecretStr("exporter-" + 4 * "password"),
)
SETTINGS = PgBouncerSettings.model_validate(
    {"server_tls_mode": "disable", "max_prepared_statements": None, "query_wait_timeout": "3s"}
)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A durable Postgres: what it acknowledges, it keeps."""
    with Cluster({"max_connections": "60"}, durable=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def shop_database(server: Cluster) -> str:
    """The declared database with one product of which there is a lot, and the application's role."""

    async def make() -> None:
        administrator = await asyncpg.connect(server.dsn())
        await administrator.execute(f"CREATE DATABASE {DATABASE}")
        await administrator.close()
        await upgrade(
            server.dsn(DATABASE),
            Verifiers(app=scram_verifier("app", SECRETS.app), exporter=scram_verifier("exporter", SECRETS.exporter)),
        )
        owner = await asyncpg.connect(server.dsn(DATABASE))
        await owner.execute(
            """
            INSERT INTO categories (slug, name, department) VALUES ('lamps', 'Lamps', 'Home');
            INSERT INTO users (email, name, country) VALUES ('a@example.com', 'A', 'DE');
            INSERT INTO products (category_id, sku, slug, name, brand, description, status, image, image_width,
                                  image_height, image_blurhash, prices)
            VALUES (1, 's', 'lamp', 'Lamp', 'B', 'D', 'active', 'i', 1, 1, 'b',
                    '{"free": {"EUR": 999}, "premium": {"EUR": 899}}');
            INSERT INTO inventory (product_id, warehouse, quantity) VALUES (1, 'eu-central', 1000000);
            """
        )
        await owner.close()

    asyncio.run(make())
    return DATABASE


@pytest.fixture
def pgbouncer(server: Cluster, shop_database: str) -> Iterator[PgBouncer]:
    """A pool in front of it."""
    with PgBouncer(server, SECRETS, SETTINGS) as running:
        yield running


@pytest.fixture
async def owner(server: Cluster, shop_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A look from behind."""
    connection = await asyncpg.connect(server.dsn(DATABASE))
    yield connection
    await connection.close()


async def buy(connection: asyncpg.Connection) -> int:
    async with connection.transaction():
        order = await orders.checkout(
            connection,
            orders.Customer(1),
            quantities={1: 1},
            currency="EUR",
            price_list="free",
            shipping_address={},
        )
    return order.id


async def many_clients(pgbouncer: PgBouncer, owner: asyncpg.Connection, count: int) -> int:
    """All connected at once, then all asking at once; gives how many connections Postgres had at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 2 * count + 200, f"too few file descriptors here: ulimit -n is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    turns = asyncio.Semaphore(20)  # sign-ins cost both sides time; being connected is what counts

    async def sign_in() -> asyncpg.Connection:
        async with turns:
            return await pgbouncer.connect()

    clients = await asyncio.gather(*(sign_in() for _ in range(count)))
    most = 0

    async def ask(client: asyncpg.Connection) -> None:
        for _ in range(2):
            found = await products.get(client, 1)
            assert found is not None
            assert found.name == "Lamp"

    asking = asyncio.gather(*(ask(client) for client in clients))
    while not asking.done():
        most = max(most, await owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"))
        await asyncio.sleep(0.02)
    await asking
    await asyncio.gather(*(client.close() for client in clients))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most


async def test_no_connection_of_the_api_outlives_half_a_drain_however_busy_it_is(pgbouncer, tmp_path):
    """So the API leaves a pod that drains. While a connection lives, it is one and the same."""
    (tmp_path / "database-password").write_text(SECRETS.app.get_secret_value())
    settings = Settings(database_port=pgbouncer.port, database_connection_seconds=1, secrets_dir=tmp_path)
    used: list[int] = []
    async with open_pool(settings) as pool:

        async def used_four() -> bool:
            async with pool.acquire() as connection:
                await connection.fetchval("SELECT 1")
                used.append(connection.get_server_pid())
            return len(set(used)) == 4

        await eventually_async(used_four, "a fourth connection")
    # None comes back, and they are used again while they live.
    assert [pid for pid, _ in itertools.groupby(used)] == list(dict.fromkeys(used))
    assert max(Counter(used).values()) > 1


async def test_200_clients_share_the_declared_connections_without_an_error(pgbouncer, owner):
    assert 0 < await many_clients(pgbouncer, owner, 200) <= SETTINGS.default_pool_size


@pytest.mark.full
async def test_1000_clients_share_the_declared_connections_without_an_error(server, shop_database, owner):
    """All 1,000 ask in the same instant, and wait no longer than declared."""
    declared = SETTINGS.model_copy(
        update={"query_wait_timeout": PgBouncerSettings().query_wait_timeout, "reserve_pool_size": 0}
    )
    with PgBouncer(server, SECRETS, declared) as pool:
        assert 0 < await many_clients(pool, owner, 1000) <= SETTINGS.default_pool_size == 25


async def test_a_wrong_password_is_refused_and_says_so(pgbouncer):
    with pytest.raises(asyncpg.PostgresError, match=r"(?i)authentication|password"):
        await pgbouncer.connect(password="wrong")
    await (await pgbouncer.connect()).close()


async def test_an_unknown_database_is_refused_by_name(pgbouncer):
    with pytest.raises(asyncpg.PostgresError, match="nowhere"):
        await pgbouncer.connect(database="nowhere")


async def test_a_full_queue_is_an_error_in_seconds_and_then_over(server, shop_database, owner):
    one = SETTINGS.model_copy(update={"default_pool_size": 1, "reserve_pool_size": 0, "query_wait_timeout": 1})
    with PgBouncer(server, SECRETS, one) as pool:
        holder, waiting = await pool.connect(), await pool.connect()
        transaction = holder.transaction()
        await transaction.start()
        await holder.fetchval("SELECT 1")
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await waiting.fetchval("SELECT 1", timeout=10)
        await transaction.rollback()
        assert await (await pool.connect()).fetchval("SELECT 2") == 2


async def test_exhausted_connections_are_errors_until_there_are_some_again(server, shop_database, pgbouncer, owner):
    """Somebody else takes all of Postgres's connections: the pool's clients get errors, then recover by themselves."""
    hogs: list[asyncpg.Connection] = []
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        while True:
            hogs.append(await asyncpg.connect(server.dsn(DATABASE)))
    client_failed = False
    try:
        client = await pgbouncer.connect()
        await client.fetchval("SELECT 1", timeout=10)
    except failures.ANY:
        client_failed = True
    for hog in hogs:
        await hog.close()
    assert client_failed

    async def works() -> bool:
        return await (await pgbouncer.connect()).fetchval("SELECT 1") == 1

    await eventually_async(works, "the pool recovers", failing=failures.ANY)


async def test_postgres_crashing_under_load_loses_no_acknowledged_order(server, shop_database, pgbouncer):
    acknowledged: list[int] = []
    failed = 0
    over = asyncio.Event()

    async def buyer() -> None:
        nonlocal failed
        connection: asyncpg.Connection | None = None
        while not over.is_set():
            try:
                if connection is None or connection.is_closed():
                    connection = await pgbouncer.connect()
                acknowledged.append(await asyncio.wait_for(buy(connection), 10))  # pyright: ignore[reportArgumentType]
            except failures.ANY:
                failed += 1
                if connection is not None:
                    connection.terminate()
                connection = None
                await asyncio.sleep(0.1)

    buyers = [asyncio.create_task(buyer()) for _ in range(6)]
    await eventually_async(lambda: len(acknowledged) > 50)
    await asyncio.to_thread(server.stop, "immediate")
    server.start()  # not in another thread, with which it would end
    before = len(acknowledged)
    await eventually_async(lambda: len(acknowledged) > before + 50)  # it goes on without anybody's help
    over.set()
    await asyncio.gather(*buyers)
    owner = await asyncpg.connect(server.dsn(DATABASE))
    kept = {row["id"] for row in await owner.fetch("SELECT id FROM orders")}
    sold = await owner.fetchval("SELECT 1000000 - quantity FROM inventory WHERE product_id = 1")
    ordered = await owner.fetchval("SELECT sum(quantity) FROM order_items")
    await owner.close()
    assert failed > 0
    assert set(acknowledged) <= kept
    assert sold == ordered
