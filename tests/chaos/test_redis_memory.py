"""Full memory under the declared policy: bounded, counted, and nobody who signed in is lost."""

import asyncio
import re
import uuid
from typing import Any

import httpx
import pytest
from redis_pairs import Pairs
from shoppers import Client, connected

from app.api.evictions import CHANNEL, Evictions
from app.api.sessions import Session
from testing.postgres import Cluster
from testing.waits import eventually, eventually_async

pytestmark = pytest.mark.pods
PAIR = "computed"  # the smallest; all three have the same policy
MEMBERS = 50
EXPORTER_PORT = 9121
FILLER = "x" * 8000


def evicted(pairs: Pairs, name: str) -> int:
    return pairs.node(name).info("stats")["evicted_keys"]


def exported(pairs: Pairs, name: str) -> float:
    """What Prometheus is told, which the alert on evicted sessions looks at."""
    text = httpx.get(f"http://{pairs.host(name)}:{EXPORTER_PORT}/metrics", timeout=10).text
    found = re.search(r"^redis_evicted_keys_total(?:\{.*\})? (\S+)$", text, re.MULTILINE)
    assert found
    return float(found[1])


def heard(one: Client) -> dict[str, float]:
    """Evictions that the worker has counted, by entity."""
    samples = (sample for family in one.metrics.registry.collect() for sample in family.samples)
    return {
        sample.labels["entity"]: sample.value
        for sample in samples
        if sample.name == "api_entity_cache_events_total" and sample.labels["event"] == "evicted"
    }


def heard_by(client: Any) -> int:
    return client.pubsub_numsub(CHANNEL)[0][1]


def flood(client: Any, prefix: str, until: int) -> None:
    """Anonymous sessions, written past the store, until that many keys were evicted."""
    number = 0
    while client.info("stats")["evicted_keys"] < until:
        pipeline = client.pipeline(transaction=False)
        for _ in range(500):
            number += 1
            key = f"session:{prefix}-{number}"
            pipeline.hset(key, mapping={"user_id": "", "cart_data": FILLER, "preferences": "{}", "last_activity": "1"})
            pipeline.expire(key, 7200)
        pipeline.execute()


def test_members_keep_their_sessions_while_anonymous_ones_flood_the_declared_memory(
    pairs: Pairs, postgres: Cluster
) -> None:
    pairs.whole(PAIR)
    master, prefix = pairs.master(PAIR), uuid.uuid4().hex[:8]
    client = pairs.node(master, "app", timeout=10)
    before = evicted(pairs, master)

    async def scenario() -> tuple[list[Session | None], float]:
        async with connected(pairs, PAIR, postgres) as one:
            evictions = Evictions((one.pair,), one.metrics)
            evictions.start()
            await eventually_async(lambda: heard_by(client) > 0, "evictions are heard")
            members = [await one.sessions.create(cart_data={"number": number}) for number in range(MEMBERS)]
            await asyncio.to_thread(flood, client, prefix, before + 100)
            # As many again as there is room for: most of what wasn't used since has gone.
            await asyncio.to_thread(flood, client, f"{prefix}-again", before + client.dbsize())
            gone = evicted(pairs, master) - before
            # Not sessions alone: other tests have left keys here.
            await eventually_async(lambda: sum(heard(one).values()) >= gone, "every eviction is counted")
            await evictions.stop()
            counted = sum(heard(one).values())
            assert counted == gone
            assert heard(one)["session"] > 100
            left = client.exists(*(f"session:{member.id}" for member in members))
            assert left < MEMBERS, "no member's session was evicted: nothing is proved"
            return [await one.sessions.get(member.id) for member in members], counted

    try:
        found, counted = asyncio.run(scenario())
        assert [session.cart_data["number"] if session else None for session in found] == list(range(MEMBERS))
        eventually(lambda: exported(pairs, master) >= before + counted, "the exporter counts them")
        for name in pairs.names(PAIR):
            memory = pairs.node(name).info("memory")
            assert memory["used_memory"] - memory["mem_not_counted_for_evict"] <= memory["maxmemory"] * 1.05, name
    finally:
        names = list(client.scan_iter(f"session:{prefix}*", count=5000))
        for start in range(0, len(names), 1000):
            client.unlink(*names[start : start + 1000])
    assert pairs.replica_in_step(PAIR)
