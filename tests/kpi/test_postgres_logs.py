"""Logs in every format of Postgres are read as they are meant, or refused with a sentence; no connection is made up."""

import asyncio
import csv
import io
import json
from pathlib import Path

import asyncpg
import pytest

from kpi.database.slow_queries.log import Executions, read_logs
from kpi.database.slow_queries.log_entries import UnreadableLog
from testing.postgres import Cluster

TIME = "2026-01-01 10:00:00.000 UTC"
LOOKUP = "SELECT a FROM t WHERE id = ?"


def read(tmp_path: Path, text: str) -> dict[str, Executions]:
    (tmp_path / "log").write_text(text)
    return dict(read_logs([tmp_path / "log"]))


def lookups(prefixes: list[str]) -> str:
    """The same lookup, logged once with each prefix."""
    return "".join(
        f"{prefix}LOG:  duration: 5.0 ms  statement: SELECT a FROM t WHERE id = {number}\n"
        for number, prefix in enumerate(prefixes)
    )


CLIENTS = range(4301, 4313)


@pytest.mark.parametrize(
    "prefix",
    [
        "{time} [{pid}] app@shop ",
        "{time} [{pid}-1] app@shop ",
        "{time} [{pid}]: [1-1] user=app,db=shop,app=x,client=10.0.0.1 ",
        "{time} {pid} app@shop ",
        "{time} pid={pid} user=app ",
        "{time}-6956a3f0.{pid:x}-",
        "{time}:10.0.0.1({pid}):app@shop:[{pid}]:1:00000:{time}:5/1:0:6956a3f0.{pid:x}:x:",
        "Jan  1 10:00:00 db postgres[{pid}]: [3-1] {time} app@shop ",
    ],
)
def test_a_connection_is_known_by_whatever_the_prefix_tells_of_it(tmp_path: Path, prefix: str) -> None:
    many = lookups([prefix.format(time=TIME, pid=pid) for pid in CLIENTS])
    assert read(tmp_path, many)[LOOKUP].longest_run == 1
    one = lookups([prefix.format(time=TIME, pid=CLIENTS[0]) for _ in CLIENTS])
    assert read(tmp_path, one)[LOOKUP].longest_run == len(CLIENTS)


@pytest.mark.parametrize("prefix", ["{time} app@shop ", "{time} 0 app@shop ", "{time} 10.0.0.1(4301) ", ""])
def test_twelve_clients_that_nothing_tells_apart_are_no_loop_of_one(tmp_path: Path, prefix: str) -> None:
    found = read(tmp_path, lookups([prefix.format(time=TIME)] * 12))[LOOKUP]
    assert (len(found.milliseconds), found.longest_run) == (12, 0)


@pytest.mark.parametrize("word", ["parameters", "Parameters"])
def test_parameters_are_read_as_old_and_new_versions_spell_them(tmp_path: Path, word: str) -> None:
    found = read(
        tmp_path,
        f"{TIME} [77] LOG:  duration: 5.0 ms  execute q: SELECT a FROM t WHERE id = $1\n"
        f"{TIME} [77] DETAIL:  {word}: $1 = 'it''s\n\ttwo lines'\n",
    )
    assert found[LOOKUP].slowest_parameters == ("'it''s\ntwo lines'",)


def test_a_value_that_the_log_has_shortened_is_not_run(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"{TIME} [77] LOG:  duration: 5.0 ms  execute q: SELECT a FROM t WHERE id = $1\n"
        f"{TIME} [77] DETAIL:  Parameters: $1 = 'abc...'\n",
    )
    assert found[LOOKUP].slowest_parameters == ()


def test_a_duration_of_its_own_belongs_to_the_statement_that_its_connection_ran(tmp_path: Path) -> None:
    """`log_statement` and `log_duration`; two connections take turns, parsing and binding have durations too."""
    found = read(
        tmp_path,
        f"{TIME} [77] LOG:  statement: SELECT a FROM t WHERE id = 1\n"
        f"{TIME} [78] LOG:  duration: 0.1 ms\n"
        f"{TIME} [78] LOG:  execute q: SELECT b FROM t WHERE id = $1\n"
        f"{TIME} [78] DETAIL:  Parameters: $1 = '7'\n"
        f"{TIME} [77] LOG:  duration: 5.0 ms\n"
        f"{TIME} [78] LOG:  duration: 9.0 ms\n",
    )
    assert found[LOOKUP].milliseconds == [5.0]
    other = found["SELECT b FROM t WHERE id = ?"]
    assert (other.milliseconds, other.slowest_parameters) == ([9.0], ("'7'",))


def test_a_statement_that_failed_has_no_duration(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"{TIME} [77] LOG:  statement: SELECT broken\n{TIME} [77] ERROR:  column does not exist\n"
        f"{TIME} [77] LOG:  duration: 0.1 ms\n" + lookups([f"{TIME} [77] "]),
    )
    assert set(found) == {LOOKUP}


def test_syslog_s_parts_are_one_statement(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Jan  1 10:00:00 db postgres[77]: [3-1] app@shop LOG:  duration: 5.0 ms  execute q: SELECT a\n"
        "Jan  1 10:00:00 db postgres[78]: [9-1] app@shop LOG:  connection authorized: user=app\n"
        "Jan  1 10:00:00 db postgres[77]: [3-2] #011FROM t WHERE\n"
        "Jan  1 10:00:00 db postgres[77]: [3-3]  id = $1\n"
        "Jan  1 10:00:00 db postgres[77]: [3-4] app@shop DETAIL:  Parameters: $1 = '7'\n",
    )
    assert found[LOOKUP].slowest_parameters == ("'7'",)


def test_verbose_entries_are_read(tmp_path: Path) -> None:
    text = f"{TIME} [77] LOG:  00000: duration: 5.0 ms  statement: SELECT a FROM t WHERE id = 1\n"
    assert read(tmp_path, f"{text}{TIME} [77] LOCATION:  exec_simple_query, postgres.c:1350\n")[
        LOOKUP
    ].milliseconds == [5.0]


@pytest.mark.parametrize("fields", [23, 24, 26])
def test_csv_of_every_version_is_read(tmp_path: Path, fields: int) -> None:
    row = [TIME, "app", "shop", "77", "10.0.0.1:5", "6956a3f0.4d", "1", "SELECT", TIME, "4/1", "0", "LOG", "00000",
           'duration: 5.0 ms  execute q: SELECT a\nFROM t WHERE id = $1 AND "b" = 1',
           "Parameters: $1 = 'x, \"y\"'"]  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerow([*row, *[""] * (fields - len(row))])
    (found,) = read(tmp_path, text.getvalue()).values()
    assert found.slowest_parameters == ("'x, \"y\"'",)


def test_json_is_read(tmp_path: Path) -> None:
    entry = {"timestamp": TIME, "pid": 77, "error_severity": "LOG", "detail": "Parameters: $1 = '7'",
             "message": "duration: 5.0 ms  execute q: SELECT a FROM t WHERE id = $1"}  # fmt: skip
    found = read(tmp_path, json.dumps(entry) + "\n" + json.dumps(entry)[:30])
    assert found[LOOKUP].slowest_parameters == ("'7'",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Shopping list\n- milk\n", "isn't a log of Postgres"),
        ('{"level": "info", "msg": "hello"}\n', "isn't a log of Postgres"),
        (f"{TIME} [77] LOG:  checkpoint starting: time\n", "no statement with its duration"),
        (f"{TIME} [77] LOG:  Dauer: 5.0 ms  Anweisung: SELECT 1\n", "lc_messages"),
        (
            f"{TIME} app@shop LOG:  statement: SELECT 1\n{TIME} app@shop LOG:  duration: 5.0 ms\n",
            "%p in log_line_prefix",
        ),
        ("", "no statement with its duration"),
    ],
)
def test_a_log_that_says_nothing_is_refused_with_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UnreadableLog, match=complaint):
        read(tmp_path, text)


@pytest.mark.parametrize("major", [16, 17])
def test_what_the_declared_versions_themselves_write_is_read_alike_in_each_format(major: int) -> None:
    settings = {"logging_collector": "on", "log_directory": "log", "log_filename": "pg",
                "log_min_duration_statement": "0",
                "log_destination": "stderr,csvlog,jsonlog", "log_line_prefix": "%m [%p] %q%u@%d "}  # fmt: skip

    async def ask(cluster: Cluster) -> None:
        connection = await asyncpg.connect(cluster.dsn())
        for number in range(12):
            await connection.fetch("SELECT relname\nFROM pg_class WHERE relname = $1", f"it's {number}")
        await connection.close()

    with Cluster(settings, major=major) as cluster:
        asyncio.run(ask(cluster))
        cluster.stop()  # writes what the collector still holds
        logs = cluster.data / "log"
        found = [read_logs([logs / name])["SELECT relname FROM pg_class WHERE relname = ?"]
                 for name in ("pg", "pg.csv", "pg.json")]  # fmt: skip
    assert found[0] == found[1] == found[2]
    assert (len(found[0].milliseconds), found[0].longest_run) == (12, 12)
    (value,) = found[0].slowest_parameters
    assert value.startswith("'it''s ")
