"""Postgres and pgBouncer."""

from components.monitoring.dashboards.board import Board, Limits, Panel, Query, Section, Variable
from components.monitoring.thresholds import (
    CONNECTIONS_SHARE,
    DATABASE_CPU,
    DEAD_ROW_SHARE,
    FREE_STORAGE,
    OLDEST_TRANSACTION,
    POOL_SHARE_ALERT,
    POOL_SHARE_HIGH,
    POOL_WAIT,
    SLOW_STATEMENT_SHARE,
    STATEMENT_MEAN,
    STATEMENTS_PER_SECOND,
)

DATABASE = Board(
    name="database",
    title="SIMONE: Postgres and pgBouncer",
    description="What the database does, how long it takes, and how full its connections are.",
    variables=(Variable(name="table", label="Table", query="label_values(simone_table_size_bytes, relname)"),),
    sections=(
        Section(
            title="Statements",
            panels=(
                Panel(
                    title="Statements a second",
                    description="Executions of all statements.",
                    unit="ops",
                    queries=(Query(expr="database:statements:rate5m", legend="statements"),),
                    limits=Limits(alert=STATEMENTS_PER_SECOND),
                    alerts=("DatabaseQueryRate", "PostgresDown", "PostgresExporterDown"),
                    width=8,
                ),
                Panel(
                    title="Mean time of a statement",
                    description="Execution time of a statement, on average.",
                    unit="s",
                    queries=(Query(expr="database:statement_seconds:mean_rate5m", legend="mean"),),
                    limits=Limits(alert=STATEMENT_MEAN),
                    alerts=("DatabaseQueryTime",),
                    width=8,
                ),
                Panel(
                    title="Slow share",
                    description="Executions of statements that took over 100 ms on average in these minutes.",
                    unit="percentunit",
                    queries=(Query(expr="database:slow_statements:share_rate5m", legend="slow"),),
                    limits=Limits(alert=SLOW_STATEMENT_SHARE),
                    alerts=("DatabaseSlowQueries",),
                    width=8,
                ),
                Panel(
                    title="Where the time goes",
                    description="The ten statements that took most time over the last hour.",
                    unit="s",
                    queries=(
                        Query(
                            expr="topk(10, sum by (queryid, query) (increase(pg_stat_statements_seconds_total[1h])))",
                            legend="{{query}}",
                        ),
                    ),
                    kind="table",
                    width=24,
                ),
            ),
        ),
        Section(
            title="Connections",
            panels=(
                Panel(
                    title="Connections of Postgres",
                    description="Share of max_connections.",
                    unit="percentunit",
                    queries=(Query(expr="database:connections:ratio", legend="used"),),
                    limits=Limits(alert=CONNECTIONS_SHARE),
                    alerts=("PostgresConnections",),
                    width=8,
                ),
                Panel(
                    title="By state",
                    description="Client connections of Postgres.",
                    unit="short",
                    queries=(Query(expr="simone_activity_count", legend="{{state}}"),),
                    width=8,
                ),
                Panel(
                    title="Oldest transaction",
                    description="How long the oldest transaction has been open.",
                    unit="s",
                    queries=(Query(expr="simone_connections_oldest_transaction_seconds", legend="age"),),
                    limits=Limits(alert=OLDEST_TRANSACTION),
                    alerts=("PostgresLongTransaction", "PostgresDeadlocks"),
                    width=8,
                ),
                Panel(
                    title="Pool in use",
                    description="Busy server connections by pool size; 40 to 70 % at peak is healthy.",
                    unit="percentunit",
                    queries=(Query(expr="pod:pgbouncer_pool_used:ratio", legend="{{pod}} {{database}}"),),
                    limits=Limits(alert=POOL_SHARE_ALERT, warn=POOL_SHARE_HIGH),
                    alerts=("PgbouncerPoolSaturated", "PgbouncerDown", "PgbouncerAllDown"),
                    width=8,
                ),
                Panel(
                    title="Longest wait for a connection",
                    description="How long the first client in the queue has waited.",
                    unit="s",
                    queries=(
                        Query(expr="max by (pod, database) (pgbouncer_pools_client_maxwait_seconds)", legend="{{pod}}"),
                    ),
                    limits=Limits(alert=POOL_WAIT),
                    alerts=("PgbouncerClientsWaiting",),
                    width=8,
                ),
                Panel(
                    title="Client connections",
                    description="Share of max_client_conn.",
                    unit="percentunit",
                    queries=(Query(expr="pod:pgbouncer_clients:ratio", legend="{{pod}}"),),
                    limits=Limits(alert=CONNECTIONS_SHARE),
                    alerts=("PgbouncerClientConnections",),
                    width=8,
                ),
            ),
        ),
        Section(
            title="Storage",
            panels=(
                Panel(
                    title="Index size",
                    description="Growth is watched: 30 % a day is unusual.",
                    unit="bytes",
                    queries=(
                        Query(expr='topk(10, simone_index_size_bytes{relname=~"$table"})', legend="{{indexrelname}}"),
                    ),
                    alerts=("DatabaseIndexGrowth",),
                    width=8,
                ),
                Panel(
                    title="Table size",
                    description="Size without indexes.",
                    unit="bytes",
                    queries=(Query(expr='simone_table_size_bytes{relname=~"$table"}', legend="{{relname}}"),),
                    width=8,
                ),
                Panel(
                    title="Dead rows",
                    description="Share of rows that wait for vacuum.",
                    unit="percentunit",
                    queries=(
                        Query(
                            expr='simone_table_dead_rows{relname=~"$table"}\n'
                            '/ (simone_table_live_rows{relname=~"$table"} + simone_table_dead_rows > 0)',
                            legend="{{relname}}",
                        ),
                    ),
                    limits=Limits(alert=DEAD_ROW_SHARE),
                    alerts=("PostgresDeadRows",),
                    width=8,
                ),
            ),
        ),
        Section(
            title="Machine",
            panels=(
                Panel(
                    title="Processor",
                    description="Share of the instance's processor time in use, by CloudWatch.",
                    unit="percentunit",
                    queries=(Query(expr="rds_cpu_ratio", legend="in use"),),
                    limits=Limits(alert=DATABASE_CPU),
                    alerts=("DatabaseCpuHigh", "RdsMetricsStale"),
                ),
                Panel(
                    title="Free disk",
                    description="Share of the instance's volume, by CloudWatch.",
                    unit="percentunit",
                    queries=(Query(expr="database:storage_free:ratio", legend="free"),),
                    limits=Limits(alert=FREE_STORAGE, below=True),
                    alerts=("DatabaseStorageLow",),
                ),
            ),
        ),
    ),
)
