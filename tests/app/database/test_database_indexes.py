"""Every index earns its keep: some query of the shop uses it, and no other index could do its work."""

from collections import defaultdict

import pytest
from databases import SIZE

from app.database.queries import STATEMENTS
from testing.queries import back_office
from testing.queries.busy_day import fill_busy_day
from testing.queries.calls import sample_calls
from testing.queries.plans import QueryPlan, read_plan

ASKS = (back_office,)
"""Some indexes are for its statements, which its import names: without it this file can't be run alone."""
SPECIFIED = {
    "idx_products_category_status",
    "idx_products_popularity",
    "idx_orders_user_date",
    "idx_inventory_product",
    "idx_reviews_product_rating",
    "idx_products_active",
    "idx_orders_pending",
}


async def explain_all(connection) -> dict[str, QueryPlan]:
    calls = await sample_calls(connection)
    return {
        name: read_plan(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {STATEMENTS[name]}", *arguments))
        for name, arguments in calls.items()
    }


async def test_the_specified_indexes_exist(catalogue):
    names = {row["indexname"] for row in await catalogue.fetch("SELECT indexname FROM pg_indexes")}
    assert names >= SPECIFIED


async def test_there_are_at_least_eight_indexes_beyond_the_specified_ones(catalogue):
    plain = await catalogue.fetch("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'idx\\_%'")
    assert len({row["indexname"] for row in plain} - SPECIFIED) >= 8


async def test_every_index_is_used_by_a_named_query(catalogue):
    await fill_busy_day(catalogue, SIZE.users)
    used_by: defaultdict[str, list[str]] = defaultdict(list)
    for name, plan in (await explain_all(catalogue)).items():
        for index in plan.indexes():
            used_by[index].append(name)
    rows = await catalogue.fetch("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'idx\\_%'")
    unused = sorted(row["indexname"] for row in rows if row["indexname"] not in used_by)
    assert not unused, f"no named query uses {unused}"


async def test_no_index_is_a_duplicate_or_a_mere_beginning_of_another(catalogue):
    """An index is redundant if another, of the same kind and with the same condition, begins with its columns."""
    redundant = await catalogue.fetch(
        """
        WITH keys AS (
            SELECT i.indexrelid::regclass::text AS name, i.indrelid, c.relam, i.indisunique,
                   coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS condition,
                   array(SELECT pg_get_indexdef(i.indexrelid, k, true) || ':' || i.indoption[k - 1]
                         FROM generate_series(1, i.indnkeyatts) k) AS columns
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        )
        SELECT a.name AS redundant, b.name AS because_of FROM keys a JOIN keys b
        ON a.indrelid = b.indrelid AND a.relam = b.relam AND a.condition = b.condition AND a.name <> b.name
        AND a.columns = b.columns[:cardinality(a.columns)] AND NOT a.indisunique
        """
    )
    assert not redundant


@pytest.mark.parametrize("table", ["products", "orders", "order_items", "reviews", "users", "inventory"])
async def test_no_query_of_a_single_row_reads_a_whole_table(catalogue, table):
    await fill_busy_day(catalogue, SIZE.users)
    whole_table = {"products.ranked"}  # it is about all products
    scanning = [
        name
        for name, plan in (await explain_all(catalogue)).items()
        if name not in whole_table
        and any(node["Node Type"] == "Seq Scan" and node.get("Relation Name") == table for node in plan.nodes())
    ]
    assert not scanning


@pytest.mark.parametrize(
    "query", ["reviews.best.first", "reviews.best.next", "reviews.newest.next", "products.list.all.popularity.next"]
)
async def test_a_page_among_many_equals_is_read_without_sorting_them_all(catalogue, query):
    plan = (await explain_all(catalogue))[query]
    assert not [node["Node Type"] for node in plan.nodes() if "Sort" in node["Node Type"]]
