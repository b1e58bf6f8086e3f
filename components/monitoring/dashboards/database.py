"""Postgres and pgBouncer."""

from components.monitoring.dashboards.board import Board, Limits, Panel, Variable
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
    sections={
        "Statements": (
            Panel(
                title="Statements a second",
                description="Executions of all statements.",
                unit="ops",
                queries={"statements": "database:statements:rate5m"},
                limits=Limits(alert=STATEMENTS_PER_SECOND),
                alerts=("DatabaseQueryRate", "PostgresDown", "PostgresExporterDown"),
                width=8,
            ),
            Panel(
                title="Mean time of a statement",
                description="Execution time of a statement, on average.",
                unit="s",
                queries={"mean": "database:statement_seconds:mean_rate5m"},
                limits=Limits(alert=STATEMENT_MEAN),
                alerts=("DatabaseQueryTime",),
                width=8,
            ),
            Panel(
                title="Slow share",
                description="Executions of statements that took over 100 ms on average in these minutes.",
                unit="percentunit",
                queries={"slow": "database:slow_statements:share_rate5m"},
                limits=Limits(alert=SLOW_STATEMENT_SHARE),
                alerts=("DatabaseSlowQueries",),
                width=8,
            ),
            Panel(
                title="Where the time goes",
                description="The ten statements that took most time over the last hour.",
                unit="s",
                queries={
                    "{{query}}": "topk(10, sum by (queryid, query) (increase(pg_stat_statements_seconds_total[1h])))"
                },
                kind="table",
                width=24,
            ),
        ),
        "Connections": (
            Panel(
                title="Connections of Postgres",
                description="Share of max_connections.",
                unit="percentunit",
                queries={"used": "database:connections:ratio"},
                limits=Limits(alert=CONNECTIONS_SHARE),
                alerts=("PostgresConnections",),
                width=8,
            ),
            Panel(
                title="By state",
                description="Client connections of Postgres.",
                unit="short",
                queries={"{{state}}": "simone_activity_count"},
                width=8,
            ),
            Panel(
                title="Oldest transaction",
                description="How long the oldest transaction has been open.",
                unit="s",
                queries={"age": "simone_connections_oldest_transaction_seconds"},
                limits=Limits(alert=OLDEST_TRANSACTION),
                alerts=("PostgresLongTransaction", "PostgresDeadlocks"),
                width=8,
            ),
            Panel(
                title="Pool in use",
                description="Busy server connections by pool size; 40 to 70 % at peak is healthy.",
                unit="percentunit",
                queries={"{{pod}} {{database}}": "pod:pgbouncer_pool_used:ratio"},
                limits=Limits(alert=POOL_SHARE_ALERT, warn=POOL_SHARE_HIGH),
                alerts=("PgbouncerPoolSaturated", "PgbouncerDown", "PgbouncerAllDown"),
                width=8,
            ),
            Panel(
                title="Longest wait for a connection",
                description="How long the first client in the queue has waited.",
                unit="s",
                queries={"{{pod}}": "max by (pod, database) (pgbouncer_pools_client_maxwait_seconds)"},
                limits=Limits(alert=POOL_WAIT),
                alerts=("PgbouncerClientsWaiting",),
                width=8,
            ),
            Panel(
                title="Client connections",
                description="Share of max_client_conn.",
                unit="percentunit",
                queries={"{{pod}}": "pod:pgbouncer_clients:ratio"},
                limits=Limits(alert=CONNECTIONS_SHARE),
                alerts=("PgbouncerClientConnections",),
                width=8,
            ),
        ),
        "Storage": (
            Panel(
                title="Index size",
                description="Growth is watched: 30 % a day is unusual.",
                unit="bytes",
                queries={"{{indexrelname}}": 'topk(10, simone_index_size_bytes{relname=~"$table"})'},
                alerts=("DatabaseIndexGrowth",),
                width=8,
            ),
            Panel(
                title="Table size",
                description="Size without indexes.",
                unit="bytes",
                queries={"{{relname}}": 'simone_table_size_bytes{relname=~"$table"}'},
                width=8,
            ),
            Panel(
                title="Dead rows",
                description="Share of rows that wait for vacuum.",
                unit="percentunit",
                queries={
                    "{{relname}}": 'simone_table_dead_rows{relname=~"$table"}\n'
                    '/ (simone_table_live_rows{relname=~"$table"} + simone_table_dead_rows > 0)'
                },
                limits=Limits(alert=DEAD_ROW_SHARE),
                alerts=("PostgresDeadRows",),
                width=8,
            ),
        ),
        "Machine": (
            Panel(
                title="Processor",
                description="Share of the instance's processor time in use, by CloudWatch.",
                unit="percentunit",
                queries={"in use": "rds_cpu_ratio"},
                limits=Limits(alert=DATABASE_CPU),
                alerts=("DatabaseCpuHigh", "RdsMetricsStale"),
            ),
            Panel(
                title="Free disk",
                description="Share of the instance's volume, by CloudWatch.",
                unit="percentunit",
                queries={"free": "database:storage_free:ratio"},
                limits=Limits(alert=FREE_STORAGE, below=True),
                alerts=("DatabaseStorageLow",),
            ),
        ),
    },
)
