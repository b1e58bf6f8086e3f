"""Waits for states, threads beside a test, free ports: used by everything that starts real servers.

A wait ends as soon as its state is reached. So a generous bound costs nothing: it only ends a wait in vain.
"""

import asyncio
import contextlib
import inspect
import random
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import redis

T = TypeVar("T")

PATIENCE: Final = 120.0
"""Seconds; less than a test's own timeout, so that the failure names what was waited for."""
NOT_THERE: Final = (OSError, httpx.TransportError, redis.RedisError)
"""What clients raise while a server isn't up."""
_PAUSE: Final = 0.05


class _Wait:
    """What is waited for, and when to give up."""

    def __init__(self, what: str, within: float) -> None:
        self._what, self._within = what, within
        self._end = time.monotonic() + within

    def goes_on(self, answer: object) -> None:
        """Raises AssertionError with the last answer when the time is over."""
        assert time.monotonic() < self._end, f"not within {self._within:g} s: {self._what} ({answer!r})"


def eventually(
    ask: Callable[[], T | None],
    what: str = "it",
    *,
    within: float = PATIENCE,
    failing: type[Exception] | tuple[type[Exception], ...] = NOT_THERE,
    pause: Callable[[float], object] = time.sleep,
) -> T:
    """Call `ask` until it returns something true, and return that. Exceptions in `failing` count as false.

    Raises AssertionError after `within` seconds. `pause` is called with the seconds between two calls, for callers
    that have something to do meanwhile.
    """
    wait = _Wait(what, within)
    while True:
        try:
            answer = ask()
        except failing as error:
            wait.goes_on(error)
        else:
            if answer:
                return answer
            wait.goes_on(answer)
        pause(_PAUSE)


async def eventually_async(
    ask: Callable[[], Any],
    what: str = "it",
    *,
    within: float = PATIENCE,
    failing: type[Exception] | tuple[type[Exception], ...] = NOT_THERE,
) -> Any:
    """As `eventually`, for a running event loop; `ask` may be a coroutine function."""
    wait = _Wait(what, within)
    while True:
        try:
            answer = ask()
            if inspect.isawaitable(answer):
                answer = await answer
        except failing as error:
            wait.goes_on(error)
        else:
            if answer:
                return answer
            wait.goes_on(answer)
        await asyncio.sleep(_PAUSE)


@contextlib.contextmanager
def meanwhile(*work: Callable[[threading.Event], None]) -> Generator[threading.Event]:
    """Run each of `work` in a thread during the block. Each gets an event, which is set when the block ends.

    Then raises what a thread has raised, with the block's own exception as its context, and AssertionError for a
    thread that doesn't end.
    """
    over = threading.Event()
    failed: list[Exception] = []

    def run(act: Callable[[threading.Event], None]) -> None:
        try:
            act(over)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,), daemon=True) for act in work]
    for thread in threads:
        thread.start()
    try:
        yield over
    finally:
        over.set()
        end = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        if failed:
            raise failed[0]
    assert not [thread for thread in threads if thread.is_alive()], "a thread goes on after its block has ended"


def _first_ephemeral_port() -> int:
    """The first port of those that the kernel gives outgoing connections."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


_given: set[int | str] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is unused, that no outgoing connection gets, and that is returned only once."""
    end = _first_ephemeral_port()
    while True:
        port = random.randrange(10_000, end)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def own_address() -> str:
    """A loopback address that no other test gets, for servers on fixed ports."""
    while True:
        address = f"127.{random.randrange(64, 192)}.{random.randrange(250)}.{random.randrange(1, 250)}"
        if address not in _given:
            _given.add(address)
            return address
