"""The before/after report says everything that it promises, and says so when something is too slow."""

import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from app.database.catalogue import Size
from app.database.queries import STATEMENTS
from kpi.criterion import judge
from kpi.database.before_after.report import CRITERIA, Measured, measure_on_own_server, report_of
from kpi.report import write
from testing.queries.slow_forms import REWRITES

pytestmark = pytest.mark.full

SMALL = Size(products=1500, users=800, orders=4000, reviews=5000)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measured, Path]:
    """The report of a small shop, and where it is."""
    directory = tmp_path_factory.mktemp("report")
    measured = measure_on_own_server(SMALL, lambda _: None)
    write(report_of(measured), directory, "db-report")
    return measured, directory


@pytest.mark.parametrize("page", ["db-report.md", "db-report.html"])
def test_every_query_rewrite_index_and_plan_is_in_it(written: tuple[Measured, Path], page: str):
    measured, directory = written
    text = (directory / page).read_text()
    assert not [name for name in STATEMENTS if name not in text]
    assert not [rewrite.name for rewrite in REWRITES if rewrite.name not in text]
    assert not [index.name for index in measured.indexes if index.name not in text]
    assert len(re.findall(r"(?:- |<li>)(?:before|after): \w", text)) == 2 * len(STATEMENTS)


def test_the_page_needs_nothing_but_itself(written: tuple[Measured, Path]):
    page = (written[1] / "db-report.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert "db-report.svg" not in page
    assert (written[1] / "db-report.svg").stat().st_size > 10_000


def test_each_index_has_a_use_a_size_and_a_price(written: tuple[Measured, Path]):
    measured, directory = written
    document = orjson.loads((directory / "db-report.json").read_bytes())
    assert set(document["indexes"]) == {index.name for index in measured.indexes}
    # Log is written for each new entry; block ranges and pending lists have none by themselves.
    for name in ("idx_orders_user_date", "idx_products_newest", "idx_sessions_expiry", "idx_order_items_product"):
        cost = measured.costs[name]
        assert cost.whole.wal_bytes > cost.without.wal_bytes + 30, name
    assert measured.gains["idx_reviews_product_newest"].keys() >= {"reviews.newest.first", "reviews.newest.next"}


def test_what_is_too_slow_is_named_and_not_met(written: tuple[Measured, Path]):
    measured, _ = written
    name = "reviews.newest.first"
    after = {each: replace(one, milliseconds=12.5 if each == name else 1.0) for each, one in measured.after.items()}
    query, mean, share = judge(CRITERIA, replace(measured, after=after).figures())
    assert (query.measured, query.method, query.verdict) == ("12.5 ms", f"{name}, the slowest", "fail")
    worse = replace(measured, mix_after=replace(measured.mix_after, mean_ms=51.0, slow=0.06))
    query, mean, share = judge(CRITERIA, worse.figures())
    assert [mean.verdict, share.verdict] == ["fail", "fail"]
