"""The task of every cache: hits by 32 concurrent readers, or one cold key by 250. Prints its figures as JSON.

Runs in our environment and in the other libraries', so it needs nothing but the standard library and uvloop.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

KEYS = 1000
ASKERS = 32
WARM_UP_SECONDS = 0.5
STAMPEDE = 250
LOAD_SECONDS = 0.1
"""How long the stampede's expensive query takes, seconds."""

Load = Callable[[], Awaitable[Any]]
Get = Callable[[int, Load], Awaitable[Any]]
Open = Callable[[], Awaitable[Get]]


def run(opened: Open) -> None:
    """TASK=hits SECONDS=3, or TASK=stampede IDENTIFIER=1, which reads its start time from standard input."""
    value = json.loads(Path(os.environ["PAYLOAD"]).read_bytes())
    task = _hits if os.environ["TASK"] == "hits" else _stampede
    print(json.dumps(uvloop.run(task(opened, value))), flush=True)


async def _hits(opened: Open, value: Any) -> dict[str, float]:
    get = await opened()

    async def load() -> Any:
        return value

    for identifier in range(KEYS):
        await get(identifier, load)
    await _ask(get, WARM_UP_SECONDS, value)
    seconds = float(os.environ["SECONDS"])
    cpu = time.process_time()
    calls = await _ask(get, seconds, value)
    return {"calls_per_second": calls / seconds, "cpu_microseconds": (time.process_time() - cpu) / calls * 1e6}


def _check(found: Any, value: Any) -> None:
    if found != value:
        raise AssertionError(f"not what was stored: {found!r}")


async def _ask(get: Get, seconds: float, value: Any) -> int:
    end = time.monotonic() + seconds

    async def load() -> Any:
        raise AssertionError("a hit was a miss")

    async def asker() -> int:
        calls, found = 0, value
        while time.monotonic() < end:
            found = await get(random.randrange(KEYS), load)  # noqa: S311
            calls += 1
        _check(found, value)
        return calls

    return sum(await asyncio.gather(*(asker() for _ in range(ASKERS))))


async def _stampede(opened: Open, value: Any) -> dict[str, float]:
    get = await opened()
    loads, failures, last = 0, 0, 0.0

    async def load() -> Any:
        nonlocal loads
        loads += 1
        await asyncio.sleep(LOAD_SECONDS)
        return value

    async def asker() -> None:
        nonlocal failures, last
        try:
            _check(await get(identifier, load), value)
        except Exception as error:
            failures += 1
            print(type(error).__name__, error, file=sys.stderr)
        last = max(last, time.time() - moment)

    identifier = int(os.environ["IDENTIFIER"])
    await get(identifier + 1, load)  # connections and scripts are there, as in a process that has run for a while
    loads = 0
    print("ready", flush=True)
    moment = float(await asyncio.to_thread(sys.stdin.readline))
    await asyncio.sleep(moment - time.time())
    await asyncio.gather(*(asker() for _ in range(STAMPEDE)))
    return {"loads": loads, "failures": failures, "seconds": last}
