"""The load is repeatable and as described; the report is honest."""

import asyncio
import json
import queue
import re
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psutil
import pytest
import uvloop

from components.monitoring.rules import ALERTS, GROUPS
from kpi.browsers import ResponseCounts
from kpi.criteria import CRITERIA
from kpi.criterion import Measurement, failures, judge
from kpi.figures import against_uncached, of_failover, of_query_cache, of_visits, repeating
from kpi.http_client import Client
from kpi.load import LAYERS, RECORD, Records, Run, layer_of, play
from kpi.machine import moment
from kpi.measure import Measured
from kpi.observe import Reading
from kpi.report import NotAReport, as_json, earlier_run, html, markdown
from kpi.routes import Catalogue
from kpi.run_report import report_of
from kpi.workload import STEPS, Visits, Workload, WorkloadError

MIX = Workload.load()


def test_same_seed_gives_the_same_visits() -> None:
    assert list(Visits(MIX).until(20)) == list(Visits(MIX).until(20))


def test_processes_share_the_load_without_repeating_each_other() -> None:
    first, second = (list(Visits(MIX, part=part, parts=2).until(60)) for part in (0, 1))
    assert not set(first) & set(second)
    assert len(first) + len(second) == pytest.approx(60 * MIX.sessions_per_second, rel=0.25)


def test_another_stream_has_other_visitors() -> None:
    warm_up, load = (list(Visits(MIX, stream=stream).until(20)) for stream in ("warm-up", "load"))
    assert not set(warm_up) & set(load)


def test_steps_have_the_declared_shares() -> None:
    steps = Counter(action.step for visit in Visits(MIX).until(400) for action in visit.actions)
    total = sum(steps.values())
    for step, share in MIX.mix.items():
        assert steps[step] / total == pytest.approx(share, abs=0.012)


def test_a_visit_is_its_requests_to_the_api_and_what_its_browser_loads_without_pictures() -> None:
    records = np.zeros(4, dtype=RECORD)
    records["layer"] = [LAYERS.index(layer) for layer in ("gateway", "api", "origin", "none")]
    seen = ResponseCounts(
        visits=2, answers={"page": 4, "static": 26, "image": 50}, hits={"page": 1, "static": 26, "image": 0}
    )
    (overall,) = of_visits(records, 9, seen).values()
    assert overall.value == pytest.approx((9 * 0.5 + 27 / 2) / (9 + 30 / 2))
    assert of_visits(records, 9, ResponseCounts()) == {}


def test_popular_products_are_asked_for_most() -> None:
    ranks = Counter(a.item for v in Visits(MIX).until(400) for a in v.actions if a.step == "product")
    assert ranks[0] > ranks[9] > ranks[99]


def test_shares_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "workload.yaml"
    path.write_text(Path("kpi/workload.yaml").read_text().replace("product: 0.42", "product: 0.52"))
    with pytest.raises(WorkloadError, match=r"the shares of mix add up to 1\.1, not to 1"):
        Workload.load(path)


@pytest.mark.parametrize(
    ("header", "layer"),
    [
        ("simone-api; hit; ttl=280", "api"),
        ("simone-api; fwd=miss, gateway; hit; ttl=12", "gateway"),
        ("simone-api; hit; ttl=280, gateway; fwd=miss", "api"),
        ("simone-api; fwd=miss, gateway; fwd=miss", "origin"),
        ("simone-api; fwd=bypass, gateway; fwd=bypass", "none"),
        ("", "none"),
    ],
)
def test_layer_is_the_nearest_that_hit(header: str, layer: str) -> None:
    assert layer_of(header) == layer
    assert layer in LAYERS


def test_a_restarted_pod_counts_from_zero() -> None:
    key = ("x_total", frozenset({("pod", "a")}))
    assert Reading({key: 5.0}).since(Reading({key: 100.0})).total("x_total") == 5.0
    assert Reading({key: 105.0}).since(Reading({key: 100.0})).total("x_total") == 5.0


def _measured(**figures: float) -> Measured:
    records = np.zeros(3, dtype=RECORD)
    counted = {name: Measurement(value, "counted") for name, value in figures.items()}
    return Measured(figures=counted, records=records, uncached=records, uncached_seconds=[0.01])


def test_missed_target_is_a_failure() -> None:
    unmet = failures(judge(CRITERIA, {"api_p95_seconds": Measurement(0.051, "counted")}))
    assert "API P95 < 50 ms" in {each.criterion.asks for each in unmet if each.verdict == "fail"}


def test_figure_that_the_run_did_not_give_is_a_failure_too() -> None:
    unmet = {each.criterion.asks: each.verdict for each in failures(judge(CRITERIA, {}))}
    assert unmet["API P95 < 50 ms"] == "not measured"


def test_the_metrics_and_alerts_that_watch_production_exist() -> None:
    recorded = {name for group in GROUPS for name in group.recordings}
    read = " ".join(
        [
            *(expression for group in GROUPS for expression in group.recordings.values()),
            *(alert.expr for alert in ALERTS),
        ]
    )
    named = [text for criterion in CRITERIA if (text := criterion.production)]
    assert {alert for text in named for alert in re.findall(r"alert (\w+)", text)} <= {alert.name for alert in ALERTS}
    metrics = {metric for text in named for metric in re.findall(r"\w+[:_]\w+[\w:]*(?=[{,;]|$| and )", text)}
    assert {"rds_cpu_ratio", "cdn_edge_latency_seconds", "browser:lcp:p75_rate1h"} <= metrics
    assert not [metric for metric in metrics if metric not in recorded and metric not in read]


def test_what_only_production_can_show_never_passes() -> None:
    every = dict.fromkeys({criterion.figure for criterion in CRITERIA}, Measurement(0.5, "counted"))
    for each in judge(CRITERIA, every):
        if not each.criterion.figure:
            assert each.verdict in ("by test", "in production")
            assert each.criterion.proof or each.criterion.production


def test_report_compares_with_an_earlier_run(tmp_path: Path) -> None:
    earlier = report_of(_measured(api_p95_seconds=0.040), {"mode": "full"})
    (tmp_path / "report.json").write_text(as_json(earlier))
    found = earlier_run(tmp_path / "report.json")
    assert found.about == {"mode": "full"}
    now = report_of(_measured(api_p95_seconds=0.030), {}, found.figures)
    assert "| 30.0 ms | -10 ms | pass |" in markdown(now)


@pytest.mark.parametrize("text", ["", "[]", '{"figures": {"x": 1}}'])
def test_what_is_no_report_is_told_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(NotAReport, match=r"report\.json isn't the report\.json of an earlier run"):
        earlier_run(tmp_path / "report.json")


def _reads(*answers: tuple[int, str, float]) -> Records:
    """Public reads by key, layer and seconds."""
    records = np.zeros(len(answers), dtype=RECORD)
    for record, (key, layer, seconds) in zip(records, answers, strict=True):
        record["key"], record["layer"], record["seconds"] = key, LAYERS.index(layer), seconds
        record["status"], record["step"] = 200, STEPS.index("product")
    return records


def test_only_what_was_asked_for_before_is_repeating() -> None:
    warm_up = _reads((1, "origin", 0), (2, "origin", 0))
    load = _reads((1, "gateway", 0), (3, "origin", 0), (3, "api", 0), (2, "origin", 0), (4, "origin", 0))
    found = repeating(warm_up, load)
    assert found.value == pytest.approx(2 / 3)
    assert found.method.startswith("3 public reads")


def test_caches_are_judged_by_the_same_mix_without_them() -> None:
    found = against_uncached(_reads(*[(1, "api", 0.002)] * 10), _reads(*[(1, "none", 0.01)] * 5), 12.0, 20.0)
    assert found["faster_with_caches"].value == pytest.approx(0.8)
    assert found["queries_saved"].value == pytest.approx(1 - 12 / 40)


def test_one_failed_read_is_not_100_percent_uptime() -> None:
    records = _reads(*[(1, "api", 0.002)] * 10)
    records["status"][3] = 503
    assert of_failover(records, 1.4)["failover_answered"].value == pytest.approx(0.9)


def test_page_needs_nothing_else() -> None:
    page = html(report_of(_measured(api_p95_seconds=0.01), {"measured": "now"}))
    assert page.count("<svg") == 2
    assert "src=" not in page
    assert "<script" not in page


def test_trend_file_is_json() -> None:
    report = report_of(_measured(api_p95_seconds=0.01), {})
    assert json.loads(as_json(report))["figures"]["api_p95_seconds"]["value"] == 0.01


async def _ask_twice() -> list[tuple[int, bytes, tuple[str, ...]]]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cookies = b"Set-Cookie: sid=1; HttpOnly\r\nSet-Cookie: tier=premium\r\n"
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n" + cookies + b"Content-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Client(f"http://127.0.0.1:{port}") as client:
        answers = [await client.request("GET", "/") for _ in range(2)]
    return [(found.status, found.body, found.cookies) for found in answers]


def test_load_generator_gets_answers_on_the_loop_that_it_runs_on() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(_ask_twice()) == [(200, b"ok", ("sid=1", "tier=premium"))] * 2


def _serve(ready: "queue.Queue[int]", over: threading.Event) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Cache-Status", "simone-api; hit; ttl=9")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 0.1
        ready.put(server.server_port)
        while not over.is_set():
            server.handle_request()


def test_played_load_is_recorded_by_what_was_asked_and_who_answered() -> None:
    ready, over = queue.Queue[int](), threading.Event()
    server = threading.Thread(target=_serve, args=(ready, over))
    server.start()
    try:
        run = Run(
            workload=MIX,
            base_url=f"http://127.0.0.1:{ready.get(timeout=10)}",
            seconds=3,
            catalogue=Catalogue(products=range(1, 101), categories=range(1, 7)),
            sessions_per_second=10,
            only_reads=True,
        )
        played = play(run)
    finally:
        over.set()
        server.join()
    wanted = [action for visit in Visits(MIX, rate=10).until(3) for action in visit.actions]
    assert 0 < len(played.records) <= len(wanted)
    assert set(played.records["status"]) == {200}
    assert set(played.records["layer"]) == {LAYERS.index("api")}
    assert 1 < len(np.unique(played.records["key"])) < len(played.records)
    assert (played.records["at"][:-1] <= played.records["at"][1:]).all()
    assert played.cpu_seconds > 0


def test_cpu_time_of_a_process_and_its_children_is_seen() -> None:
    own = [psutil.Process().pid]
    before = moment(own)
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    used = moment(own).since(before)
    assert 0 < used.database <= used.busy + 0.5
    assert used.whole > 0


def test_the_query_cache_is_judged_by_its_own_lookups_and_the_statements_that_were_made() -> None:
    def sample(name: str, value: float, **labels: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {(name, frozenset(labels.items())): value}

    events = "api_entity_cache_events_total"
    grown = Reading(
        sample(events, 60, entity="listing", event="hit")
        | sample(events, 10, entity="product", event="negative")
        | sample(events, 10, entity="product", event="miss")
        | sample(events, 20, entity="stock", event="miss")
        | sample(events, 500, entity="user", event="hit")
        | sample("simone_statements_calls_total", 98)
        | sample("pg_stat_statements_calls_total", 50, query="/* outbox.take */ UPDATE invalidation_outbox o SET")
        | sample("pg_stat_statements_calls_total", 40, query="/* products.get */ SELECT")
    )
    figures = of_query_cache(grown)
    assert figures["query_cache_hit_ratio"].value == pytest.approx(0.70)
    # A product needs two statements: 100 lookups, 20 of them of products.
    assert figures["query_cache_saved"].value == pytest.approx(1 - 48 / 120)
    assert of_query_cache(Reading({})) == {}
