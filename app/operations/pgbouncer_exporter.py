"""pgBouncer's console as Prometheus metrics.

Names and labels are those of the common exporter (prometheus-community/pgbouncer_exporter), so that its dashboards fit.
Debian doesn't package that one; the exporter that it packages has other names.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from psycopg.rows import dict_row

from app.operations.settings import OperationError, PoolerSettings, secret

CONNECT_SECONDS = 2
MICROSECONDS = 1e6
Row = dict[str, Any]

# Column of SHOW POOLS → metric and what it counts.
_POOLS = {
    "cl_active": ("client_active_connections", "Clients with a server connection, or idle"),
    "cl_waiting": ("client_waiting_connections", "Clients waiting for a server connection"),
    "sv_active": ("server_active_connections", "Server connections that a client uses"),
    "sv_idle": ("server_idle_connections", "Server connections ready for the next client"),
    "sv_used": ("server_used_connections", "Idle server connections to be checked before use"),
    "sv_tested": ("server_testing_connections", "Server connections being checked"),
    "sv_login": ("server_login_connections", "Server connections logging in"),
}
_DATABASES = {
    "pool_size": ("database_pool_size", "Server connections of a pool at most"),
    "reserve_pool": ("database_reserve_pool_size", "More of them when clients wait"),
    "max_connections": ("database_max_connections", "Server connections of the database at most"),
    "current_connections": ("database_current_connections", "Server connections of the database now"),
}
# Column of SHOW STATS → metric, what it counts, and its divisor.
_STATS = {
    "total_xact_count": ("transactions_total", "Transactions", 1.0),
    "total_query_count": ("queries_total", "Queries", 1.0),
    "total_received": ("received_bytes_total", "Bytes from clients", 1.0),
    "total_sent": ("sent_bytes_total", "Bytes to clients", 1.0),
    "total_xact_time": ("transaction_seconds_total", "Time in transactions", MICROSECONDS),
    "total_query_time": ("query_seconds_total", "Time in queries", MICROSECONDS),
    "total_wait_time": ("client_wait_seconds_total", "Time that clients waited for a connection", MICROSECONDS),
}
_CONFIG = {
    "max_client_conn": "Clients at most",
    "default_pool_size": "Server connections of a pool at most",
    "max_db_connections": "Server connections of a database at most",
}
CONSOLE = "pgbouncer"


SHOWN = ("pools", "clients", "servers", "stats", "databases", "config", "lists")
"""The SHOW commands that people may run."""


class PgBouncerCollector(Collector):
    """Queries the console at each scrape."""

    def __init__(self, settings: PoolerSettings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """`pgbouncer_up`, and all other metrics if it is 1."""
        up = GaugeMetricFamily("pgbouncer_up", "Whether the console answers")
        try:
            metrics = list(self._ask())
        except (psycopg.Error, OSError):
            metrics = []
        up.add_metric([], 1.0 if metrics else 0.0)
        yield up
        yield from metrics

    def _ask(self) -> Iterator[Metric]:
        with _console(self._settings) as connection:
            yield from pools(connection.execute("SHOW POOLS").fetchall())
            yield from databases(connection.execute("SHOW DATABASES").fetchall())
            yield from statistics(connection.execute("SHOW STATS").fetchall())
            yield from configuration(connection.execute("SHOW CONFIG").fetchall())


def _console(settings: PoolerSettings) -> psycopg.Connection[Any]:
    # The console speaks the simple protocol only: statements go as text, never prepared.
    return psycopg.Connection[Any].connect(
        host=settings.pod_ip,
        port=settings.pgbouncer_port,
        user=settings.pgbouncer_user,
        password=secret(settings.pgbouncer_password_file),
        dbname=CONSOLE,
        connect_timeout=CONNECT_SECONDS,
        autocommit=True,
        prepare_threshold=None,
        cursor_factory=psycopg.ClientCursor,
        row_factory=dict_row,
    )


def show(settings: PoolerSettings, what: str) -> str:
    """The result of one of `SHOWN`, separated by tabs: a line of names, then a line for each row.

    Raises `OperationError` for another command, and when the console doesn't answer.
    """
    if what not in SHOWN:
        raise OperationError(f"the console isn't asked for {what!r}; it may be: {', '.join(SHOWN)}")
    try:
        with _console(settings) as connection:
            rows = connection.execute(f"SHOW {what.upper()}").fetchall()
    except (psycopg.Error, OSError) as error:
        raise OperationError(f"pgBouncer's console at {settings.pod_ip} doesn't answer: {error}") from error
    lines = [list(rows[0]) if rows else [], *(list(row.values()) for row in rows)]
    return "\n".join("\t".join(map(str, line)) for line in lines)


def _gauges(
    prefix: str, columns: dict[str, tuple[str, str]], labels: Sequence[str], rows: Iterable[Row]
) -> Iterator[Metric]:
    found = list(rows)
    for column, (name, text) in columns.items():
        metric = GaugeMetricFamily(f"pgbouncer_{prefix}_{name}", text, labels=labels)
        for row in found:
            if column in row:
                metric.add_metric([str(row[label]) for label in labels], float(row[column]))
        yield metric


def pools(rows: Sequence[Row]) -> Iterator[Metric]:
    """SHOW POOLS, without the console's own pool."""
    rows = [row for row in rows if row["database"] != CONSOLE]
    yield from _gauges("pools", _POOLS, ("database", "user"), rows)
    waiting = GaugeMetricFamily(
        "pgbouncer_pools_client_maxwait_seconds",
        "How long the first client in the queue has waited",
        labels=("database", "user"),
    )
    for row in rows:
        seconds = float(row["maxwait"]) + float(row.get("maxwait_us", 0)) / MICROSECONDS
        waiting.add_metric([row["database"], row["user"]], seconds)
    yield waiting


def databases(rows: Sequence[Row]) -> Iterator[Metric]:
    """SHOW DATABASES, without the console's own database."""
    rows = [
        {**row, "database": row["database"], "reserve_pool": row.get("reserve_pool_size", row.get("reserve_pool", 0))}
        for row in ({**row, "database": row["name"]} for row in rows)
        if row["database"] != CONSOLE
    ]
    yield from _gauges("databases", _DATABASES, ("database",), rows)


def statistics(rows: Sequence[Row]) -> Iterator[Metric]:
    """SHOW STATS as counters, in seconds and bytes."""
    for column, (name, text, divisor) in _STATS.items():
        metric = CounterMetricFamily(f"pgbouncer_stats_{name}", text, labels=("database",))
        for row in rows:
            if row["database"] != CONSOLE and column in row:
                metric.add_metric([row["database"]], float(row[column]) / divisor)
        yield metric


def configuration(rows: Sequence[Row]) -> Iterator[Metric]:
    """SHOW CONFIG: the limits that other metrics are compared with."""
    values = {row["key"]: row["value"] for row in rows}
    for key, text in _CONFIG.items():
        if values.get(key):
            yield GaugeMetricFamily(f"pgbouncer_config_{key}", text, value=float(values[key]))


def serve(settings: PoolerSettings) -> None:
    """Serves the metrics until the process is stopped."""
    registry = CollectorRegistry()
    registry.register(PgBouncerCollector(settings))
    start_http_server(settings.metrics_port, addr=settings.pod_ip, registry=registry)
    threading.Event().wait()
