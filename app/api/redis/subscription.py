"""Receives what is published on a pair's master, whichever node that is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from app.api.redis.connection import Push
from app.api.redis.errors import RedisError
from app.api.redis.pair import Pair

RECONNECT_SECONDS: Final = 0.25

log = structlog.get_logger(__name__)


def _nothing() -> None:
    return


def _untold(_: float) -> None:
    return


class Subscription:
    """Channels of a pair, on a separate connection that is made again whenever it is lost.

    `hear` gets every push, first the confirmation of each channel. `lost` is called when the connection is lost.
    `alive` gets the moment (`time.monotonic`) until which everything has been received: when the last answered PING
    was sent.
    """

    def __init__(
        self,
        pair: Pair,
        channels: Sequence[str],
        hear: Push,
        *,
        lost: Callable[[], None] = _nothing,
        alive: Callable[[float], None] = _untold,
    ) -> None:
        self._pair = pair
        self._channels = tuple(channels)
        self._hear = hear
        self._lost = lost
        self._alive = alive
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear."""
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Stop hearing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._pair.subscription(self._pushed)
            except (RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            connection.send("SUBSCRIBE", *self._channels)
            try:
                await connection.until_lost()
            finally:
                connection.close()
                self._lost()
                log.info("channels not heard", pair=self._pair.name, channels=list(self._channels))

    def _pushed(self, push: list[Any]) -> None:
        if push[0] == b"pong":
            self._alive(float(push[1]))
        else:
            self._hear(push)
