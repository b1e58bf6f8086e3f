"""Migrations can run at once, again and after a mishap; roles may do what they are for and no more."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import asyncpg
import pytest
from databases import SIZE, create_database
from pydantic import SecretStr

from app.database.catalogue import Size, load
from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS
from app.database.migrations import upgrade
from app.database.migrations.run import newest_revision
from app.database.queries import STATEMENTS
from app.database.roles import GRANTS_TO_APP, TWINS, Verifiers
from components.scram import scram_verifier
from testing.queries.calls import sample_calls

TINY = Size(products=60, users=20, orders=50, reviews=30)


OWNERS = {"tokens.issue", "tokens.revoke", "orders.set_status"}
"""Statements of the back office, which isn't the shop's role."""
FORBIDDEN_KINDS = (
    "SCHEMA mine",
    "FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
    "TYPE mine AS ENUM ('a')",
    "DOMAIN mine AS int",
    "SEQUENCE mine",
    "VIEW mine AS SELECT 1",
    "TEMPORARY SEQUENCE mine",
    "TEMPORARY VIEW mine AS SELECT 1",
    "ROLE mine",
    "DATABASE mine",
    "EXTENSION hstore",
    "PUBLICATION mine FOR ALL TABLES",
    "TRIGGER mine BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION set_updated_at()",
)
FORBIDDEN_ON_THE_SERVER = (
    "SELECT * FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "COPY categories TO '/tmp/mine'",
    "COPY categories FROM PROGRAM 'id'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT pg_stat_statements_reset()",
    "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SET session_replication_role = replica",
    "SET ROLE simone_owner",
    "SET ROLE exporter",
    "ALTER ROLE app SUPERUSER",
    "ALTER ROLE exporter LOGIN PASSWORD 'x'",
)
FORBIDDEN = (
    "DELETE FROM orders",
    "UPDATE orders SET total = 1",
    "UPDATE orders SET status = 'shipped'",
    "UPDATE users SET tier = 'premium'",
    "UPDATE users SET email = 'x@example.com'",
    "INSERT INTO users (email, name, country, tier) VALUES ('x@example.com', 'X', 'DE', 'premium')",
    "UPDATE account_mails SET email = 'x@example.com'",
    "UPDATE addresses SET user_id = 1",
    "UPDATE products SET popularity = 1",
    "UPDATE reviews SET rating = 5",
    "UPDATE idempotency_keys SET scope = 'user:1'",
    "UPDATE service_tokens SET revoked_at = NULL",
    "CREATE TEMPORARY TABLE mine (id int)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "UPDATE order_items SET quantity = 9",
    "DROP TABLE users",
    "CREATE TABLE mine (id int)",
    "SELECT * FROM alembic_version",
    "INSERT INTO service_tokens (name, token_digest, role) VALUES ('x', sha256('x'), 'admin')",
    "DELETE FROM users",
    "TRUNCATE sessions",
    "ALTER TABLE users ADD COLUMN mine int",
    "CREATE INDEX mine ON users (name)",
    "SELECT setval(pg_get_serial_sequence('orders', 'id'), 1)",
    *(f"CREATE {kind}" for kind in FORBIDDEN_KINDS),
    *FORBIDDEN_ON_THE_SERVER,
)


def verifier(password: str) -> str:
    return scram_verifier("test", SecretStr(password))


async def test_several_at_once_take_turns_and_one_does_the_work(cluster):
    dsn = await asyncio.to_thread(create_database, cluster, "at_once")
    applied = await asyncio.gather(*(upgrade(dsn) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, max(map(len, applied))]
    assert max(applied)[-1] == newest_revision()


async def test_an_index_whose_building_was_cut_short_is_built_again(cluster, empty_dsn):
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_orders_pending'::regclass")
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    await upgrade(empty_dsn)
    assert await connection.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_orders_pending'::regclass"
    )
    await connection.close()


async def test_a_table_in_use_is_waited_for_briefly_and_then_left_in_peace(cluster, empty_dsn, monkeypatch):
    monkeypatch.setattr("app.database.migrations.run.LOCK_TIMEOUT", "100ms")
    holder = await asyncpg.connect(empty_dsn)
    await holder.execute("UPDATE alembic_version SET version_num = '0002'")
    async with holder.transaction():
        await holder.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            await upgrade(empty_dsn)
    await upgrade(empty_dsn)
    assert await holder.fetchval("SELECT version_num FROM alembic_version") == newest_revision()
    await holder.close()


async def test_roles_sign_in_with_the_passwords_of_their_verifiers_also_after_a_change(cluster, empty_dsn):
    database = empty_dsn.rpartition("/")[2].partition("?")[0]
    for password in ("first & only", "second$"):
        await upgrade(empty_dsn, Verifiers(app=verifier(password), exporter=verifier("watch")))
        connection = await asyncpg.connect(cluster.dsn(database, "app", password))
        await connection.close()
    exporter = await asyncpg.connect(cluster.dsn(database, "exporter", "watch"))
    assert await exporter.fetchval("SELECT count(*) FROM pg_stat_activity") > 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await exporter.fetch("SELECT * FROM users")
    await exporter.close()


@pytest.mark.parametrize("wrong", ["plain password", "SCRAM-SHA-256$4096:x'; DROP TABLE users; --$a:b", ""])
def test_what_is_no_verifier_is_refused_by_name_and_not_repeated(wrong):
    with pytest.raises(ValueError, match="role 'app'") as refused:
        Verifiers(app=wrong, exporter=verifier("x"))
    assert not wrong or wrong not in str(refused.value)


async def test_the_application_may_run_every_query_and_change_nothing_else(cluster, shop_dsn):
    await upgrade(shop_dsn, Verifiers(app=verifier("a"), exporter=verifier("e")))
    database = shop_dsn.rpartition("/")[2].partition("?")[0]
    owner = await asyncpg.connect(shop_dsn)
    calls = await sample_calls(owner)
    app = await asyncpg.connect(cluster.dsn(database, "app", "a"))
    for name in STATEMENTS:
        if name in OWNERS:
            continue
        transaction = app.transaction()
        await transaction.start()
        try:
            await app.fetch(STATEMENTS[name], *calls[name])
        except asyncpg.IntegrityConstraintViolationError:
            pass
        finally:
            await transaction.rollback()
    for forbidden in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(forbidden)
    await app.close()
    await owner.close()


async def test_no_role_has_a_right_that_is_not_declared(cluster, shop_dsn):
    """Whoever gives it: the role itself, everybody's rights, a membership."""
    await upgrade(
        shop_dsn,
        Verifiers(**{role: verifier("x") for roles in TWINS.values() for role in roles}),
    )
    owner = await asyncpg.connect(shop_dsn)
    for role in (role for roles in TWINS.values() for role in roles):
        declared = GRANTS_TO_APP if role in TWINS["app"] else {}
        assert await rights_on_columns(owner, role) == rights_declared(declared, await columns(owner)), role
        assert await owner.fetch(RIGHTS_BEYOND_COLUMNS, role) == [], role
        memberships = await owner.fetch("SELECT rolname FROM pg_roles WHERE pg_has_role($1, oid, 'MEMBER')", role)
        others = {row["rolname"] for row in memberships} - {role}
        assert not others if role in TWINS["app"] else others <= MONITORS, (role, others)
    await owner.close()


MONITORS = {"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"}
RIGHTS_BEYOND_COLUMNS = """
SELECT 'database' AS of, datname::text AS name, held FROM pg_database, unnest('{CREATE,TEMPORARY}'::text[]) held
WHERE datname = current_database() AND has_database_privilege($1, oid, held)
UNION ALL
SELECT 'schema', nspname, 'CREATE' FROM pg_namespace WHERE has_schema_privilege($1, oid, 'CREATE')
UNION ALL
SELECT 'table', oid::regclass::text, held FROM pg_class, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) held
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND has_table_privilege($1, oid, held)
UNION ALL
SELECT 'sequence', oid::regclass::text, held FROM pg_class, unnest('{USAGE,UPDATE}'::text[]) held
WHERE relkind = 'S' AND has_sequence_privilege($1, oid, held)
UNION ALL
SELECT 'function', oid::regprocedure::text, 'EXECUTE' FROM pg_proc
WHERE (prosecdef OR proname LIKE 'lo\\_%' OR proname IN ('loread', 'lowrite'))
    AND has_function_privilege($1, oid, 'EXECUTE')
UNION ALL
SELECT 'attribute', rolname, 'more than a login' FROM pg_roles
WHERE rolname = $1 AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
"""


async def columns(owner: asyncpg.Connection) -> dict[str, list[str]]:
    return {
        row["name"]: row["columns"]
        for row in await owner.fetch(
            """
            SELECT relname AS name, array_agg(attname::text) AS columns
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
            GROUP BY relname
            """
        )
    }


async def rights_on_columns(owner: asyncpg.Connection, role: str) -> set[tuple[str, str, str]]:
    """Table, column, right; a row's DELETE has no column."""
    found: set[tuple[str, str, str]] = set()
    for table, names in (await columns(owner)).items():
        if await owner.fetchval("SELECT has_table_privilege($1, $2, 'DELETE')", role, table):
            found.add((table, "", "DELETE"))
        for right in ("SELECT", "INSERT", "UPDATE"):
            for name in names:
                if await owner.fetchval("SELECT has_column_privilege($1, $2, $3, $4)", role, table, name, right):
                    found.add((table, name, right))
    return found


def rights_declared(grants: Mapping[str, str], columns: Mapping[str, Sequence[str]]) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for table, text in grants.items():
        for right, some in re.findall(r"(\w+)(?: \(([^)]*)\))?(?:, |$)", text):
            names = [""] if right == "DELETE" else some.split(", ") if some else columns[table]
            found |= {(table, name, right) for name in names}
    return found


async def test_every_table_is_granted_or_the_owner_s_on_purpose(catalogue):
    tables = {
        row["tablename"] for row in await catalogue.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    }
    assert tables - set(GRANTS_TO_APP) == {"alembic_version"}


async def test_big_tables_are_vacuumed_early(catalogue):
    rows = await catalogue.fetch("SELECT relname, reloptions FROM pg_class WHERE relname IN ('products', 'orders')")
    assert all("autovacuum_vacuum_scale_factor=0.01" in row["reloptions"] for row in rows)


async def test_an_update_is_dated_by_the_database(catalogue):
    await catalogue.execute("UPDATE products SET popularity = popularity + 1 WHERE id = 1")
    first = await catalogue.fetchval("SELECT updated_at FROM products WHERE id = 1")
    await catalogue.execute("UPDATE products SET popularity = popularity + 1 WHERE id = 1")
    assert await catalogue.fetchval("SELECT updated_at FROM products WHERE id = 1") > first


async def digest(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    answers = [
        await connection.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
        for table in ("categories", "products", "inventory", "users", "orders", "order_items", "reviews")
    ]
    await connection.close()
    return answers


async def test_the_same_size_and_seed_give_the_same_rows(cluster, schema_template):
    digests = []
    for name in ("twin_a", "twin_b"):
        dsn = await asyncio.to_thread(create_database, cluster, name, schema_template)
        assert await load(dsn, TINY)
        digests.append(await digest(dsn))
    assert digests[0] == digests[1]


async def test_a_filled_shop_is_left_alone(shop_dsn):
    before = await digest(shop_dsn)
    assert not await load(shop_dsn, TINY)
    assert await digest(shop_dsn) == before


async def test_a_load_cut_short_leaves_nothing_behind_and_indexes_in_place(empty_dsn):
    def cut(table: str, done: int, total: int) -> None:
        if table == "orders":
            task.cancel()

    connection = await asyncpg.connect(empty_dsn)
    before = await connection.fetchval("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'")
    task = asyncio.create_task(load(empty_dsn, TINY, cut))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await connection.fetchval("SELECT count(*) FROM products") == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'") == before
    await connection.close()


async def test_the_catalogue_has_the_size_asked_for(catalogue):
    counts = {
        table: await catalogue.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("categories", "products", "users", "orders", "reviews")
    }
    assert counts == {
        "categories": SIZE.categories,
        "products": SIZE.products,
        "users": SIZE.users,
        "orders": SIZE.orders,
        "reviews": SIZE.reviews,
    }


async def test_new_rows_go_on_after_the_loaded_ones(own_shop):
    made = await own_shop.fetchval("INSERT INTO orders (user_id, currency, total) VALUES (1, 'EUR', 1) RETURNING id")
    assert made == SIZE.orders + 1


async def test_demand_is_unequal_as_in_a_real_shop(catalogue):
    top = await catalogue.fetchval(
        """
        SELECT sum(pieces)::float / (SELECT count(*) FROM order_items) FROM (
            SELECT count(*) AS pieces FROM order_items GROUP BY product_id ORDER BY 1 DESC LIMIT $1
        ) best
        """,
        SIZE.products // 10,
    )
    assert 0.5 < top < 0.8


async def test_demo_customers_can_sign_in_and_nobody_else_can(catalogue):
    from argon2 import PasswordHasher

    rows = await catalogue.fetch("SELECT email, password_hash FROM users WHERE password_hash IS NOT NULL ORDER BY id")
    assert [row["email"] for row in rows] == list(DEMO_USERS)
    assert all(PasswordHasher().verify(row["password_hash"], DEMO_PASSWORD) for row in rows)


@pytest.mark.parametrize("wrong", [{"products": 0}, {"categories": 61}, {"reviews": 10**9}, {"orders": -1}])
def test_a_size_that_can_not_be_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Size(**wrong)
