"""What the API's client of Redis does about servers that say nothing, refuse, or fail: real ones, really stopped."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psutil
import pytest

from app.api.redis import Pair, ReplyError, Topology, Unavailable, connection
from app.api.redis.breaker import FAILURES_TO_OPEN
from app.api.redis.subscription import Subscription
from app.api.settings import Address
from testing.api_stack import PASSWORD, Node, RedisFleet
from testing.waits import eventually_async

TIMEOUT = 0.3
"""Seconds, more than in production: a busy test machine stands still at times."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisFleet]:
    fleet = RedisFleet(tmp_path_factory.mktemp("redis"), sentinel_count=1)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()


@pytest.fixture
def node(fleet: RedisFleet) -> Node:
    return fleet.nodes["data"][0]


@pytest.fixture
async def pair(fleet: RedisFleet, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    """A connected pair, whose subscriptions notice silence within a second."""
    monkeypatch.setattr(connection, "SILENT_SECONDS", 1.0)
    sentinels = [Address(("127.0.0.1", sentinel.port)) for sentinel in fleet.sentinels]
    topology = Topology(sentinels, username=None, password=None)
    pair = Pair("data", topology, timeout_seconds=TIMEOUT, username="default", password=PASSWORD)
    topology.start()
    await pair.start()
    await eventually_async(lambda: pair.available)
    yield pair
    await topology.stop()
    await pair.stop()


def listeners(node: Node, channel: str) -> int:
    found: Any = node.client().pubsub_numsub(channel)
    return found[0][1]


def subscribers(sentinel: Node) -> set[int]:
    """Our ports of a Sentinel's connections that have subscribed to one channel, as ours have; other Sentinels to
    more.
    """
    clients: Any = sentinel.client().client_list()
    return {
        int(client["addr"].rpartition(":")[2]) for client in clients if client["sub"] == "1" and client["name"] == ""
    }


def held(ports: set[int]) -> set[int]:
    """Those of this process's own `ports` whose connection it still holds."""
    return ports & {each.laddr.port for each in psutil.Process().net_connections("tcp4") if each.raddr}


async def test_a_sentinel_that_says_nothing_is_left_and_heard_again_when_it_is_back(
    fleet: RedisFleet, pair: Pair
) -> None:
    (sentinel,) = fleet.sentinels
    await eventually_async(lambda: len(subscribers(sentinel)) == 1)
    before = subscribers(sentinel)
    assert held(before) == before
    sentinel.send(signal.SIGSTOP)
    try:
        await eventually_async(lambda: not held(before))
    finally:
        sentinel.send(signal.SIGCONT)
    await eventually_async(lambda: len(now := subscribers(sentinel)) == 1 and now.isdisjoint(before))


async def test_a_subscription_says_that_it_hears_nothing_and_hears_again(pair: Pair, node: Node) -> None:
    heard: list[bytes] = []
    silences: list[float] = []
    subscription = Subscription(
        pair,
        ["news"],
        lambda push: heard.append(push[2]) if push[0] == b"message" else None,
        lost=lambda: silences.append(time.monotonic()),
    )
    subscription.start()
    try:
        await eventually_async(lambda: listeners(node, "news") == 1)
        node.send(signal.SIGSTOP)
        try:
            await eventually_async(lambda: silences)
        finally:
            node.send(signal.SIGCONT)
        await eventually_async(lambda: node.client().publish("news", "back") and b"back" in heard)
    finally:
        await subscription.stop()


async def test_a_command_to_a_server_that_hangs_fails_and_soon_at_once(pair: Pair, node: Node) -> None:
    node.send(signal.SIGSTOP)
    try:
        for _ in range(FAILURES_TO_OPEN):
            if pair.available:
                with pytest.raises(Unavailable):
                    await pair.call("GET", "key")
        for _ in range(20):
            with pytest.raises(Unavailable):
                pair.call("GET", "key").send(None)  # it fails before it waits for anything
    finally:
        node.send(signal.SIGCONT)
    assert pair.breaker.opened == 1
    await eventually_async(lambda: pair.available)
    assert await pair.call("PING") == b"PONG"


async def test_a_mistake_in_a_command_opens_no_circuit(pair: Pair) -> None:
    for _ in range(5):
        with pytest.raises(ReplyError, match="unknown command"):
            await pair.call("NONSENSE")
    assert pair.available
    assert pair.breaker.opened == 0


async def test_commands_of_many_tasks_share_one_connection_and_keep_their_answers(pair: Pair, node: Node) -> None:
    before: Any = node.client().info("clients")["connected_clients"]  # pyright: ignore[reportIndexIssue]
    answers = await asyncio.gather(*(pair.call("ECHO", str(number)) for number in range(500)))
    assert answers == [str(number).encode() for number in range(500)]
    after: Any = node.client().info("clients")["connected_clients"]  # pyright: ignore[reportIndexIssue]
    assert after <= before + 1
