"""What the entity cache promises whoever asks it, on a real Redis behind a real Sentinel, from real processes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.api import load_once
from app.api.cache_manager import NEGATIVE_SECONDS, CacheManager, TagsOfValue
from app.api.evictions import CHANNEL, Evictions, entity_of
from app.api.metrics import Metrics
from app.api.redis import Pair, RedisError, Topology
from app.api.redis.tagged import TaggedStore
from app.api.settings import Address
from testing.api_stack import PASSWORD, ROOT, Node, RedisFleet
from testing.waits import PATIENCE, eventually, eventually_async

ANSWER_WITHIN = 5.0
"""Seconds: what is promised here isn't speed, and a busy test machine stands still at times."""
MIB = 1024 * 1024


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
    """The Redis behind the cache, empty."""
    node = fleet.nodes["data"][0]
    node.client().flushall()
    return node


async def connected(fleet: RedisFleet, *, timeout_seconds: float = ANSWER_WITHIN) -> tuple[Topology, Pair]:
    sentinels = [Address(("127.0.0.1", sentinel.port)) for sentinel in fleet.sentinels]
    topology = Topology(sentinels, username=None, password=None)
    pair = Pair("data", topology, timeout_seconds=timeout_seconds, username="default", password=PASSWORD)
    topology.start()
    await pair.start()
    return topology, pair


class Process:
    """What one process of the API has: a connection, a cache, and its metrics."""

    def __init__(self, topology: Topology, pair: Pair) -> None:
        self.metrics = Metrics()
        self.store = TaggedStore(pair)
        self.cache = CacheManager(self.store, self.metrics)
        self._topology, self._pair = topology, pair

    def count(self, event: str, entity: str = "product") -> float:
        """How often something has happened, as Prometheus is told."""
        labels = {"entity": entity, "event": event}
        return self.metrics.registry.get_sample_value("api_entity_cache_events_total", labels) or 0

    async def stop(self) -> None:
        await self._topology.stop()
        await self._pair.stop()


@pytest.fixture
async def start(fleet: RedisFleet, node: Node) -> AsyncIterator[Callable[[], Awaitable[Process]]]:
    """Start one more process's part."""
    started: list[Process] = []

    async def one() -> Process:
        started.append(Process(*await connected(fleet)))
        return started[-1]

    yield one
    for process in started:
        await process.stop()


@pytest.fixture
async def process(start: Callable[[], Awaitable[Process]]) -> Process:
    return await start()


@pytest.fixture
async def other(start: Callable[[], Awaitable[Process]]) -> Process:
    """Another process."""
    return await start()


class Source:
    """What is cached: counts how often it was asked."""

    def __init__(self, value: Any = "value", *, takes: float = 0.0) -> None:
        self.value = value
        self.takes = takes
        self.loads = 0
        self.asked_for: list[Any] = []

    async def load(self) -> Any:
        self.loads += 1
        value = self.value
        await asyncio.sleep(self.takes)
        if isinstance(value, Exception):
            raise value
        return value

    async def load_many(self, identifiers: list[int]) -> dict[int, Any]:
        self.asked_for.append(sorted(identifiers))
        await asyncio.sleep(self.takes)
        return {identifier: f"value {identifier}" for identifier in identifiers if identifier < 100}


def key(identifier: object = 1) -> str:
    return CacheManager.key("product", identifier, "page")


# --- one value -------------------------------------------------------------------------------------------------------


def test_a_key_names_its_entity_its_id_and_the_shape_of_what_is_stored() -> None:
    assert CacheManager.key("product", 12345, "with_inventory") == "cache:product:12345:v2.with_inventory"


async def test_what_is_set_is_found_by_another_process_until_it_is_deleted(process: Process, other: Process) -> None:
    assert await other.cache.get(key()) is None
    await process.cache.set(key(), {"price": 1.5, "names": ["a", None]}, 60)
    assert await other.cache.get(key()) == {"price": 1.5, "names": ["a", None]}
    await process.cache.delete(key())
    assert await other.cache.get(key()) is None
    assert (other.count("miss"), other.count("hit")) == (2, 1)


async def test_what_is_deleted_while_somebody_loads_it_isnt_stored(process: Process, other: Process) -> None:
    source = Source("old", takes=0.2)
    loading = asyncio.create_task(process.cache.get_or_else(key(), 60, source.load))
    await eventually_async(lambda: source.loads)
    await other.cache.delete(key())
    assert await loading == "old"
    assert await other.cache.get(key()) is None


async def test_a_value_is_loaded_once_and_comes_back_as_json_gives_it(process: Process) -> None:
    source = Source({"ids": (1, 2)})
    first = await process.cache.get_or_else(key(), 60, source.load)
    second = await process.cache.get_or_else(key(), 60, source.load)
    assert first == second == {"ids": [1, 2]}
    assert source.loads == 1
    assert (process.count("miss"), process.count("hit")) == (1, 1)


async def test_ttls_differ_by_up_to_a_tenth_so_that_what_was_stored_together_expires_apart(
    process: Process, node: Node
) -> None:
    source = Source()
    for number in range(30):
        await process.cache.get_or_else(key(number), 1000, source.load)
        await process.cache.set(key(f"set-{number}"), "value", 1000)
    ttls = [node.client().ttl(key(number)) for number in (*range(30), *(f"set-{number}" for number in range(30)))]
    assert all(895 <= ttl <= 1000 for ttl in ttls)
    assert len(set(ttls)) > 20


async def test_an_absence_is_remembered_for_a_shorter_time(process: Process, node: Node) -> None:
    source = Source(None)
    assert [await process.cache.get_or_else(key(), 3600, source.load) for _ in range(3)] == [None] * 3
    assert source.loads == 1
    assert process.count("negative") == 2
    assert 0 < node.client().ttl(key()) <= NEGATIVE_SECONDS


async def test_a_failed_load_reaches_everybody_who_waited_and_is_tried_again(process: Process) -> None:
    source = Source(RuntimeError("the database is away"), takes=0.1)
    asked = [process.cache.get_or_else(key(), 60, source.load) for _ in range(5)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(result) for result in results] == ["the database is away"] * 5
    assert source.loads == 1
    source.value = "back"
    assert await asyncio.wait_for(process.cache.get_or_else(key(), 60, source.load), 3) == "back"


async def test_whoever_stops_waiting_doesnt_stop_the_load_for_the_others(process: Process) -> None:
    source = Source(takes=0.2)
    impatient = asyncio.create_task(process.cache.get_or_else(key(), 60, source.load))
    patient = asyncio.create_task(process.cache.get_or_else(key(), 60, source.load))
    await eventually_async(lambda: source.loads)
    impatient.cancel()
    assert await patient == "value"
    assert source.loads == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda redis: redis.hset(key(), "value", b"\x80\x04 a pickle"),
        lambda redis: redis.hset(key(), "meta", b"{}"),
        lambda redis: redis.hset(key(), "meta", b'["soon", 1]'),
        lambda redis: (redis.delete(key()), redis.set(key(), b"a string of somebody else's")),
    ],
    ids=["value", "meta", "meta-type", "redis-type"],
)
async def test_what_cant_be_decoded_is_a_miss_and_is_replaced(
    process: Process, node: Node, damage: Callable[[Any], Any]
) -> None:
    source = Source()
    await process.cache.get_or_else(key(), 60, source.load)
    damage(node.client())
    assert await process.cache.get(key()) is None
    assert await process.cache.get_or_else(key(), 60, source.load) == "value"
    assert await process.cache.get(key()) == "value"
    assert source.loads == 2
    assert process.count("undecodable") >= 2
    assert process.count("unavailable") == 0


# --- expiry ----------------------------------------------------------------------------------------------------------


async def test_a_dear_value_is_loaded_anew_in_the_background_before_it_expires(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source("first", takes=0.05)
    await process.cache.get_or_else(key(), 60, source.load)
    source.value = "second"
    # As if the load had cost so much that its next one should begin at once; the draw itself stays as it is.
    monkeypatch.setattr(load_once, "XFETCH_BETA", 1e9)
    assert await process.cache.get_or_else(key(), 60, source.load) == "first"
    await eventually_async(lambda: source.loads == 2)
    monkeypatch.undo()
    await eventually_async(lambda: process.cache.under_way == 0)
    assert await process.cache.get(key()) == "second"
    assert process.count("refresh") == 1
    assert process.count("stale") == 0


def test_the_nearer_the_end_and_the_dearer_the_load_the_likelier_is_an_early_one() -> None:
    def share(*, left: float, cost: float) -> float:
        return sum(1000.0 - left >= load_once.refresh_at(1000.0, cost) for _ in range(20_000)) / 20_000

    # Exponentially distributed: the chance is e^(-left / cost).
    assert share(left=1, cost=1) == pytest.approx(0.368, abs=0.03)
    assert share(left=3, cost=1) == pytest.approx(0.050, abs=0.02)
    assert share(left=3, cost=3) == pytest.approx(0.368, abs=0.03)
    assert share(left=3, cost=0) == 0
    assert share(left=-0.1, cost=0) == 1


async def test_an_expired_value_serves_while_one_process_loads_it_anew(process: Process, other: Process) -> None:
    source = Source("old")
    await process.cache.get_or_else(key(), 0.2, source.load, stale_seconds=60)
    await asyncio.sleep(0.25)
    source.value, source.takes = "new", 0.6
    asked = [
        one.cache.get_or_else(key(), 60, source.load, stale_seconds=60) for one in (process, other) for _ in range(20)
    ]
    assert set(await asyncio.gather(*asked)) == {"old"}
    await eventually_async(lambda: process.cache.under_way == other.cache.under_way == 0)
    assert await process.cache.get(key()) == "new"
    assert source.loads == 2
    assert process.count("stale") + other.count("stale") == 40


async def test_past_its_grace_a_value_is_loaded_by_the_one_who_asks(process: Process) -> None:
    source = Source("old")
    await process.cache.get_or_else(key(), 0.1, source.load, stale_seconds=0.1)
    await asyncio.sleep(0.25)
    source.value = "new"
    assert await process.cache.get_or_else(key(), 60, source.load, stale_seconds=0.1) == "new"


# --- tags ------------------------------------------------------------------------------------------------------------


async def test_a_purge_takes_what_has_the_tag_and_leaves_the_rest(process: Process, other: Process) -> None:
    for number in (1, 2):
        tags = (f"product:{number}", "catalogue")
        await process.cache.get_or_else(key(number), 60, Source(f"old {number}").load, tags=tags)
    await other.store.purge(["product:1"])
    assert await process.cache.get_many([key(1), key(2)]) == {key(2): "old 2"}
    await other.store.purge(["catalogue"])
    assert await process.cache.get_many([key(1), key(2)]) == {}


async def test_a_load_that_a_purge_overtakes_is_neither_stored_nor_joined(process: Process, other: Process) -> None:
    source = Source("old", takes=0.3)
    before = asyncio.create_task(process.cache.get_or_else(key(), 60, source.load, tags=("product:1",)))
    await eventually_async(lambda: source.loads)
    source.value, source.takes = "new", 0.0
    await other.store.purge(["product:1"])
    process.cache.purge(["product:1"])
    # The old load still holds the lock: its holder will not store anything, so whoever waits loads for themselves.
    after = await process.cache.get_or_else(key(), 60, source.load, tags=("product:1",))
    assert (await before, after) == ("old", "new")
    assert await other.cache.get(key()) in ("new", None)


async def test_a_purge_counts_even_where_redis_has_evicted_what_finds_the_values(process: Process, node: Node) -> None:
    """At full memory the set of a tag's keys, which only writes touch, goes before the values that visitors read."""
    source = Source("old")
    await process.cache.get_or_else(key(), 60, source.load, tags=("product:1",))
    node.client().delete("tag:keys:product:1")
    await process.store.purge(["product:1"])
    source.value = "new"
    assert await process.cache.get_or_else(key(), 60, source.load, tags=("product:1",)) == "new"


async def test_a_value_outlives_no_version_that_it_was_stored_under(process: Process, node: Node) -> None:
    await process.store.purge(["product:1"])
    node.client().expire("tag:version:product:1", 10)
    await process.cache.get_or_else(key(), 60, Source().load, tags=("product:1",), stale_seconds=1000)
    assert node.client().pttl("tag:version:product:1") >= node.client().pttl(key())


LISTED = TagsOfValue("listed", lambda value: tuple(f"listed:{number}" for number in value))


async def test_a_value_is_purged_by_the_tags_that_follow_from_it(process: Process, other: Process) -> None:
    for number, shown in ((1, [5, 6]), (2, [6, 7])):
        await process.cache.get_or_else(key(number), 60, Source(shown).load, tags=("products",), of_value=LISTED)
    await other.store.purge(["listed:5", "listed"])
    assert await process.cache.get_many([key(1), key(2)]) == {key(2): [6, 7]}
    await other.store.purge(["products"])
    assert await process.cache.get_many([key(1), key(2)]) == {}


async def test_a_purge_by_what_a_value_shows_counts_where_redis_has_evicted_what_finds_it(
    process: Process, node: Node
) -> None:
    await process.cache.get_or_else(key(), 60, Source([5]).load, of_value=LISTED)
    node.client().delete("tag:keys:listed:5")
    await process.store.purge(["listed:5", "listed"])
    assert await process.cache.get(key()) is None


async def test_a_load_whose_tags_follow_from_its_value_is_kept_out_by_a_purge_of_any_of_their_kind(
    process: Process, other: Process
) -> None:
    """Nobody knows yet what it will show, so the tag that is purged with each of them speaks for all."""
    source = Source([5], takes=0.3)
    before = asyncio.create_task(process.cache.get_or_else(key(), 60, source.load, of_value=LISTED))
    await eventually_async(lambda: source.loads)
    source.value, source.takes = [6], 0.0
    await other.store.purge(["listed:5", "listed"])
    process.cache.purge(["listed:5", "listed"])
    after = await process.cache.get_or_else(key(), 60, source.load, of_value=LISTED)
    assert (await before, after) == ([5], [6])
    assert await other.cache.get(key()) in ([6], None)


# --- many keys -------------------------------------------------------------------------------------------------------


async def test_many_keys_cost_one_load_of_those_that_are_missing(process: Process) -> None:
    source = Source()
    for number in (1, 2):
        await process.cache.set(key(number), f"value {number}", 60)
    keys = {key(number): number for number in (1, 2, 3, 4, 100)}
    expected = {key(1): "value 1", key(2): "value 2", key(3): "value 3", key(4): "value 4", key(100): None}
    assert await process.cache.get_or_else_many(keys, 60, source.load_many) == expected
    assert await process.cache.get_or_else_many(keys, 60, source.load_many) == expected
    assert source.asked_for == [[3, 4, 100]]
    assert process.count("negative") == 1
    found = await process.cache.get_many(list(keys))
    assert found == {name: value for name, value in expected.items() if value is not None}


async def test_overlapping_askers_of_many_keys_share_the_loads(process: Process, other: Process) -> None:
    source = Source(takes=0.2)

    def ask(one: Process, numbers: range) -> Awaitable[dict[str, Any]]:
        return one.cache.get_or_else_many({key(number): number for number in numbers}, 60, source.load_many)

    results = await asyncio.gather(ask(process, range(6)), ask(process, range(3, 9)), ask(other, range(9)))
    for result in results:
        assert all(value == f"value {name.split(':')[2]}" for name, value in result.items())
    assert [len(result) for result in results] == [6, 6, 9]
    asked = [number for call in source.asked_for for number in call]
    assert sorted(asked) == list(range(9))


async def test_a_purge_during_a_load_of_many_keys_keeps_the_old_ones_out(process: Process, other: Process) -> None:
    source = Source(takes=0.3)
    keys = {key(number): number for number in (1, 2)}
    loading = asyncio.create_task(
        process.cache.get_or_else_many(keys, 60, source.load_many, tags=lambda number: (f"product:{number}",))
    )
    await eventually_async(lambda: source.asked_for)
    await other.store.purge(["product:1"])
    await loading
    assert await other.cache.get_many(list(keys)) == {key(2): "value 2"}


async def test_a_failed_load_of_many_keys_leaves_no_lock_behind(process: Process, node: Node) -> None:
    async def fail(_: list[int]) -> dict[int, Any]:
        raise RuntimeError("the database is away")

    keys = {key(number): number for number in (1, 2)}
    with pytest.raises(RuntimeError, match="away"):
        await process.cache.get_or_else_many(keys, 60, fail)
    assert not [name for name in node.client().scan_iter() if name.startswith(b"lock:")]


# --- one load --------------------------------------------------------------------------------------------------------

ASKER = """
import asyncio, sys, time
from app.api.cache_manager import CacheManager
from app.api.evictions import CHANNEL, Evictions, entity_of
from app.api.metrics import Metrics
from app.api.redis import Pair, Topology
from app.api.redis.tagged import TaggedStore
from app.api.settings import Address

sentinel, password, moment, loads, key, takes = sys.argv[1:]

async def load():
    with open(loads, "a") as file:
        file.write("load\\n")
    await asyncio.sleep(float(takes))
    return {"stock": 7}

async def main():
    topology = Topology([Address.parse(sentinel)], username=None, password=None)
    pair = Pair("data", topology, timeout_seconds=10, username="default", password=password)
    topology.start()
    await pair.start()
    while not pair.available:
        await asyncio.sleep(0.05)
    cache = CacheManager(TaggedStore(pair), Metrics())
    print("ready", flush=True)
    await asyncio.sleep(float(sys.stdin.readline()) - time.time())
    values = await asyncio.gather(*(cache.get_or_else(key, 60, load) for _ in range(250)))
    assert values == [{"stock": 7}] * 250, values
    await topology.stop()
    await pair.stop()

asyncio.run(main())
"""


@contextlib.contextmanager
def askers(
    fleet: RedisFleet, loads: Path, name: str, *, count: int, takes: float
) -> "Generator[list[subprocess.Popen[str]]]":
    """Processes that wait for the moment to ask, 250 times each, for the same key."""
    address = f"127.0.0.1:{fleet.sentinels[0].port}"
    command = [sys.executable, "-c", ASKER, address, PASSWORD, "0", str(loads), name, str(takes)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
            )
            for _ in range(count)
        ]
        for one in started:
            stack.callback(one.kill)
        for one in started:
            assert one.stdout is not None
            assert "ready\n" in iter(one.stdout.readline, "")  # after what it may have logged
        yield started


def ask_at(moment: float, started: "list[subprocess.Popen[str]]") -> None:
    for one in started:
        assert one.stdin is not None
        one.stdin.write(f"{moment}\n")
        one.stdin.flush()


@pytest.mark.parametrize("takes", [0.0, 0.3], ids=["quick", "slow"])
def test_a_thousand_simultaneous_misses_from_four_processes_cost_exactly_one_load(
    fleet: RedisFleet, node: Node, tmp_path: Path, takes: float
) -> None:
    with askers(fleet, tmp_path / "loads", key(), count=4, takes=takes) as started:
        ask_at(time.time() + 0.3, started)
        assert [one.wait(PATIENCE) for one in started] == [0] * 4
    assert (tmp_path / "loads").read_text() == "load\n"
    assert node.client().ttl(key()) > 0


def test_a_process_killed_while_it_loads_holds_up_the_others_no_longer_than_its_lease(
    fleet: RedisFleet, node: Node, tmp_path: Path
) -> None:
    with askers(fleet, tmp_path / "loads", key(), count=1, takes=3600) as victim:
        ask_at(time.time(), victim)
        eventually((tmp_path / "loads").exists, "the load")
        locks: Any = node.client().keys("lock:*")
        left: list[Any] = [node.client().pttl(lock) for lock in locks]
        assert all(each != -1 and each <= 1000 * load_once.LEASE_SECONDS for each in left)
    with askers(fleet, tmp_path / "loads", key(), count=1, takes=0) as heirs:
        ask_at(time.time(), heirs)
        assert heirs[0].wait(PATIENCE) == 0
    assert (tmp_path / "loads").read_text() == "load\nload\n"


async def test_waiting_for_another_process_is_counted(process: Process, other: Process) -> None:
    loads: list[str] = []
    waits = asyncio.Event()

    async def load() -> str:
        loads.append("load")
        await waits.wait()
        return "value"

    asked = [asyncio.create_task(one.cache.get_or_else(key(), 60, load)) for one in (process, other) for _ in range(10)]
    await eventually_async(lambda: process.count("lock_wait") + other.count("lock_wait") == 1)
    waits.set()
    assert set(await asyncio.gather(*asked)) == {"value"}
    assert loads == ["load"]
    assert process.count("lock_wait") + other.count("lock_wait") == 1
    assert process.count("miss") + other.count("miss") == 20


# --- without Redis ---------------------------------------------------------------------------------------------------


async def test_without_redis_values_are_loaded_once_in_the_process_and_nothing_fails(
    fleet: RedisFleet, node: Node
) -> None:
    process = Process(*await connected(fleet, timeout_seconds=0.05))
    source = Source(takes=0.1)
    node.send(signal.SIGSTOP)
    try:
        asked = [process.cache.get_or_else(key(), 60, source.load) for _ in range(100)]
        assert set(await asyncio.gather(*asked)) == {"value"}
        assert source.loads == 1
        many = await process.cache.get_or_else_many({key(2): 2, key(3): 3}, 60, source.load_many)
        assert many == {key(2): "value 2", key(3): "value 3"}
        await process.cache.set(key(), "value", 60)
        assert await process.cache.get(key()) is None
        with pytest.raises(RedisError):
            await process.cache.delete(key())
        assert process.count("unavailable") > 0
    finally:
        node.send(signal.SIGCONT)
        await process.stop()


# --- full memory -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(node: Node) -> Iterator[Any]:
    """The Redis behind the cache with room for a few megabytes, under the declared policy."""
    client: Any = node.client()
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", used + 4 * MIB)
    yield client
    client.config_set("maxmemory", 0)
    client.config_set("maxmemory-policy", "noeviction")


async def test_a_full_cache_stays_within_its_memory_and_goes_on_taking_values(process: Process, small: Any) -> None:
    source = Source("x" * 2000)
    for first in range(0, 6000, 200):
        await asyncio.gather(
            *(process.cache.get_or_else(key(number), 60, source.load) for number in range(first, first + 200))
        )
    memory, stats = small.info("memory"), small.info("stats")
    assert memory["used_memory"] <= memory["maxmemory"] * 1.02
    assert stats["evicted_keys"] > 1000
    assert process.count("unavailable") == 0
    assert await process.cache.get(key(5999)) == "x" * 2000


async def test_evictions_are_counted_by_entity(process: Process, small: Any) -> None:
    evictions = Evictions((process.store.pair,), process.metrics)
    evictions.start()
    try:
        await eventually_async(lambda: small.pubsub_numsub(CHANNEL)[0][1] == 1)
        before = small.info("stats")["evicted_keys"]

        def fill() -> None:
            for number in range(4000):
                small.set(f"session:{number}", "x" * 1000)
                small.hset(f"cache:user:{number}:v1.profile", "value", "x" * 1000)
                small.set(f"lock:{number}", "x" * 1000)

        # In a thread, or whoever counts couldn't listen meanwhile, and would be taken for gone.
        await asyncio.to_thread(fill)
        counted = ("session", "user", "other")
        evicted = small.info("stats")["evicted_keys"] - before
        await eventually_async(lambda: sum(process.count("evicted", entity) for entity in counted) == evicted)
        assert all(process.count("evicted", entity) > 100 for entity in counted)
    finally:
        await evictions.stop()


def test_a_key_says_whose_it_is() -> None:
    keys = {
        CacheManager.key("product", 5): "product",
        "cache:response:/api/products?limit=9:v1.EUR.free": "response",
        "session:abc": "session",
        "cache:whatever-a-client-makes-up:1": "other",
        "tag:keys:product:5": "other",
        "": "other",
    }
    assert {key: entity_of(key) for key in keys} == keys


async def test_expired_values_leave_a_full_cache(process: Process, small: Any) -> None:
    await asyncio.gather(*(process.cache.set(key(number), "x" * 500, 0.2) for number in range(1000)))
    await eventually_async(lambda: not list(small.scan_iter("cache:*")))
