"""Rules of Postgres and pgBouncer."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import (
    CONNECTIONS_SHARE,
    DATABASE_CPU,
    DEAD_ROW_SHARE,
    FREE_STORAGE,
    INDEX_GROWTH_PER_DAY,
    OLDEST_TRANSACTION,
    POOL_SHARE_ALERT,
    POOL_WAIT,
    RDS_FIGURES_AGE,
    SCRAPE_JOBS_DOWN_FOR,
    SLOW_STATEMENT,
    SLOW_STATEMENT_SHARE,
    STATEMENT_MEAN,
    STATEMENTS_PER_SECOND,
)

_INDEX_MINIMUM = 64 * 2**20
"""Bytes; a small index doubles with every batch and means nothing."""

_RECORDINGS = {
    "database:statements:rate5m": "sum(rate(simone_statements_calls_total[5m]))",
    "database:statement_seconds:mean_rate5m": (
        "sum(rate(simone_statements_seconds_total[5m])) / (sum(rate(simone_statements_calls_total[5m])) > 0)"
    ),
    # Of the executions in these minutes, those of statements that were slow in these minutes.
    "database:slow_statements:share_rate5m": (
        "(\n"
        "  sum(rate(pg_stat_statements_calls_total[5m])\n"
        "    and rate(pg_stat_statements_seconds_total[5m])\n"
        f"      / (rate(pg_stat_statements_calls_total[5m]) > 0) > {SLOW_STATEMENT:g})\n"
        "  or vector(0)\n"
        ")\n/ (sum(rate(pg_stat_statements_calls_total[5m])) > 0)"
    ),
    "database:connections:ratio": "simone_connections_used / simone_connections_max",
    "pod:pgbouncer_pool_used:ratio": (
        "sum by (pod, database) (pgbouncer_pools_server_active_connections)\n"
        "/ (max by (pod, database) (pgbouncer_databases_database_pool_size) > 0)"
    ),
    "pod:pgbouncer_clients:ratio": (
        "sum by (pod) (pgbouncer_pools_client_active_connections + pgbouncer_pools_client_waiting_connections)\n"
        "/ (max by (pod) (pgbouncer_config_max_client_conn) > 0)"
    ),
    "table:dead_rows:ratio": "simone_table_dead_rows / (simone_table_live_rows + simone_table_dead_rows > 10000)",
    "database:storage_free:ratio": "rds_free_storage_bytes / (rds_storage_bytes > 0)",
}

_POSTGRES_ALERTS = (
    Alert(
        name="PostgresDown",
        expr="pg_up == 0",
        hold="1m",
        hold_reason="an RDS failover takes 60 to 120 s and is worth waking for",
        severity="page",
        summary="Postgres doesn't answer",
        description="Cached reads go on, stale ones for up to an hour; every write fails with 503.",
        runbook="postgres",
    ),
    Alert(
        name="PostgresExporterDown",
        # A query of its own that failed leaves the exporter up, with holes in what it says.
        expr='absent(up{job="postgres"} == 1) or (pg_up == 1 and pg_exporter_last_scrape_error == 1)',
        hold=SCRAPE_JOBS_DOWN_FOR,
        hold_reason="eight scrapes, longer than a pod's restart",
        severity="ticket",
        summary="The Postgres exporter reports nothing, or not everything",
        description="Alerts on the database are blind; the database itself may be fine.",
        runbook="postgres",
    ),
    Alert(
        name="PostgresConnections",
        expr=f"database:connections:ratio > {CONNECTIONS_SHARE:g}",
        hold="5m",
        hold_reason="a roll-out briefly doubles the pools",
        severity="page",
        summary="{{ $value | humanizePercentage }} of Postgres's connections are in use",
        description="At 100 % pgBouncer can't open more, and requests queue.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseQueryRate",
        expr=f"database:statements:rate5m > {STATEMENTS_PER_SECOND}",
        hold="10m",
        hold_reason="a cold cache warms within minutes",
        severity="ticket",
        summary="The database executes {{ $value | humanize }} statements a second",
        description="Target: below 1000/s. A cache misses what it should hold.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseQueryTime",
        expr=f"database:statement_seconds:mean_rate5m > {STATEMENT_MEAN:g}",
        hold="10m",
        hold_reason="one report may raise the mean briefly",
        severity="ticket",
        summary="The mean statement takes {{ $value | humanizeDuration }}",
        description="Target: below 50 ms. A plan changed, an index is missing, or the instance is overloaded.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseSlowQueries",
        expr=f"database:slow_statements:share_rate5m > {SLOW_STATEMENT_SHARE:g}",
        hold="15m",
        hold_reason="nightly maintenance is slow but shorter",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the executed statements take over 100 ms",
        description="Target: below 5 %. `make slow-queries` lists them.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseCpuHigh",
        expr=f"rds_cpu_ratio > {DATABASE_CPU:g}",
        hold="15m",
        hold_reason="longer than vacuum's and the nightly backup's peaks",
        severity="ticket",
        summary="The database uses {{ $value | humanizePercentage }} of its CPU",
        description="Target: below 50 % at peak. There is little room for the next peak or a failover's cold cache.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseStorageLow",
        expr=f"database:storage_free:ratio < {FREE_STORAGE:g}",
        hold="10m",
        hold_reason="RDS starts to enlarge the volume after five minutes below 10 %",
        severity="page",
        summary="The database has {{ $value | humanizePercentage }} of its disk left",
        description="On a full disk Postgres refuses every write, and the shop every order.",
        runbook="postgres",
    ),
    Alert(
        name="RdsMetricsStale",
        expr=f"time() - rds_last_success_timestamp_seconds > {RDS_FIGURES_AGE}",
        hold="5m",
        hold_reason="CloudWatch lags minutes; the expression allows 15",
        severity="ticket",
        summary="No metrics of the database's machine for {{ $value | humanizeDuration }}",
        description="Alerts on its CPU and disk are blind.",
        runbook="postgres",
    ),
    Alert(
        name="DatabaseIndexGrowth",
        expr=f"simone_index_size_bytes / (simone_index_size_bytes offset 1d) > {INDEX_GROWTH_PER_DAY:g}\n"
        f"and simone_index_size_bytes > {_INDEX_MINIMUM}",
        hold="1h",
        hold_reason="REINDEX CONCURRENTLY keeps two copies for a while",
        severity="ticket",
        summary="Index {{ $labels.indexrelname }} grew {{ $value | humanize }}-fold within a day",
        description="Bloat, or {{ $labels.relname }} grows faster than planned.",
        runbook="postgres",
    ),
    Alert(
        name="PostgresLongTransaction",
        expr=f"simone_connections_oldest_transaction_seconds > {OLDEST_TRANSACTION}",
        hold="1m",
        hold_reason="the expression allows five minutes",
        severity="ticket",
        summary="A transaction has been open for {{ $value | humanizeDuration }}",
        description="It blocks vacuum, may hold locks, and occupies a pooled connection.",
        runbook="postgres",
    ),
    Alert(
        name="PostgresDeadRows",
        expr=f"table:dead_rows:ratio > {DEAD_ROW_SHARE:g}",
        hold="30m",
        hold_reason="autovacuum reaches a table within minutes",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the rows of {{ $labels.relname }} are dead",
        description="Autovacuum is too slow, or an open transaction holds it back.",
        runbook="postgres",
    ),
    Alert(
        name="PostgresDeadlocks",
        expr='increase(pg_stat_database_deadlocks{datname="simone"}[10m]) > 0',
        hold="0s",
        hold_reason="each one costs a request",
        severity="ticket",
        summary="{{ $value | humanize }} deadlocks within ten minutes",
        description="Two transactions lock the same rows in different order.",
        runbook="postgres",
    ),
)

_PGBOUNCER_ALERTS = (
    Alert(
        name="PgbouncerDown",
        expr='up{job="pgbouncer"} == 0 or pgbouncer_up == 0',
        hold="2m",
        hold_reason="a replaced pod is back by then",
        severity="ticket",
        summary="pgBouncer {{ $labels.pod }} is down",
        description="The other pods carry its clients, with one pool fewer.",
        runbook="pgbouncer",
    ),
    Alert(
        name="PgbouncerAllDown",
        expr="absent(pgbouncer_up == 1)",
        hold="1m",
        hold_reason="a roll-out keeps one pod (maxUnavailable 0)",
        severity="page",
        summary="No pgBouncer is up",
        description="The API can't reach the database: writes fail, reads come from caches.",
        runbook="pgbouncer",
    ),
    Alert(
        name="PgbouncerClientsWaiting",
        expr=f"pgbouncer_pools_client_maxwait_seconds > {POOL_WAIT:g}",
        hold="1m",
        hold_reason="a burst drains within seconds; visitors notice a minute",
        severity="page",
        summary="A client of {{ $labels.pod }} has waited {{ $value | humanizeDuration }} for a connection",
        description="All server connections of {{ $labels.database }} are busy: slow queries, or too small a pool.",
        runbook="pgbouncer",
    ),
    Alert(
        name="PgbouncerPoolSaturated",
        expr=f"pod:pgbouncer_pool_used:ratio > {POOL_SHARE_ALERT:g}",
        hold="10m",
        hold_reason="40 to 70 % is healthy; ten minutes above 90 % is no peak",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of {{ $labels.pod }}'s pool is in use",
        description="The next burst will wait.",
        runbook="pgbouncer",
    ),
    Alert(
        name="PgbouncerClientConnections",
        expr=f"pod:pgbouncer_clients:ratio > {CONNECTIONS_SHARE:g}",
        hold="5m",
        hold_reason="a roll-out briefly doubles the clients",
        severity="ticket",
        summary="{{ $labels.pod }} has {{ $value | humanizePercentage }} of its client connections in use",
        description="At 100 % (max_client_conn) pgBouncer refuses new clients.",
        runbook="pgbouncer",
    ),
)

DATABASE = Group(
    name="database", owner="database", recordings=_RECORDINGS, alerts=(*_POSTGRES_ALERTS, *_PGBOUNCER_ALERTS)
)
