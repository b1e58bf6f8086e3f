"""The pairs with `redis.tls_ca` set: everybody speaks TLS with them, also through a failover and in the jobs."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from redis_pairs import PASSWORDS, SENTINEL_PORT, SENTINELS, Pairs, running_pairs, writing

from app.api.redis import Pair, Topology, Unavailable
from app.api.redis.connection import tls_context
from app.api.settings import Address
from local import certificates
from local.state import State
from stack.environments import stack_config
from testing.waits import eventually

pytestmark = [pytest.mark.pods, pytest.mark.full]

PAIR, EXPORTER_PORT = "computed", 9121


@dataclass(frozen=True)
class Encrypted:
    """The pairs, and the CA's certificate in PEM."""

    pairs: Pairs
    ca: str


def made_ca(directory: Path) -> Path:
    """A new CA's certificate; below it, `postgres/server.crt` and `.key` are signed by it."""
    state = State(directory)
    state.create()
    certificates.ensure(state)
    return state.certificates / certificates.CA_FILE


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    ca_file = made_ca(tmp_path_factory.mktemp("ca"))
    signed = ca_file.parent / "postgres"
    settings = stack_config("local")["simone:redis"] | {"tls_ca": ca_file.read_text()}
    with running_pairs(
        tmp_path_factory.mktemp("encrypted"),
        config={"simone:redis": settings},
        secrets={
            "tls_certificate": (signed / "server.crt").read_text(),
            "tls_key": (signed / "server.key").read_text(),
        },
        ca_file=ca_file,
    ) as pairs:
        pairs.whole(PAIR)
        yield Encrypted(pairs, ca_file.read_text())


async def ask(pairs: Pairs, ca: str, *command: str, within: float = 2.0) -> object:
    """One command by the API's own client."""
    sentinels = [Address((pairs.host(f"redis-sentinel-{number}"), SENTINEL_PORT)) for number in range(SENTINELS)]
    tls = tls_context(ca)
    topology = Topology(sentinels, username="app", password=PASSWORDS["app"], tls=tls)
    pair = Pair(PAIR, topology, timeout_seconds=within, username="app", password=PASSWORDS["app"], tls=tls)
    try:
        return await pair.call(*command)
    finally:
        await pair.stop()


def test_without_tls_nobody_gets_an_answer(encrypted: Encrypted) -> None:
    master = encrypted.pairs.master(PAIR)
    for name, port in ((master, 6379), ("redis-sentinel-0", SENTINEL_PORT)):
        plain = redis.Redis(host=encrypted.pairs.host(name), port=port, username="app", password=PASSWORDS["app"])
        with pytest.raises(redis.ConnectionError):
            plain.ping()
    with pytest.raises(Unavailable):
        asyncio.run(ask(encrypted.pairs, "", "PING"))


def test_a_server_with_a_certificate_of_another_ca_is_refused(encrypted: Encrypted, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        asyncio.run(ask(encrypted.pairs, made_ca(tmp_path).read_text(), "PING"))


def test_the_api_s_client_finds_the_master_through_a_failover(encrypted: Encrypted) -> None:
    pairs = encrypted.pairs
    assert asyncio.run(ask(pairs, encrypted.ca, "SET", "tls:before", "1")) == b"OK"
    lost = pairs.master(PAIR)
    with writing(pairs, PAIR, "tls") as writer:
        pairs.environment.stop_node(lost)
        writer.go_on()
    assert pairs.master(PAIR) != lost
    assert asyncio.run(ask(pairs, encrypted.ca, "GET", "tls:before")) == b"1"
    pairs.whole(PAIR)


def test_a_planned_stop_hands_over_before_it(encrypted: Encrypted) -> None:
    pairs = encrypted.pairs
    stopped = pairs.master(PAIR)
    with writing(pairs, PAIR, "tls:planned") as writer:
        pairs.environment.stop_pod(stopped)
        writer.go_on()
    assert pairs.master(PAIR) != stopped
    assert writer.lost() == []
    pairs.whole(PAIR)


def test_backup_restore_and_rewrite_work(encrypted: Encrypted) -> None:
    environment = encrypted.pairs.environment
    for job, arguments in (
        ("redis-backup", ("--pair", PAIR)),
        ("redis-restore", ("--pair", PAIR, "--replace")),
        ("redis-aof-rewrite", ()),
    ):
        assert environment.run_job(job, arguments) == 0, job
    logs = [log for log in (environment.state.logs / "redis-restore").glob("*.log") if log.stem != "launcher"]
    lines = [json.loads(line) for log in logs for line in log.open() if line.startswith("{")]
    (restored,) = [line for line in lines if line["event"] == "backup restored"]
    assert (restored["different"], restored["restored"] > 0) == (0, True)


@pytest.mark.parametrize("name", [f"redis-{PAIR}-0", f"redis-{PAIR}-1", "redis-sentinel-0"])
def test_metrics_are_read(encrypted: Encrypted, name: str) -> None:
    url = f"http://{encrypted.pairs.host(name)}:{EXPORTER_PORT}/metrics"
    eventually(
        lambda: re.search(r"^redis_up(?:\{.*\})? 1$", httpx.get(url, timeout=10).text, re.MULTILINE),
        "the exporter sees its server",
    )
