"""Backup under load, restore into an emptied pair, the nightly rewrite: the declared jobs, run as the cluster would."""

import json
import random
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from redis_pairs import Pairs, writing

from local.cloud import ENDPOINT
from testing.waits import eventually

pytestmark = pytest.mark.pods
PAIR, BUCKET = "data", "simone-local-redis-backups"


@pytest.fixture
def prefix(pairs: Pairs) -> Iterator[str]:
    """Keys of this test's own, in a whole pair; gone afterwards."""
    pairs.whole(PAIR)
    name = f"backup:{uuid.uuid4().hex[:8]}"
    yield name
    client = pairs.node(pairs.master(PAIR), "app", timeout=10)
    for key in client.scan_iter(f"{name}:*", count=1000):
        client.unlink(key)


def fill(client: Any, prefix: str, count: int = 300) -> dict[str, Any]:
    """Keys of every type that the shop uses, some with a TTL; what was written, by key."""
    random.seed(count)
    expected: dict[str, Any] = {}
    pipeline = client.pipeline(transaction=False)
    for number in range(count):
        hash_, list_ = f"{prefix}:hash:{number}", f"{prefix}:list:{number}"
        set_, zset, string = f"{prefix}:set:{number}", f"{prefix}:zset:{number}", f"{prefix}:string:{number}"
        expected[hash_] = {"user_id": str(number), "cart": "x" * random.randrange(200)}
        expected[list_] = [str(item) for item in range(number % 7 + 1)]
        expected[set_] = {str(item) for item in range(number % 9 + 1)}
        expected[zset] = [(str(item), float(item)) for item in range(number % 5 + 1)]
        expected[string] = "y" * random.randrange(2000)
        pipeline.hset(hash_, mapping=expected[hash_])
        pipeline.rpush(list_, *expected[list_])
        pipeline.sadd(set_, *expected[set_])
        pipeline.zadd(zset, dict(expected[zset]))
        pipeline.set(string, expected[string], ex=3600)
    pipeline.execute()
    return expected


def read(client: Any, keys: list[str]) -> dict[str, Any]:
    """The keys' values, by type."""
    values: dict[str, Any] = {}
    for key in keys:
        match key.split(":")[2]:
            case "hash":
                values[key] = client.hgetall(key)
            case "list":
                values[key] = client.lrange(key, 0, -1)
            case "set":
                values[key] = client.smembers(key)
            case "zset":
                values[key] = client.zrange(key, 0, -1, withscores=True)
            case _:
                values[key] = client.get(key)
    return values


def run(pairs: Pairs, job: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Runs a job; its exit code and what it reported."""
    log = pairs.environment.state.logs / job
    before = _lines(log)
    code = pairs.environment.run_job(job, arguments)
    new = _lines(log)[len(before) :]
    return code, [json.loads(line) for line in new if line.startswith("{")]


def _lines(log: Any) -> list[str]:
    return [line for path in sorted(log.glob("*.log")) if path.stem != "launcher" for line in path.open()]


def test_a_backup_under_load_restores_every_key_into_an_emptied_pair(pairs: Pairs, prefix: str) -> None:
    client = pairs.node(pairs.master(PAIR), "app", timeout=10)
    expected = fill(client, prefix)
    with writing(pairs, PAIR, f"{prefix}:writes") as writer:
        code, reports = run(pairs, "redis-backup", "--pair", PAIR)
        assert code == 0, reports
        during = list(writer.acknowledged)
    (stored,) = [line for line in reports if line["event"] == "backup stored"]
    assert stored["role"] == "slave"
    assert stored["keys"] >= len(expected)

    for key in client.scan_iter("*", count=1000):
        client.unlink(key)
    assert client.dbsize() == 0
    code, reports = run(pairs, "redis-restore", "--pair", PAIR)

    assert code == 0, reports
    (restored,) = [line for line in reports if line["event"] == "backup restored"]
    assert (restored["different"], restored["kept"]) == (0, 0)
    assert restored["restored"] + restored["expired"] == stored["keys"]
    assert read(client, list(expected)) == expected
    assert 0 < client.ttl(f"{prefix}:string:0") <= 3600
    assert client.ttl(f"{prefix}:hash:0") == -1
    # Of the writes that went on meanwhile, the backup holds those up to one moment, and none after it.
    there = [bool(found) for found in client.mget(during)]
    assert there == sorted(there, reverse=True)
    replica = pairs.replica_in_step(PAIR)
    eventually(lambda: pairs.node(replica).dbsize() == client.dbsize(), "the replica has it too")


def test_a_restore_keeps_what_the_shop_has_written_since(pairs: Pairs, prefix: str) -> None:
    client = pairs.node(pairs.master(PAIR), "app", timeout=10)
    client.set(f"{prefix}:string:a", "old")
    client.set(f"{prefix}:string:b", "old")
    assert run(pairs, "redis-backup", "--pair", PAIR)[0] == 0
    client.set(f"{prefix}:string:a", "new")
    client.delete(f"{prefix}:string:b")
    assert run(pairs, "redis-restore", "--pair", PAIR)[0] == 0
    assert client.mget(f"{prefix}:string:a", f"{prefix}:string:b") == ["new", "old"]
    assert run(pairs, "redis-restore", "--pair", PAIR, "--replace")[0] == 0
    assert client.get(f"{prefix}:string:a") == "old"


def test_a_damaged_backup_is_refused_and_changes_nothing(pairs: Pairs, prefix: str) -> None:
    client = pairs.node(pairs.master(PAIR), "app", timeout=10)
    client.set(f"{prefix}:string:a", "1")
    code, reports = run(pairs, "redis-backup", "--pair", PAIR)
    assert code == 0, reports
    key = reports[0]["key"]
    s3: Any = boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    found = s3.get_object(Bucket=BUCKET, Key=key)
    content = bytearray(found["Body"].read())
    content[len(content) // 2] ^= 0xFF
    s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(content), Metadata=found["Metadata"])
    client.delete(f"{prefix}:string:a")
    assert run(pairs, "redis-restore", "--pair", PAIR, "--backup", key)[0] != 0
    assert client.exists(f"{prefix}:string:a") == 0


def test_the_nightly_rewrite_shrinks_the_append_only_file_of_every_node(pairs: Pairs, prefix: str) -> None:
    client = pairs.node(pairs.master(PAIR), "app", timeout=10)
    for _ in range(20):
        client.set(f"{prefix}:string:big", "z" * 100_000)
    nodes = pairs.names(PAIR)
    replica = pairs.replica_in_step(PAIR)
    eventually(lambda: pairs.node(replica).strlen(f"{prefix}:string:big") == 100_000, "the replica has it")
    before = {name: pairs.node(name).info("persistence")["aof_current_size"] for name in nodes}
    code, _ = run(pairs, "redis-aof-rewrite")
    assert code == 0
    for name in nodes:
        after = pairs.node(name).info("persistence")
        assert after["aof_last_bgrewrite_status"] == "ok"
        assert after["aof_current_size"] < before[name] / 5
