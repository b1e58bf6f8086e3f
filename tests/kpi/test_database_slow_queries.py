"""The slow-query report finds what is wrong with a statement, changes nothing, and gives no value away."""

import asyncio
import io
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from app.database.queries import STATEMENTS
from kpi.database.__main__ import app
from kpi.database.address import Address
from kpi.database.slow_queries.judge import Category
from kpi.database.slow_queries.log import read_logs
from kpi.database.slow_queries.report import SlowQueries, find_slow_queries, report_of
from kpi.database.slow_queries.statistics import NoStatistics
from kpi.report import html, markdown, print_report
from testing.postgres import Cluster
from testing.queries.calls import gather_facts, in_rolled_back_transaction, sample_calls
from testing.queries.literals import hide_literals
from testing.queries.slow_forms import REWRITES

LOG_PREFIX = "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:"
"""RDS's."""


@pytest.fixture(scope="module")
def logging_cluster() -> Iterator[Cluster]:
    """A server that logs every statement, and little memory for sorts."""
    settings = {"log_min_duration_statement": "0", "log_line_prefix": LOG_PREFIX, "work_mem": "256kB", "jit": "off"}
    with Cluster(settings) as cluster:
        yield cluster


SPILL = "SELECT p.id, p.description FROM products p ORDER BY p.description, p.id"
SECRET = "Mrs Miller's secret"


@pytest.fixture(scope="module")
def report(logging_cluster: Cluster) -> SlowQueries:
    """What is said of a database in which every slow form ran, and nothing else."""

    async def make() -> SlowQueries:
        administrator = await asyncpg.connect(logging_cluster.dsn())
        await administrator.execute("CREATE DATABASE shop")
        await administrator.close()
        dsn = logging_cluster.dsn("shop")
        await upgrade(dsn)
        await load(dsn, Size(products=4000, users=2000, orders=20_000, reviews=60_000))
        connection = await asyncpg.connect(dsn)
        facts = await gather_facts(connection)
        await connection.execute("SELECT pg_stat_statements_reset()")
        logging_cluster.log.write_text("")
        for rewrite in REWRITES:
            await rewrite.slow(connection, facts)
        await connection.fetch(SPILL)
        await connection.fetch(f"SELECT id FROM users WHERE name = '{SECRET.replace(chr(39), chr(39) * 2)}'")
        await connection.close()
        return await find_slow_queries(dsn, logs=[logging_cluster.log])

    return asyncio.run(make())


SIGNS = {
    "stock of each product of a listing": "SELECT quantity FROM inventory WHERE product_id = ?",
    "lines of each order of a customer": "SELECT product_id, quantity FROM order_items WHERE order_id = ?",
    "author of each review": "SELECT name FROM users WHERE id = ?",
    "products of a cart": "SELECT id, name FROM products WHERE id = ?",
    "stock of a cart": "SELECT sum(quantity) FROM inventory WHERE product_id = ?",
    "products with a very good review": "IN (SELECT DISTINCT product_id FROM reviews",
    "bestseller list with ranks": "p2.popularity > p.popularity",
    "best rated products of a category": "ORDER BY (SELECT round(coalesce(avg(r.rating)",
    "twenty pages of new products": "OFFSET ?",
    "is there another page?": "count(*) OVER ()",
    "orders to fulfil": "FROM orders WHERE status NOT IN (?)",
    "a customer by address": "upper(email) = upper(?)",
    "orders of a day": "date_trunc(?, created_at, ?)",
    "suggestions while typing": "strpos(lower(name), lower(?))",
}


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name.replace(" ", "-"))
def test_it_finds_and_categorises_every_slow_form(rewrite, report: SlowQueries):
    found = [verdict for verdict in report.verdicts if SIGNS[rewrite.name] in verdict.usage.text]
    assert [str(verdict.category) for verdict in found] == [rewrite.fault], [verdict.because for verdict in found]


def test_it_finds_a_sort_that_did_not_fit_into_memory(report: SlowQueries):
    (verdict,) = [verdict for verdict in report.verdicts if "ORDER BY p.description" in verdict.usage.text]
    assert verdict.category is Category.SORT_SPILL


def test_it_takes_the_95th_percentile_from_the_log_where_it_can(report: SlowQueries):
    (verdict,) = [v for v in report.verdicts if "SELECT quantity FROM inventory" in v.usage.text]
    assert not verdict.usage.p95_estimated


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_shows_every_figure_however_long_the_statements_are(report: SlowQueries, width: int):
    console = Console(width=width, record=True, file=io.StringIO())
    print_report(report_of(report), console)
    first = report.verdicts[0]
    (line,) = [line for line in console.export_text().splitlines() if line.split()[:1] == ["1"]]
    for figure in (f"{first.usage.share:.1%}", f"{first.usage.calls:,}", f"{first.usage.mean_ms:,.2f}", first.category):
        assert figure in line


def test_it_is_ordered_by_total_time_and_shares_add_up(report: SlowQueries):
    totals = [verdict.usage.total_ms for verdict in report.verdicts]
    assert totals == sorted(totals, reverse=True)
    assert sum(verdict.usage.share for verdict in report.verdicts) == pytest.approx(1, abs=0.05)


async def test_the_shops_own_reads_are_run_with_its_own_samples(own_shop, shop_dsn: str):
    """Also those with constants in them, which the statistics turn into parameters."""
    calls = await sample_calls(own_shop)
    await own_shop.execute("SELECT pg_stat_statements_reset()")
    for name, arguments in calls.items():
        await in_rolled_back_transaction(own_shop, STATEMENTS[name], arguments)
    verdicts = {verdict.usage.name: verdict for verdict in (await find_slow_queries(shop_dsn, top=200)).verdicts}
    reads = {name for name, sql in STATEMENTS.items() if not re.search(r"\b(INSERT|UPDATE|DELETE)\b", sql)}
    assert {"products.search", "orders.to_fulfil", "categories.all"} <= reads <= verdicts.keys()
    notes = {name: verdicts[name].explained.note for name in reads}
    assert set(notes.values()) == {"run with the shop's own sample"}, notes
    assert "writes" in verdicts["products.update"].explained.note


@pytest.mark.parametrize("render", [markdown, html])
def test_it_never_shows_a_value(report: SlowQueries, render):
    page = render(report_of(report))
    assert "FROM users WHERE name = ?" in page
    assert "Miller" not in page


def test_html_of_a_statement_is_text_and_never_markup(report: SlowQueries):
    assert "<script" not in html(report_of(report))
    assert "p2.popularity &gt; p.popularity" in html(report_of(report))


@given(st.text())
def test_a_string_literal_is_hidden_whatever_is_in_it(value: str):
    sql = "SELECT 1 FROM t WHERE a = '{}' AND b = $x${}$x$".format(value.replace("'", "''"), value.replace("$", ""))
    assert hide_literals(sql) == "SELECT ? FROM t WHERE a = ? AND b = ?"


@pytest.mark.parametrize(
    ("sql", "hidden"),
    [
        ("SELECT a1, t.b2 FROM t WHERE x > 1.5e-3", "SELECT a1, t.b2 FROM t WHERE x > ?"),
        ("SELECT E'it\\'s' || U&'x' || x'1F'", "SELECT ? || ? || ?"),
        ('SELECT "Column 1" FROM "t""2"', 'SELECT "Column 1" FROM "t""2"'),
        ("SELECT 1 -- for Mrs Miller\n, 2 /* and hers */", "SELECT ? , ?"),
        ("SELECT 'cut off in the mid", "SELECT ?"),
        ("/* products.get */ SELECT x FROM p WHERE id = $1", "/* products.get */ SELECT x FROM p WHERE id = ?"),
        ("SELECT x FROM p WHERE id IN (1, 2,3)", "SELECT x FROM p WHERE id IN (?)"),
        ("SELECT extract(epoch FROM a), EXTRACT($1 FROM b)", "SELECT extract(? FROM a), EXTRACT(? FROM b)"),
    ],
)
def test_literals_of_every_kind_are_hidden_and_names_are_not(sql: str, hidden: str):
    assert hide_literals(sql) == hidden


def test_a_log_is_read_whatever_its_prefix(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text(
        "2026-01-01 00:00:00 UTC [17]: [1-1] user=a LOG:  duration: 120.5 ms  execute s1: SELECT x\n"
        "\tFROM t WHERE id = $1\n"
        "2026-01-01 00:00:00 UTC [17]: [2-1] user=a DETAIL:  parameters: $1 = 'it''s'\n"
        "2026-01-01 00:00:01.000 UTC:10.0.0.1(5):a@b:[18]:1:00000:x LOG:  duration: 7 ms  statement: SELECT 1\n"
        "not a log line at all\n"
    )
    executions = read_logs([log])
    assert executions["SELECT x FROM t WHERE id = ?"].slowest_parameters == ("'it''s'",)
    assert executions["SELECT ?"].milliseconds == [7.0]


def run_command(url: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kpi.database", "slow-queries", "--output", str(directory), *arguments],
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reader_without_any_right_to_write_can_make_it(cluster: Cluster, shop_dsn: str, tmp_path: Path):
    database = shop_dsn.rpartition("/")[2].partition("?")[0]

    async def add_reader() -> None:
        connection = await asyncpg.connect(shop_dsn)
        await connection.execute("DROP ROLE IF EXISTS reader")
        await connection.execute("CREATE ROLE reader LOGIN PASSWORD 'p&$w@rd' IN ROLE pg_read_all_stats")
        await connection.fetch("SELECT count(*) FROM products WHERE popularity > 5")
        await connection.close()

    asyncio.run(add_reader())
    done = run_command(cluster.dsn(database, "reader", "p&$w@rd"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SELECT count(*) FROM products WHERE popularity > ?" in (tmp_path / "slow-queries.md").read_text()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql://a:hunter2@127.0.0.1:1/b", "DATABASE_URL: ConnectionRefusedError"),
        ("postgresql://a:hunter/2@127.0.0.1:x/b", "DATABASE_URL is not a Postgres URL"),
        ("mysql://a:hunter2@127.0.0.1/b", "DATABASE_URL"),
    ],
)
def test_a_database_out_of_reach_is_one_clear_line(tmp_path: Path, url: str, complaint: str):
    done = run_command(url, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(complaint)
    assert "hunter" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("parameters", "not_taken"),
    [
        ("", ""),
        ("pgbouncer=true&connect_timeout=10&schema=public&application_name=report&sslmode=prefer", "schema"),
        ("schema=public&connect_timeout=0&channel_binding=prefer&options=-c%20lock_timeout%3D1s", ""),
        ("channel_binding=require&keepalives=1&keepalives_idle=30&connection_limit=5", "channel_binding, keepalives"),
    ],
)
def test_parameters_of_a_url_are_taken_or_named(
    cluster: Cluster, shop_dsn: str, tmp_path: Path, parameters: str, not_taken: str
):
    done = run_command(f"{shop_dsn}&{parameters}".removesuffix("&"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert bool(not_taken) == ("ignored" in done.stderr)
    assert not_taken in done.stderr


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ("connect_timeout=soon", "connect_timeout=soon: a whole number of seconds"),
        ("sslrootcert=system&sslmode=require", "sslmode=require with sslrootcert=system"),
    ],
)
def test_a_parameter_with_a_wrong_value_is_named(tmp_path: Path, parameters: str, complaint: str):
    done = run_command(f"postgresql://a:hunter2@127.0.0.1:1/b?{parameters}", tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "hunter2" not in done.stderr


def test_the_system_s_authorities_are_asked_for_by_name():
    address = Address.parse("postgresql://a@db.example.com/b?sslrootcert=system&sslmode=verify-full")
    assert address.dsn == "postgresql://a@db.example.com/b"
    assert address.arguments["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert address.arguments["ssl"].check_hostname


async def _in(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    for sql in statements:
        await connection.execute(sql)
    await connection.close()


ASKED = "SELECT count(*) FROM pg_class WHERE relpages > 5"


async def test_a_statement_of_two_roles_and_of_a_function_is_one(cluster: Cluster, empty_dsn: str):
    database = empty_dsn.rpartition("/")[2].partition("?")[0]
    await _in(
        empty_dsn,
        "DROP ROLE IF EXISTS second",
        "CREATE ROLE second LOGIN SUPERUSER PASSWORD 'second'",
        f"CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN ({ASKED}); END$$",
        "SELECT pg_stat_statements_reset()",
        *[ASKED] * 3,
        "SELECT nested()",
    )
    await _in(cluster.dsn(database, "second", "second"), *[ASKED] * 2)
    report = await find_slow_queries(empty_dsn)
    found = [verdict.usage.calls for verdict in report.verdicts if verdict.usage.text == hide_literals(ASKED)]
    assert found == [5]
    # Not to be seen by the next one.
    again = await find_slow_queries(empty_dsn)
    assert not [verdict.usage.text for verdict in again.verdicts if "pg_stat_statements s" in verdict.usage.text]


async def test_the_extension_may_be_in_another_schema(empty_dsn: str):
    await _in(empty_dsn, 'CREATE SCHEMA "Tools"', 'ALTER EXTENSION pg_stat_statements SET SCHEMA "Tools"', ASKED)
    assert hide_literals(ASKED) in {verdict.usage.text for verdict in (await find_slow_queries(empty_dsn)).verdicts}


async def test_a_role_that_sees_its_own_statements_only_is_told_the_grant(cluster: Cluster, empty_dsn: str):
    database = empty_dsn.rpartition("/")[2].partition("?")[0]
    await _in(empty_dsn, "DROP ROLE IF EXISTS blind", "CREATE ROLE blind LOGIN PASSWORD 'blind'", ASKED)
    with pytest.raises(NoStatistics, match="GRANT pg_read_all_stats TO blind"):
        await find_slow_queries(cluster.dsn(database, "blind", "blind"))


@pytest.mark.parametrize("word", ["parameters", "Parameters"])
async def test_a_missing_index_is_found_by_the_parameters_of_a_log(empty_dsn: str, tmp_path: Path, word: str):
    await _in(
        empty_dsn,
        "CREATE TABLE told (id int, c text)",
        "INSERT INTO told SELECT n, 'v' || n FROM generate_series(1, 20000) n",
        "SELECT pg_stat_statements_reset()",
    )
    connection = await asyncpg.connect(empty_dsn)
    await connection.fetch("SELECT id FROM told WHERE c = $1", "v1")
    await connection.close()
    log = tmp_path / "log"
    prefix = "2026-01-01 10:00:00 UTC:10.0.0.1(1):app@postgres:[77]:"
    log.write_text(
        f"{prefix}LOG:  duration: 5.1 ms  execute q: SELECT id FROM told WHERE c = $1\n"
        f"{prefix}DETAIL:  {word}: $1 = 'v1'\n"
    )
    report = await find_slow_queries(empty_dsn, logs=[log])
    (found,) = [verdict for verdict in report.verdicts if "FROM told WHERE" in verdict.usage.text]
    assert found.category is Category.MISSING_INDEX


@pytest.mark.parametrize("chosen", [False, True])
def test_a_quiet_log_of_rds_is_left_aside_and_a_chosen_one_refused(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: bool
):
    log = tmp_path / "log"
    log.write_text("2026-01-01 10:00:00 UTC::@:[77]:LOG:  checkpoint starting: time\n")
    monkeypatch.setattr("kpi.database.__main__._download", lambda *_: [log])
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    given = ["--log", str(log)] if chosen else ["--rds", "shop"]
    done = CliRunner().invoke(app, ["slow-queries", "--output", str(tmp_path), *given])
    assert done.exit_code == int(chosen), done.output
    assert "no statement with its duration is in the log" in done.output
    assert (tmp_path / "slow-queries.md").exists() != chosen
