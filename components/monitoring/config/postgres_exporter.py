"""The Postgres exporter's own queries.

The exporter's built-in metrics differ between its versions (and its statement collector is missing before 0.13), so
everything that a rule or panel reads and that isn't in all of them is asked here, by one query file in the cluster
and locally. Needs the role `pg_monitor` and the extension `pg_stat_statements` in the database connected to.
"""

from typing import Any

import yaml

from components.kubernetes.flows import POSTGRES_EXPORTER_PORT

QUERIES_FILE = "/etc/postgres-exporter/config/queries.yml"
PASSWORD_FILE = "/etc/postgres-exporter/secrets/password"  # noqa: S105 - a path

# BEGIN and COMMIT take no time and come with every statement: they would halve the mean that an alert is about.
_QUERIES_ONLY = "NOT query ~* '^(BEGIN|COMMIT|ROLLBACK|DEALLOCATE|DISCARD|SET|SHOW)'"

# A statement has a row for each role that runs it, and one more where a function does: two samples with the same labels
# would make the exporter answer 500, and every metric of the database with it.
_STATEMENTS = f"""\
SELECT datname, queryid::text AS queryid, left(regexp_replace(min(query), '\\s+', ' ', 'g'), 120) AS query,
       sum(calls) AS calls_total, sum(total_exec_time) / 1000 AS seconds_total, sum(rows) AS rows_total
  FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
 WHERE datname = current_database() AND {_QUERIES_ONLY}
 GROUP BY datname, queryid ORDER BY sum(total_exec_time) DESC LIMIT 50"""  # noqa: S608 - made of constants

_STATEMENTS_SUM = f"""\
SELECT coalesce(sum(calls), 0) AS calls_total, coalesce(sum(total_exec_time), 0) / 1000 AS seconds_total,
       coalesce(sum(calls) FILTER (WHERE mean_exec_time > 100), 0) AS slow_calls_total
  FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
 WHERE datname = current_database() AND {_QUERIES_ONLY}"""  # noqa: S608 - made of constants

_INDEXES = """\
SELECT schemaname, relname, indexrelname, pg_relation_size(indexrelid) AS size_bytes, idx_scan AS scans_total
  FROM pg_stat_user_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""

_TABLES = """\
SELECT schemaname, relname, pg_table_size(relid) AS size_bytes, n_live_tup AS live_rows, n_dead_tup AS dead_rows,
       seq_scan AS seq_scans_total, idx_scan AS idx_scans_total
  FROM pg_stat_user_tables"""

_CONNECTIONS = """\
SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS used,
       current_setting('max_connections')::int AS max,
       coalesce(max(extract(epoch FROM now() - xact_start)) FILTER (WHERE backend_type = 'client backend'), 0)
         AS oldest_transaction_seconds
  FROM pg_stat_activity"""

_ACTIVITY = """\
SELECT coalesce(state, 'none') AS state, count(*) AS count
  FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1"""


def _metric(column: str, usage: str, description: str) -> dict[str, dict[str, str]]:
    return {column: {"usage": usage, "description": description}}


def queries_yml() -> str:
    """The query file: one metric per numeric column, named `<key>_<column>`."""
    label = "LABEL"
    document: dict[str, Any] = {
        "pg_stat_statements": {
            "query": _STATEMENTS,
            "metrics": [
                _metric("datname", label, "Database"),
                _metric("queryid", label, "Statement's fingerprint"),
                _metric("query", label, "Normalised text, its first 120 characters"),
                _metric("calls_total", "COUNTER", "Executions"),
                _metric("seconds_total", "COUNTER", "Time spent executing, seconds"),
                _metric("rows_total", "COUNTER", "Rows returned or touched"),
            ],
        },
        "simone_statements": {
            "query": _STATEMENTS_SUM,
            "metrics": [
                _metric("calls_total", "COUNTER", "Executions of all statements"),
                _metric("seconds_total", "COUNTER", "Time spent in all statements, seconds"),
                _metric("slow_calls_total", "COUNTER", "Executions of statements whose mean is over 100 ms"),
            ],
        },
        "simone_index": {
            "query": _INDEXES,
            "metrics": [
                _metric("schemaname", label, "Schema"),
                _metric("relname", label, "Table"),
                _metric("indexrelname", label, "Index"),
                _metric("size_bytes", "GAUGE", "Size on disk, bytes"),
                _metric("scans_total", "COUNTER", "Scans started on it"),
            ],
        },
        "simone_table": {
            "query": _TABLES,
            "metrics": [
                _metric("schemaname", label, "Schema"),
                _metric("relname", label, "Table"),
                _metric("size_bytes", "GAUGE", "Size on disk without indexes, bytes"),
                _metric("live_rows", "GAUGE", "Live rows, estimated"),
                _metric("dead_rows", "GAUGE", "Dead rows that wait for vacuum, estimated"),
                _metric("seq_scans_total", "COUNTER", "Sequential scans"),
                _metric("idx_scans_total", "COUNTER", "Index scans"),
            ],
        },
        "simone_connections": {
            "query": _CONNECTIONS,
            "metrics": [
                _metric("used", "GAUGE", "Client connections"),
                _metric("max", "GAUGE", "max_connections"),
                _metric("oldest_transaction_seconds", "GAUGE", "Age of the oldest open transaction, seconds"),
            ],
        },
        "simone_activity": {
            "query": _ACTIVITY,
            "metrics": [
                _metric("state", label, "Connection's state"),
                _metric("count", "GAUGE", "Client connections in that state"),
            ],
        },
    }
    return yaml.safe_dump(document, sort_keys=False, width=110)


def postgres_exporter_arguments() -> list[str]:
    """The command line: pg_up, database statistics and our queries; not the settings (they hold no alert)."""
    return [
        f"--web.listen-address=$(POD_IP):{POSTGRES_EXPORTER_PORT}",
        f"--extend.query-path={QUERIES_FILE}",
        "--disable-settings-metrics",
    ]
