"""What a visitor's session is promised: never lost, never undone, ended for good. Real Redis, Sentinel and Postgres."""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from http.cookies import Morsel, SimpleCookie
from typing import Any

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from app.api.metrics import Metrics
from app.api.redis import Pair, RedisError, Topology
from app.api.sessions import ANONYMOUS_TTL_SECONDS, TTL_SECONDS, Session, SessionStore, Unreadable, is_id, new_id
from app.api.settings import Address
from app.database import failures
from app.database.catalogue.tables import DEMO_PASSWORD, DEMO_USERS
from testing.api_stack import ADMIN_TOKEN, PASSWORD, Api, Node, Stack, running_stack
from testing.waits import eventually_async

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        yield stack


@pytest.fixture
def node(stack: Stack) -> Node:
    """The Redis that holds the sessions."""
    return stack.redis.nodes["sessions"][0]


class Process:
    """What one process of the API has: connections to both stores, and its metrics."""

    def __init__(self, pair: Pair, pool: "asyncpg.Pool[asyncpg.Record]", topology: Topology) -> None:
        self.metrics = Metrics()
        self.pair = pair
        self.pool = pool
        self.topology = topology
        self.store = SessionStore(pair, pool, self.metrics)

    def count(self, result: str) -> float:
        """How many reads ended like that, as Prometheus is told."""
        return self.metrics.registry.get_sample_value("api_session_reads_total", {"result": result}) or 0


@contextlib.asynccontextmanager
async def process_of(stack: Stack, timeout_seconds: float) -> AsyncGenerator[Process]:
    sentinels = [Address(("127.0.0.1", sentinel.port)) for sentinel in stack.redis.sentinels]
    topology = Topology(sentinels, username=None, password=None)
    pair = Pair("sessions", topology, timeout_seconds=timeout_seconds, username="default", password=PASSWORD)
    pool = asyncpg.create_pool(
        host="127.0.0.1", port=stack.postgres_port, user="app", password=PASSWORD, database="simone", min_size=0
    )
    async with pool:
        process = Process(pair, pool, topology)
        topology.start()
        await pair.start()
        try:
            yield process
        finally:
            await topology.stop()
            await pair.stop()


@pytest.fixture
async def process(stack: Stack) -> AsyncIterator[Process]:
    async with process_of(stack, timeout_seconds=5) as process:
        yield process


@pytest.fixture
async def other(stack: Stack) -> AsyncIterator[Process]:
    """Another process."""
    async with process_of(stack, timeout_seconds=5) as process:
        yield process


@pytest.fixture
async def quick(stack: Stack) -> AsyncIterator[Process]:
    """A process that waits for Redis as briefly as in production."""
    async with process_of(stack, timeout_seconds=0.05) as process:
        yield process


def key(session: Session) -> str:
    return f"session:{session.id}"


async def calls(process: Process, statement: str) -> int:
    """How often Postgres has run a statement since it was asked to forget."""
    found = await process.pool.fetchval(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%' || $1 || '%'", f"/* {statement} */"
    )
    return int(found)


# --- both stores -----------------------------------------------------------------------------------------------------


async def test_a_session_is_a_hash_in_redis_with_a_copy_in_postgres(process: Process, other: Process) -> None:
    created = await process.store.create(user_id=1, cart_data={"7": 2}, preferences={"theme": "dark"})
    found = await other.store.get(created.id)
    assert found is not None
    assert (found.user_id, found.cart_data, found.preferences) == (1, {"7": 2}, {"theme": "dark"})
    assert other.count("hit") == 1
    reply: list[bytes] = await process.pair.call("HGETALL", key(created))
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    assert set(fields) == {b"user_id", b"cart_data", b"cart_version", b"preferences", b"last_activity"}
    await process.pair.call("UNLINK", key(created))
    again = await other.store.get(created.id)
    assert again is not None
    assert (again.user_id, again.cart_data, again.preferences) == (1, {"7": 2}, {"theme": "dark"})


async def test_visitors_who_havent_signed_in_are_kept_for_a_shorter_time(process: Process) -> None:
    for user_id, seconds in ((1, TTL_SECONDS), (None, ANONYMOUS_TTL_SECONDS)):
        session = await process.store.create(user_id=user_id)
        assert seconds - 60 < await process.pair.call("TTL", key(session)) <= seconds
        expiry = "SELECT extract(epoch FROM max(expires_at) - now())::int FROM sessions WHERE expires_at - now() < $1"
        assert seconds - 60 < await process.pool.fetchval(expiry, timedelta(seconds=seconds + 1)) <= seconds
    assert TTL_SECONDS == 24 * 3600
    assert ANONYMOUS_TTL_SECONDS < TTL_SECONDS


async def test_a_session_whose_time_is_over_is_gone_from_both_stores(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=1, cart_data={"7": 2})
    assert await other.store.get(session.id) is not None
    await process.pair.call("PEXPIRE", key(session), 1)
    await process.pool.execute(
        "UPDATE sessions SET expires_at = now() - interval '1s' WHERE id_digest = sha256($1::bytea)",
        session.id.encode(),
    )
    await asyncio.sleep(0.05)
    assert await other.store.get(session.id) is None
    assert not await process.store.set(session, {"cart_data": {}})
    assert await process.pair.call("HEXISTS", key(session), "user_id") == 0


def test_an_id_has_256_random_bits_and_nothing_else_is_looked_up() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_id(one) and len(one) == 43 for one in ids)
    assert not any(map(is_id, ("", "a" * 42, "a" * 44, "a" * 42 + "\n", "../" + "a" * 40)))


async def test_what_redis_has_evicted_is_found_in_postgres_and_put_back(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=2, cart_data={"1": 1})
    await process.pair.call("UNLINK", key(session))
    with capture_logs() as logs:
        assert (await other.store.get(session.id)) is not None
    assert {"healed": True, "signed_in": True}.items() <= logs[-1].items()
    assert session.id not in str(logs)
    assert TTL_SECONDS - 60 < await process.pair.call("TTL", key(session)) <= TTL_SECONDS
    await other.store.get(session.id)
    assert (other.count("healed"), other.count("hit")) == (1, 1)


async def test_what_cant_be_decoded_is_read_from_postgres(process: Process) -> None:
    session = await process.store.create(user_id=2, cart_data={"1": 1})
    await process.pair.call("HSET", key(session), "cart_data", b"\x80 a pickle")
    found = await process.store.get(session.id)
    assert found is not None
    assert found.cart_data == {"1": 1}


async def test_an_unknown_session_is_a_miss(process: Process) -> None:
    assert await process.store.get(new_id()) is None
    assert process.count("miss") == 1


async def test_without_redis_sessions_are_read_and_written_in_postgres_and_it_catches_up(
    quick: Process, other: Process, node: Node
) -> None:
    session = await quick.store.create(user_id=3, cart_data={"1": 1})
    node.send(signal.SIGSTOP)
    try:
        assert await quick.store.set(session, {"cart_data": {"1": 2}})
        found = await quick.store.get(session.id)
        assert found is not None
        assert found.cart_data == {"1": 2}
        assert quick.count("fallback") == 1
        begun = await quick.store.create()
        ended = await quick.store.create()
        await quick.store.delete(ended.id)
    finally:
        node.send(signal.SIGCONT)
    # Whoever reads now must not get what Redis still has from before: the first reader heals.
    await eventually_async(lambda: _available(quick))
    assert await other.pair.call("EXISTS", key(session)) == 0
    found = await other.store.get(session.id)
    assert found is not None
    assert found.cart_data == {"1": 2}
    assert await other.pair.call("HGET", key(session), "cart_data") == b'{"1":2}'
    assert await other.store.get(begun.id) is not None
    assert await other.store.get(ended.id) is None


async def test_what_redis_didnt_confirm_is_dropped_without_waiting_for_a_request(
    quick: Process, other: Process, node: Node
) -> None:
    """Only this process had trouble: the others go on reading Redis, where the old cart still is."""
    session = await quick.store.create(user_id=3, cart_data={"1": 1})
    assert quick.pair._connection is not None
    quick.pair._connection.close("only here")
    for _ in range(3):
        quick.pair.breaker.fail()
    assert await quick.store.set(session, {"cart_data": {"1": 2}})
    assert await other.pair.call("HGET", key(session), "cart_data") == b'{"1":1}'
    quick.pair.breaker.succeed()
    await eventually_async(lambda: _gone(other, session))
    await quick.store.finish(1)
    found = await other.store.get(session.id)
    assert found is not None
    assert found.cart_data == {"1": 2}


async def _gone(process: Process, session: Session) -> bool:
    return await process.pair.call("EXISTS", key(session)) == 0


async def _available(process: Process) -> bool:
    with contextlib.suppress(RedisError):
        return await process.pair.call("PING") == b"PONG"
    return False


async def test_of_more_doubtful_sessions_than_are_remembered_all_are_dropped(
    process: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded memory costs reads of Postgres, never a session's newest state."""
    monkeypatch.setattr("app.api.sessions.REMEMBERED", 2)
    created = [await process.store.create() for _ in range(5)]
    run = process.pair.run

    async def away(*_: Any) -> None:
        raise RedisError("away")

    monkeypatch.setattr(process.pair, "run", away)
    for session in created:
        await process.store.set(session, {"cart_data": {"1": 2}})
    assert len(process.store._doubtful) <= 2
    monkeypatch.setattr(process.pair, "run", run)

    async def dropped() -> bool:
        found = [await process.pair.call("EXISTS", key(session)) for session in created]
        return not any(found)

    await eventually_async(dropped, "the sessions of which Redis has an old state")
    for session in created:
        found = await other.store.get(session.id)
        assert found is not None
        assert found.cart_data == {"1": 2}


async def test_without_postgres_sessions_are_read_from_redis_and_renewed_there(process: Process, stack: Stack) -> None:
    session = await process.store.create(user_id=4)
    await process.pair.call("HSET", key(session), "last_activity", str(int(time.time()) - 120))
    stack.postgres.stop()
    try:
        found = await process.store.get(session.id)
        assert found is not None
        assert await process.store.refresh(found)
        with pytest.raises(failures.AWAY):
            await process.store.set(found, {"cart_data": {"1": 1}})
        with pytest.raises(Unreadable):
            await process.store.get(new_id())
        assert process.count("unavailable") == 1
    finally:
        stack.postgres.start()


# --- changes ---------------------------------------------------------------------------------------------------------


async def test_changes_of_different_fields_dont_undo_each_other(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=1)
    for number in range(20):
        await asyncio.gather(
            process.store.set(session, {"cart_data": {"1": number}}),
            other.store.set(session, {"preferences": {"number": number}}),
        )
        found = await process.store.get(session.id)
        assert found is not None
        assert (found.cart_data, found.preferences) == ({"1": number}, {"number": number})
    await process.pair.call("UNLINK", key(session))
    found = await process.store.get(session.id)
    assert found is not None
    assert (found.cart_data, found.preferences) == ({"1": 19}, {"number": 19})


class SlowReads:
    """A database whose answers arrive late: whoever asked has the old state while others go on."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self.has_read = asyncio.Event()
        self.arrives = asyncio.Event()

    async def fetchrow(self, *arguments: Any) -> Any:
        row = await self._pool.fetchrow(*arguments)
        self.has_read.set()
        await self.arrives.wait()
        return row


async def test_a_reader_with_the_old_state_doesnt_put_it_back_over_a_change(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=1, cart_data={"1": 1})
    await process.pair.call("UNLINK", key(session))
    slow = SlowReads(other.pool)
    reading = asyncio.create_task(SessionStore(other.pair, slow, other.metrics).get(session.id))  # pyright: ignore[reportArgumentType]
    await slow.has_read.wait()
    await process.store.set(session, {"cart_data": {"1": 2}})
    slow.arrives.set()
    await reading
    found = await other.store.get(session.id)
    assert found is not None
    assert found.cart_data == {"1": 2}


class LateWrites:
    """A pair whose scripts arrive late."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self.is_sent = asyncio.Event()
        self.arrives = asyncio.Event()

    def on_recovery(self, act: Any) -> None:
        self._pair.on_recovery(act)

    async def run(self, *arguments: Any) -> Any:
        self.is_sent.set()
        await self.arrives.wait()
        return await self._pair.run(*arguments)


async def test_of_two_changes_of_a_cart_the_later_one_stays_whichever_redis_gets_first(
    process: Process, other: Process
) -> None:
    session = await process.store.create(user_id=1, cart_data={"1": 1})
    late = LateWrites(other.pair)
    earlier = asyncio.create_task(
        SessionStore(late, other.pool, other.metrics).set(session, {"cart_data": {"1": 2}})  # pyright: ignore[reportArgumentType]
    )
    await late.is_sent.wait()
    await process.store.set(session, {"cart_data": {"1": 3}})
    late.arrives.set()
    assert await earlier
    for one in (process, other):
        found = await one.store.get(session.id)
        assert found is not None
        assert found.cart_data == {"1": 3}


async def test_a_reader_with_the_old_state_doesnt_bring_an_ended_session_back(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=1)
    await process.pair.call("UNLINK", key(session))
    slow = SlowReads(other.pool)
    reading = asyncio.create_task(SessionStore(other.pair, slow, other.metrics).get(session.id))  # pyright: ignore[reportArgumentType]
    await slow.has_read.wait()
    await process.store.delete(session.id)
    slow.arrives.set()
    await reading
    assert await other.store.get(session.id) is None


async def test_a_late_change_doesnt_bring_an_ended_session_back(process: Process, other: Process) -> None:
    session = await process.store.create(user_id=1)
    await other.store.delete(session.id)
    assert not await process.store.set(session, {"cart_data": {"1": 1}})
    assert not await process.store.refresh(Session(session.id, 1, time.time() - 120))
    assert await process.store.get(session.id) is None
    await process.pair.call("UNLINK", key(session))
    assert await process.store.get(session.id) is None


async def test_what_a_promoted_replica_has_missed_isnt_read_from_it(process: Process, other: Process) -> None:
    changed = await process.store.create(user_id=1, cart_data={"1": 1})
    ended = await process.store.create(user_id=1)
    old = {session.id: await process.pair.call("DUMP", key(session)) for session in (changed, ended)}
    await process.store.set(changed, {"cart_data": {"1": 2}})
    await process.store.delete(ended.id)
    # The state before the last writes, as a replica has it that lags when it is promoted; and its new connections.
    for session in (changed, ended):
        await other.pair.call("RESTORE", key(session), 0, old[session.id], "REPLACE")
    assert process.pair._connection is not None
    process.pair._connection.close("as on a failover")
    found = await process.store.get(changed.id)
    assert found is not None
    assert found.cart_data == {"1": 2}
    assert await process.store.get(ended.id) is None
    assert await other.store.get(ended.id) is None


# --- renewal ---------------------------------------------------------------------------------------------------------


async def aged(process: Process, session: Session, seconds: int) -> Session:
    """The session as if it had last been used `seconds` ago."""
    last = int(time.time()) - seconds
    await process.pair.call("HSET", key(session), "last_activity", last)
    await process.pool.execute(
        "UPDATE sessions SET last_activity = to_timestamp($1) WHERE id_digest = sha256($2::bytea)",
        last,
        session.id.encode(),
    )
    found = await process.store.get(session.id)
    assert found is not None
    return found


async def test_activity_renews_a_session_once_a_minute_however_many_requests_there_are(
    process: Process, other: Process, stack: Stack
) -> None:
    session = await process.store.create(user_id=1)
    stack.sql("SELECT pg_stat_statements_reset()")
    assert not any(await asyncio.gather(*(process.store.refresh(session) for _ in range(20))))
    assert await calls(process, "sessions.touch") == 0
    begun = int(time.time())
    session = await aged(process, session, 61)
    await process.pair.call("EXPIRE", key(session), 1000)
    renewed = await asyncio.gather(*(one.store.refresh(session) for one in (process, other) for _ in range(20)))
    assert sum(renewed) == 1
    assert await calls(process, "sessions.touch") == 1
    assert await process.pair.call("TTL", key(session)) > TTL_SECONDS - 60
    found = await process.store.get(session.id)
    assert found is not None
    assert found.last_activity >= begun


async def test_without_redis_a_session_is_renewed_once_a_minute_too(quick: Process, node: Node) -> None:
    session = await aged(quick, await quick.store.create(user_id=1), 61)
    node.send(signal.SIGSTOP)
    try:
        renewed = await asyncio.gather(*(quick.store.refresh(session) for _ in range(10)))
    finally:
        node.send(signal.SIGCONT)
    assert sum(renewed) == 1


# --- full memory -----------------------------------------------------------------------------------------------------


async def test_members_stay_reachable_while_visitors_flood_the_store(process: Process, node: Node) -> None:
    client: Any = node.client()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 2 * MIB)
    before = client.info("stats")["evicted_keys"]
    try:
        members = [await process.store.create(user_id=1, cart_data={"1": number}) for number in range(50)]
        for _ in range(30):
            await asyncio.gather(*(process.store.create(cart_data={"1": 1, "note": "x" * 200}) for _ in range(200)))
        memory = client.info("memory")
        assert memory["used_memory"] <= memory["maxmemory"] * 1.05
        # What Prometheus's alert RedisSessionsEvicted looks at.
        assert client.info("stats")["evicted_keys"] > before
        found = [await process.store.get(member.id) for member in members]
        assert [session.cart_data["1"] if session else None for session in found] == list(range(50))
        assert process.count("healed") > 0
        assert process.count("miss") == 0
    finally:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    """A process as in production, where cookies are for https only."""
    return stack.api(WARM_PRODUCTS="0", REDIS_TIMEOUT_SECONDS="2", PURGE_SECONDS="5")


class Browser:
    """Keeps cookies as a browser on https does; the test speaks http to the API behind it."""

    def __init__(self, api: Api) -> None:
        self._client = httpx.Client(base_url=api.url, timeout=30)
        self.cookies: dict[str, Morsel[str]] = {}

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        answer = self._client.request(method, path, json=body, headers={"cookie": cookie} if cookie else {})
        for header in answer.headers.get_list("set-cookie"):
            self.cookies |= SimpleCookie(header)
        return answer

    def sign_in(self, stack: Stack, user_id: int) -> httpx.Response:
        password = "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = 1) WHERE id = "
        stack.sql(password + str(user_id))
        email = stack.sql(f"SELECT email FROM users WHERE id = {user_id}")
        answer = self.send("POST", "/api/session", {"email": email, "password": DEMO_PASSWORD})
        assert answer.status_code == 201, answer.text
        return answer

    @property
    def sid(self) -> str:
        return self.cookies["__Host-sid"].value


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser(api)


CART = {"items": [{"product_id": 1, "quantity": 2}]}


def test_the_cookie_is_for_https_only_out_of_reach_of_scripts_and_of_other_sites(
    stack: Stack, browser: Browser
) -> None:
    for answer, seconds in (
        (browser.send("PUT", "/api/cart", CART), ANONYMOUS_TTL_SECONDS),
        (browser.sign_in(stack, 5), TTL_SECONDS),
    ):
        (cookie,) = [header for header in answer.headers.get_list("set-cookie") if header.startswith("__Host-sid=")]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert attributes == {"secure", "httponly", "samesite=lax", "path=/", f"max-age={seconds}"}
        assert re.fullmatch(r"__Host-sid=[A-Za-z0-9_-]{43}", cookie.split(";")[0])
        assert answer.headers["cache-control"] == "private, no-store"


def test_signing_in_gives_a_new_id_and_ends_the_old_one(stack: Stack, browser: Browser, api: Api) -> None:
    browser.send("PUT", "/api/cart", CART)
    before = browser.sid
    browser.sign_in(stack, 6)
    assert browser.sid != before
    assert browser.send("GET", "/api/cart").json()["items"][0]["quantity"] == 2
    thief = Browser(api)
    thief.cookies |= SimpleCookie(f"__Host-sid={before}")
    assert thief.send("GET", "/api/session").json() == {"user": None}
    assert thief.send("GET", "/api/cart").json()["items"] == []


def test_the_next_member_at_the_same_browser_doesnt_get_the_cart_of_the_one_before(
    stack: Stack, browser: Browser
) -> None:
    browser.sign_in(stack, 7)
    browser.send("PUT", "/api/cart", CART)
    browser.sign_in(stack, 8)
    assert browser.send("GET", "/api/cart").json()["items"] == []
    assert browser.send("GET", "/api/session").json()["user"]["id"] == 8


def test_signing_out_ends_the_session_and_takes_the_cookie_back(stack: Stack, browser: Browser) -> None:
    browser.sign_in(stack, 9)
    sid = browser.sid
    answer = browser.send("DELETE", "/api/session")
    assert answer.status_code == 204
    assert browser.cookies["__Host-sid"]["max-age"] == "0"
    browser.cookies |= SimpleCookie(f"__Host-sid={sid}")
    assert browser.send("GET", "/api/session").json() == {"user": None}
    assert browser.send("GET", "/api/users/9/preferences").status_code == 401
    assert browser.send("DELETE", "/api/session").status_code == 204


def test_the_cart_is_what_postgres_has_while_redis_still_has_the_one_before(
    stack: Stack, browser: Browser, node: Node
) -> None:
    """As in a failover, until the process whose change Redis didn't confirm has dropped the old copy there."""
    browser.send("PUT", "/api/cart", CART)
    change = "cart_data = '{\"1\": 7}', cart_version = cart_version + 1"
    digest = sha256(browser.sid.encode()).hexdigest()
    stack.sql(f"UPDATE sessions SET {change} WHERE id_digest = '\\x{digest}'")
    assert node.client().hget(f"session:{browser.sid}", "cart_data") == b'{"1":2}'
    assert browser.send("GET", "/api/cart").json()["items"][0]["quantity"] == 7
    quote = browser.send("GET", "/api/checkout").json()
    assert (quote["items"][0]["quantity"], quote["cart_version"]) == (7, 1)
    browser.sign_in(stack, 15)
    assert browser.send("GET", "/api/cart").json()["items"][0]["quantity"] == 7


def test_a_cart_for_a_session_that_has_ended_begins_a_new_one(stack: Stack, browser: Browser, node: Node) -> None:
    browser.send("PUT", "/api/cart", CART)
    before = browser.sid
    node.client().delete(f"session:{before}")
    stack.sql("DELETE FROM sessions")
    browser.send("PUT", "/api/cart", CART)
    assert browser.sid != before
    assert browser.send("GET", "/api/cart").json()["items"][0]["quantity"] == 2


def test_preferences_are_the_member_s_in_the_session_and_in_the_profile(
    stack: Stack, browser: Browser, node: Node
) -> None:
    browser.sign_in(stack, 10)
    answer = browser.send("PUT", "/api/users/10/preferences", {"theme": "dark"})
    assert answer.status_code == 200
    assert browser.send("GET", "/api/users/10/preferences").json() == {"preferences": {"theme": "dark"}}
    assert browser.send("GET", "/api/users/11/preferences").status_code == 403
    stored: Any = node.client().hget(f"session:{browser.sid}", "preferences")
    assert json.loads(stored) == {"theme": "dark"}


@pytest.mark.parametrize("path", ["/api/session", "/api/cart"])
def test_activity_renews_the_cookie_with_the_session(stack: Stack, browser: Browser, node: Node, path: str) -> None:
    browser.sign_in(stack, 12)
    assert "set-cookie" not in browser.send("GET", path).headers
    client: Any = node.client()
    client.hset(f"session:{browser.sid}", "last_activity", int(time.time()) - 90)
    client.expire(f"session:{browser.sid}", 1000)
    sid = browser.sid
    answer = browser.send("GET", path)
    assert f"Max-Age={TTL_SECONDS}" in answer.headers["set-cookie"]
    assert browser.sid == sid
    assert client.ttl(f"session:{sid}") > TTL_SECONDS - 60
    assert "set-cookie" not in browser.send("GET", path).headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://SHOP"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://shop.test:8443", "host": "shop.test", "x-forwarded-host": "shop.test:8443"}, 200),
        ({"origin": "https://shop.test:8443", "host": "shop.test:8443"}, 200),
        ({"origin": "https://shop.test", "host": "shop.test", "x-forwarded-host": "shop.test"}, 200),
        ({"origin": "https://shop.test:8444", "host": "shop.test", "x-forwarded-host": "shop.test:8443"}, 403),
        ({"origin": "https://evil.example:8443", "host": "shop.test", "x-forwarded-host": "shop.test:8443"}, 403),
    ],
)
def test_another_site_can_have_no_browser_change_anything(api: Api, headers: dict[str, str], status: int) -> None:
    named = {name: value.replace("SHOP", f"127.0.0.1:{api.port}") for name, value in headers.items()}
    answer = httpx.put(f"{api.url}/api/cart", json=CART, headers=named)
    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) == (status == 200)
    assert httpx.get(f"{api.url}/api/categories", headers=named).status_code == 200


# --- revocation ------------------------------------------------------------------------------------------------------


def ends(client: httpx.Client) -> None:
    """Within a second, and a busy machine's patience."""
    deadline = time.monotonic() + 20
    while client.get("/api/session").json()["user"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def device(stack: Stack, plain: Api) -> Iterator[Callable[[], httpx.Client]]:
    """Signs user 30 in at another browser."""
    with contextlib.ExitStack() as opened:

        def sign_in() -> httpx.Client:
            client = opened.enter_context(httpx.Client(base_url=plain.url, timeout=60))
            stack.sql("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = 1) WHERE id = 30")
            email = stack.sql("SELECT email FROM users WHERE id = 30")
            answer = client.post("/api/session", json={"email": email, "password": DEMO_PASSWORD})
            assert answer.status_code == 201, answer.text
            return client

        yield sign_in


@pytest.fixture(scope="module")
def plain(stack: Stack) -> Api:
    """A process whose cookies go over plain http."""
    return stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0", REDIS_TIMEOUT_SECONDS="2")


def test_a_session_that_is_deleted_in_postgres_ends_though_redis_has_it(
    stack: Stack, device: Callable[[], httpx.Client], node: Node
) -> None:
    client = device()
    assert client.get("/api/session").json()["user"]["id"] == 30
    stack.sql("DELETE FROM sessions WHERE user_id = 30")
    assert node.client().exists(f"session:{client.cookies['sid']}")
    ends(client)
    assert client.get("/api/users/30/orders").status_code == 401


def test_signing_out_everywhere_ends_every_session_of_the_user(device: Callable[[], httpx.Client]) -> None:
    first, second = device(), device()
    assert httpx.delete(f"{first.base_url}/api/users/30/sessions").status_code == 401
    assert first.delete("/api/users/30/sessions").status_code == 204
    for client in (first, second):
        ends(client)


def test_a_changed_password_ends_all_other_sessions_and_lets_only_the_new_one_in(
    stack: Stack, device: Callable[[], httpx.Client]
) -> None:
    here, elsewhere = device(), device()
    here.put("/api/cart", json=CART)
    email = stack.sql("SELECT email FROM users WHERE id = 30")
    path, new = "/api/users/30/password", "a new password"
    wrong = here.put(path, json={"current_password": "a guess", "new_password": new})
    assert wrong.status_code == 403
    short = here.put(path, json={"current_password": DEMO_PASSWORD, "new_password": "short"})
    assert short.status_code == 422
    changed = here.put(path, json={"current_password": DEMO_PASSWORD, "new_password": new})
    assert changed.status_code == 200, changed.text
    ends(elsewhere)
    assert here.get("/api/session").json()["user"]["id"] == 30
    assert here.get("/api/cart").json()["items"]
    for password, status in ((DEMO_PASSWORD, 401), (new, 201)):
        credentials = {"email": email, "password": password}
        assert elsewhere.post("/api/session", json=credentials).status_code == status


def test_a_revoked_token_opens_nothing_any_more(stack: Stack, plain: Api) -> None:
    bearer = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    assert httpx.get(f"{plain.url}/api/users/2", headers=bearer).status_code == 200
    stack.sql("UPDATE service_tokens SET revoked_at = now() WHERE name = 'admin'")
    try:
        assert httpx.get(f"{plain.url}/api/users/2", headers=bearer).status_code == 401
        assert httpx.put(f"{plain.url}/api/products/2", json={"name": "x"}, headers=bearer).status_code == 401
    finally:
        stack.sql("UPDATE service_tokens SET revoked_at = NULL WHERE name = 'admin'")


# --- attempts --------------------------------------------------------------------------------------------------------


def attempt(api: Api, email: str, password: str, client: str, cookies: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(
        f"{api.url}/api/session",
        json={"email": email, "password": password},
        headers={"x-real-ip": client},
        cookies=cookies,
        timeout=60,
    )


def test_guesses_from_elsewhere_keep_no_owner_out_of_a_browser_that_is_known(
    stack: Stack, plain: Api, device: Callable[[], httpx.Client]
) -> None:
    known = device()
    email = stack.sql("SELECT email FROM users WHERE id = 31")
    stack.sql("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = 1) WHERE id = 31")
    first = attempt(plain, email, DEMO_PASSWORD, "192.0.2.1")
    assert first.status_code == 201
    for number in range(10):
        assert attempt(plain, email, "a guess", f"198.51.100.{number}").status_code == 401
    stranger = attempt(plain, email, DEMO_PASSWORD, "203.0.113.1", {"device": known.cookies["device"]})
    assert stranger.status_code == 429
    assert 0 < int(stranger.headers["retry-after"]) <= 60
    owner = attempt(plain, email, DEMO_PASSWORD, "203.0.113.1", {"device": first.cookies["device"]})
    assert owner.status_code == 201


def test_a_crowd_of_honest_customers_behind_one_address_is_let_in(stack: Stack, plain: Api) -> None:
    client = "192.0.2.77"
    node: Any = stack.redis.master("sessions").client()
    for _ in range(3):
        assert attempt(plain, DEMO_USERS[1], DEMO_PASSWORD, client).status_code == 201
    key = f"attempts:client:{sha256(client.encode()).hexdigest()[:32]}"
    assert node.hget(key, "failures") == b"0"
    # As after so many failures of somebody there: the next attempt is theirs, not everybody's.
    node.hset(key, mapping={"failures": 300, "opens": time.time() + 60})
    assert attempt(plain, DEMO_USERS[1], DEMO_PASSWORD, client).status_code == 429
    assert attempt(plain, DEMO_USERS[1], DEMO_PASSWORD, "192.0.2.78").status_code == 201


def test_every_spelling_of_an_address_is_one_account(stack: Stack, plain: Api) -> None:
    stack.sql("UPDATE users SET email = 'i.one@example.com' WHERE id = 32")
    spellings = ["i.one@example.com", "I.ONE@EXAMPLE.COM", "i.One@Example.com"] * 4
    statuses = [attempt(plain, email, "a guess", "192.0.2.90").status_code for email in spellings]
    assert statuses == [401] * 10 + [429] * 2
    # These are other accounts, for Postgres as for us.
    assert attempt(plain, "\u0130.one@example.com", "a guess", "192.0.2.91").status_code == 401
    assert attempt(plain, "\u0131.one@example.com", "a guess", "192.0.2.91").status_code == 401
