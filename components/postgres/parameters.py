"""The database's parameters, derived from the instance's memory: what RDS gets and the local Postgres starts with."""

from dataclasses import dataclass
from typing import Literal

from components.postgres.settings import PostgresSettings
from components.settings.quantities import GIB, KIB, MIB

ApplyMethod = Literal["immediate", "pending-reboot"]
_PAGE = 8 * KIB
_REFERENCE_MEMORY = 16 * GIB  # the specification's figures are for this


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter, its `value` in Postgres's own `unit` (8kB, kB, ms; empty: a plain value).

    A `static` one takes effect at a restart. Names that begin with `rds.` exist in RDS only.
    """

    name: str
    value: str
    why: str
    unit: str = ""
    static: bool = False

    @property
    def apply_method(self) -> ApplyMethod:
        """RDS refuses "immediate" for a static parameter."""
        return "pending-reboot" if self.static else "immediate"


def parameters(settings: PostgresSettings) -> tuple[Parameter, ...]:
    """All declared parameters, by name. Those not listed keep their defaults."""
    memory = settings.memory
    work_mem = max(4 * MIB, 20 * MIB * memory // _REFERENCE_MEMORY)
    declared = [
        Parameter(
            name="shared_buffers",
            value=str(memory // 4 // _PAGE),
            unit="8kB",
            static=True,
            why="a quarter of the memory; the operating system caches the rest",
        ),
        Parameter(
            name="effective_cache_size",
            value=str(memory // 4 * 3 // _PAGE),
            unit="8kB",
            why="three quarters of the memory are cache of one kind or the other; makes the planner like indexes",
        ),
        Parameter(
            name="work_mem",
            value=str(work_mem // KIB),
            unit="kB",
            why="20 MB for each sort or hash on the 16 GiB instance, in proportion elsewhere",
        ),
        Parameter(
            name="maintenance_work_mem",
            value=str(max(64 * MIB, memory // 16) // KIB),
            unit="kB",
            why="a sixteenth of the memory: index builds and vacuum",
        ),
        Parameter(
            name="max_connections",
            value=str(settings.max_connections),
            static=True,
            why="RDS's formula for the instance's memory, fixed here, so that the pools can be held below it",
        ),
        Parameter(name="max_parallel_workers", value="8", why="as specified; a query takes 2 of them at most"),
        Parameter(name="max_worker_processes", value="8", static=True, why="as many as max_parallel_workers"),
        Parameter(name="random_page_cost", value="1.1", why="SSD: a random read costs hardly more than the next one"),
        Parameter(name="jit", value="1", why="as specified"),
        Parameter(
            name="jit_above_cost",
            value="500000",
            why="five times the default: compiling costs more than it saves in short queries",
        ),
        Parameter(name="track_io_timing", value="1", why="plans and statistics tell reading from computing"),
        Parameter(
            name="idle_in_transaction_session_timeout",
            value="60000",
            unit="ms",
            why="a forgotten transaction holds locks and keeps vacuum from its work",
        ),
        Parameter(
            name="log_min_duration_statement", value="100", unit="ms", why="as specified: what is slower is logged"
        ),
        Parameter(
            name="log_statement",
            value=settings.log_statement,
            why="schema changes; all of them in dev only, as that doubles the log and writes personal data into it",
        ),
        Parameter(
            name="log_duration",
            value="1" if settings.log_duration else "0",
            why="of every statement, in dev only; log_min_duration_statement tells of the slow ones",
        ),
        Parameter(
            name="log_line_prefix",
            value="%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
            why="time, client, user, database, process, application; RDS takes only this one and its default",
        ),
        Parameter(name="log_lock_waits", value="1", why="waits of more than a second for a lock are logged"),
        Parameter(name="log_temp_files", value="10240", unit="kB", why="sorts and hashes that spill 10 MB are logged"),
        Parameter(
            name="shared_preload_libraries",
            value="pg_stat_statements,auto_explain",
            static=True,
            why="statistics of every query, and plans of the slow ones",
        ),
        Parameter(name="pg_stat_statements.track", value="all", why="statements inside functions too"),
        Parameter(name="pg_stat_statements.max", value="5000", static=True, why="more than the shop has"),
        Parameter(
            name="auto_explain.log_min_duration", value="1000", unit="ms", why="plans of what takes over a second"
        ),
        Parameter(name="auto_explain.log_analyze", value="0", why="timing every node would slow every query"),
        Parameter(name="rds.force_ssl", value="1", why="no connection without TLS"),
        Parameter(
            name="rds.log_retention_period",
            value="10080",
            unit="min",
            why="seven days of log on the instance, for the slow-query report",
        ),
    ]
    return tuple(sorted(declared, key=lambda parameter: parameter.name))
