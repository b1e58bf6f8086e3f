"""What a result costs the server: statements, pages and time."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from testing.queries.plans import read_plan


@dataclass(frozen=True, slots=True)
class Effort:
    """Statements run, pages of 8 kB touched, and milliseconds until the result is there (median)."""

    statements: int
    pages: int
    milliseconds: float


class _Explaining:
    """A connection that explains each statement before it runs it, and adds up the pages touched."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0
        self.pages = 0

    async def _explain(self, sql: str, arguments: tuple[Any, ...]) -> None:
        explained = await self._connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", *arguments
        )
        self.statements += 1
        self.pages += read_plan(explained).buffers

    async def fetch(self, sql: str, *arguments: Any) -> Any:
        await self._explain(sql, arguments)
        return await self._connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        await self._explain(sql, arguments)
        return await self._connection.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        await self._explain(sql, arguments)
        return await self._connection.fetchval(sql, *arguments)


async def effort_of(connection: Any, answer: Callable[[Any], Awaitable[object]], *, repeat: int = 3) -> Effort:
    """Measure `answer(connection)`, which must only read; time it `repeat` times (0: not at all)."""
    explaining = _Explaining(connection)
    await answer(explaining)
    times: list[float] = []
    for _ in range(repeat):
        begun = time.perf_counter()
        await answer(connection)
        times.append((time.perf_counter() - begun) * 1000)
    return Effort(explaining.statements, explaining.pages, median(times) if times else 0.0)
