"""No dead panel: every query of every dashboard gives numbers while the shop is at work."""

import contextlib
import json
import math
import re
import sys
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from components.monitoring.dashboards import BOARDS
from components.monitoring.dashboards.board import Board
from local.environment import Environment
from testing.servers import process
from testing.time_lapse import TimeLapse, faster_expression
from testing.waits import PATIENCE, meanwhile

pytestmark = [pytest.mark.shop, pytest.mark.timeout(900)]

API = "http://127.0.0.1:3000"
REPORT_SECONDS = 5.0
# What `$__rate_interval` is at the declared scrape interval: four scrapes.
RATE_INTERVAL = "1m"
QUERIES = [
    pytest.param(query, id=f"{board.name}: {panel.title}: {legend}")
    for board in BOARDS
    for _, panel in board.panels()
    for legend, query in panel.queries.items()
]
# Neither a cluster nor RDS is here, and Cloudflare's stand-in counts whole minutes, late. That panels of the last two
# read what the exporters export, show test_cdn_exporter.py and test_rds_exporter.py in tests/app/operations.
NOT_HERE = re.compile(r"kube_|kubelet_|cdn[_:]|certificate_|rds_|database:storage_free:")
ELSEWHERE = {("cluster", "Pods and Jobs"), ("cluster", "Room"), ("edge", "Cloudflare"), ("database", "Machine")}


def expression(query: str) -> str:
    """As Grafana sends it, with every choice at "all"; in time lapse."""
    text = query.replace("$__rate_interval", RATE_INTERVAL)
    return faster_expression(re.sub(r"\$(\w+)", ".*", text))


def _browsers_report() -> None:
    """What the storefront's pages send (app/storefront/src/shop/measure.ts), by two visitors."""
    milliseconds = {"load": 900, "tti": 400, "lcp": 800, "fcp": 500, "inp": 40, "ttfb": 90}
    others = {"cls": 0.01, "worker": 1, "sync_delivered": 1, "visit": 1, "visit_continued": 1}
    events = [
        {"name": name, "value": value, "page": "home", "timestamp": 1_700_000_000_000}
        for name, value in (milliseconds | others).items()
    ]
    request = urllib.request.Request(
        f"{API}/api/rum", json.dumps({"events": events}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 204


@pytest.fixture(scope="module")
def watched(shop: Environment, lapse: TimeLapse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeLapse]:
    """After a backup, while visitors browse and their browsers report, for as long as somebody looks."""
    assert shop.run_job("redis-backup") == 0

    def report(over: threading.Event) -> None:
        while not over.wait(REPORT_SECONDS):
            # As with a browser's beacon, one may be lost; the next comes soon.
            with contextlib.suppress(OSError):
                _browsers_report()

    log = tmp_path_factory.mktemp("visitors") / "log"
    with process([sys.executable, "-m", "kpi.visitors"], {}, log), meanwhile(report):
        yield lapse


@pytest.mark.parametrize("query", QUERIES)
def test_query_has_numbers(query: str, watched: TimeLapse) -> None:
    if NOT_HERE.search(query):
        pytest.skip("what it watches isn't here")

    def numbers() -> list[float]:
        return [value for _, value in watched.query(expression(query)) if not math.isnan(value)]

    watched.until(lambda: bool(numbers()), lambda: watched.query(expression(query)), PATIENCE)


def _chosen(board: Board) -> list[tuple[str, str]]:
    found = [re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.query) for variable in board.variables]
    return [(match[1], match[2]) for match in found if match]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_variables_have_something_to_choose_from(board: Board, watched: TimeLapse) -> None:
    chosen = _chosen(board)
    assert len(chosen) == len(board.variables)
    for metric, label in chosen:
        assert [labels for labels, _ in watched.query(f'count by ({label}) ({metric}{{{label}!=""}})') if labels], (
            metric
        )


def test_only_panels_of_what_runs_elsewhere_are_excepted() -> None:
    excepted: set[tuple[str, str]] = set()
    for board in BOARDS:
        for title, panels in board.sections.items():
            if any(NOT_HERE.search(query) for panel in panels for query in panel.queries.values()):
                excepted.add((board.name, title))
    assert excepted == ELSEWHERE
