"""The response cache with Redis away: one load for everybody who asks at once, and nobody gets what is another's."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from time import time
from typing import Any, cast

import pytest

from app.api.identity import Identity
from app.api.metrics import Metrics
from app.api.redis import RedisError
from app.api.redis.tagged import TaggedStore
from app.api.responses import cache, middleware
from app.api.responses.cache import ResponseCache
from app.api.responses.conditional import seconds
from app.api.responses.context import context_of
from app.api.responses.memory import Memory
from app.api.responses.middleware import CacheMiddleware, Stores
from app.api.responses.target import Targets
from app.caching_policy import parse
from testing.conditional_requests import CONDITIONS, MODIFIED, TAG

POLICY = parse(
    """
version: 1
errors: {not_found_ttl: 120, server_error_ttl: 30}
bypass: {request_headers: [Authorization, X-Preview], request_cookies: [tier], response_headers: [Set-Cookie, X-Draft]}
routes:
  - {route: "/api/item/{product_id}", audience: public, browser_ttl: 300, api_ttl: 300, stale_if_error: 3600,
     vary: [encoding], tags: ["item:{product_id}"], purged_by: [product.updated],
     lists: {tag: "listed:{product_id}", purged_by: [availability.changed]}}
"""
)
Headers = list[tuple[bytes, bytes]]


class Away:
    """A store that can't be reached."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def refuse(*_: object, **__: object) -> Any:
            raise RedisError("away")

        return refuse


class Shop:
    """An application of one answer, numbered by how often it was made, behind the cache."""

    def __init__(self) -> None:
        self.made = 0
        self.status = 200
        self.headers: Headers = [(b"content-type", b"text/plain")]
        self.lists: tuple[str, ...] = ()
        self.modified: int | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.seen: list[dict[bytes, bytes]] = []
        metrics = Metrics()
        self.memory = Memory(1_000_000)
        self.cache = ResponseCache(self.memory, memory_seconds=10, policy=POLICY)
        self.cache.trusted_until = math.inf
        store = cast("TaggedStore", Away())
        self._app = CacheMiddleware(
            self._answer,
            cache=self.cache,
            stores=Stores(store, store),
            targets=Targets(POLICY, metrics.endpoints),
            policy=POLICY,
            identify=self._nobody,
            requests=metrics.requests,
            log_sample=0,
            slow_seconds=60,
        )

    async def get(
        self, path: str = "/api/item/1", query: bytes = b"", **headers: str
    ) -> tuple[int, str, dict[bytes, bytes]]:
        """Status, body and headers of the one answer."""
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        given = [(b"host", b"shop")]
        given += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path}
        scope |= {"query_string": query, "headers": given}
        await self._app(scope, receive, send)
        return sent[0]["status"], b"".join(part["body"] for part in sent[1:]).decode(), dict(sent[0]["headers"])

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.made += 1
        number = self.made
        self.seen.append(dict(scope["headers"]))
        context = context_of(scope)
        context.lists, context.last_modified = self.lists, self.modified
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": f"answer {number}".encode()})

    @staticmethod
    async def _nobody(_: Any) -> Identity:
        return Identity()


@pytest.fixture
async def shop() -> Shop:
    return Shop()


async def test_all_who_ask_at_once_wait_for_one_answer(shop: Shop) -> None:
    shop.may_answer.clear()
    asking = [asyncio.create_task(shop.get()) for _ in range(50)]
    await asyncio.sleep(0.05)
    shop.may_answer.set()
    assert {body for _, body, _ in await asyncio.gather(*asking)} == {"answer 1"}
    assert (await shop.get())[1] == "answer 1"
    assert shop.made == 1


@pytest.mark.parametrize("header", [b"set-cookie", b"x-draft"])
async def test_an_answer_that_sets_a_cookie_or_must_not_be_kept_is_given_to_nobody_else(
    shop: Shop, header: bytes
) -> None:
    shop.headers = [(b"content-type", b"text/plain"), (header, b"sid=1")]
    first, second = await shop.get(), await shop.get()
    assert (first[1], second[1]) == ("answer 1", "answer 2")
    assert len(shop.memory) == 0


@pytest.mark.parametrize("header", ["authorization", "x_preview"])
async def test_9111_3_5_an_answer_to_somebody_who_says_who_they_are_is_theirs(shop: Shop, header: str) -> None:
    _, body, headers = await shop.get("/api/item/1", b"", **{header: "x"})
    assert headers[b"cache-control"] == b"private, no-store"
    assert body != (await shop.get())[1]


async def test_what_is_kept_was_made_for_nobody_in_particular(shop: Shop) -> None:
    await shop.get(
        cookie="sid=1", if_none_match='"x"', if_modified_since="Sat, 01 Jan 2000 00:00:00 GMT", range="bytes=0-1"
    )
    assert not {b"cookie", b"if-none-match", b"if-modified-since", b"range"} & shop.seen[0].keys()


async def test_who_asks_after_a_purge_does_not_get_what_was_being_made_before(shop: Shop) -> None:
    shop.may_answer.clear()
    before = asyncio.create_task(shop.get())
    await asyncio.sleep(0.01)
    shop.cache.purge(["item:1"])
    after = asyncio.create_task(shop.get())
    await asyncio.sleep(0.01)
    shop.may_answer.set()
    assert ((await before)[1], (await after)[1]) == ("answer 1", "answer 2")
    assert (await shop.get())[1] == "answer 2"


async def test_an_answer_is_purged_by_what_it_lists(shop: Shop) -> None:
    shop.lists = ("5", "7")
    _, _, headers = await shop.get()
    assert headers[b"cache-tag"] == b"item:1,listed:5,listed:7"
    shop.cache.purge(["listed:6", "listed"])
    assert (await shop.get())[1] == "answer 1"
    shop.cache.purge(["listed:7", "listed"])
    assert (await shop.get())[1] == "answer 2"


async def test_a_purge_of_what_may_be_listed_detaches_an_answer_under_way(shop: Shop) -> None:
    """What it will list isn't known yet: who asks after the purge doesn't wait for it."""
    shop.lists = ("5",)
    shop.may_answer.clear()
    before = asyncio.create_task(shop.get())
    await asyncio.sleep(0.01)
    shop.cache.purge(["listed:5", "listed"])
    after = asyncio.create_task(shop.get())
    await asyncio.sleep(0.01)
    shop.may_answer.set()
    assert ((await before)[1], (await after)[1]) == ("answer 1", "answer 2")
    assert (await shop.get())[1] == "answer 2"


@pytest.mark.parametrize("status", [500, 503])
async def test_a_fault_is_hidden_by_the_stale_copy(shop: Shop, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.get()
    shop.status = status
    now = time()

    def later(seconds: float) -> None:
        for module in (cache, middleware):
            monkeypatch.setattr(module, "time", lambda: now + seconds)

    later(600)
    found, body, headers = await shop.get()
    assert (found, body) == (200, "answer 1")
    assert b"stale-if-error" in headers[b"cache-status"]
    later(4000)
    assert (await shop.get())[0] == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"cache-control", b"private"),
        (b"cache-control", b"max-age=60, no-store"),
        (b"cache-control", b"No-StOrE"),
        (b"cache-control", b'private="set-cookie"'),
        (b"cache-control", b"max-age=60,no-cache"),
        (b"cdn-cache-control", b"no-store"),
        (b"vary", b"Cookie"),
        (b"vary", b", *"),
        (b"vary", b"accept-encoding, *"),
    ],
)
async def test_9111_3_what_a_handler_forbids_to_store_is_given_to_nobody_else(
    shop: Shop, name: bytes, value: bytes
) -> None:
    shop.headers = [(b"content-type", b"text/plain"), (name, value)]
    first, second = await shop.get(), await shop.get()
    assert (first[1], second[1]) == ("answer 1", "answer 2")
    headers = first[2]
    assert {b"private", b"no-store"} & {word.strip() for word in headers[b"cache-control"].lower().split(b",")}
    assert b"cloudflare-cdn-cache-control" not in headers
    assert b"stored" not in headers[b"cache-status"]
    if name == b"vary":
        assert value.split(b",")[-1].strip().lower() in headers[b"vary"].lower()


@pytest.mark.parametrize(("condition", "status"), CONDITIONS, ids=str)
async def test_9110_13_2_2_conditions_are_judged_in_their_order(
    shop: Shop, condition: Mapping[str, str], status: int
) -> None:
    modified = seconds(MODIFIED.encode())
    shop.modified = modified
    tag = (await shop.get())[2][b"etag"].decode()
    asked: dict[str, Any] = {name.lower(): value.replace(TAG, tag) for name, value in condition.items()}
    for stored in (True, False):
        if not stored:
            shop.memory.clear()
            shop.made = 0  # so that the same answer is made again
        answered, body, headers = await shop.get("/api/item/1", b"", **asked)
        assert answered == status
        if status == 304:
            assert (body, headers[b"etag"]) == ("", tag.encode())
            assert {name for name in headers if name.startswith(b"content-")} == {b"content-security-policy"}
    assert not {name for sent in shop.seen for name in sent if name.startswith(b"if-")}


async def test_9110_15_4_5_a_304_repeats_what_the_answer_would_say(shop: Shop) -> None:
    await shop.get()
    _, _, whole = await shop.get()
    status, _, unchanged = await shop.get(if_none_match=whole[b"etag"].decode())
    assert status == 304
    for name in (b"cache-control", b"etag", b"vary", b"date", b"cache-tag"):
        assert unchanged[name] == whole[name]


async def test_9111_5_1_and_4_2_3_a_stored_answer_has_its_age_and_the_date_of_its_making(shop: Shop) -> None:
    _, _, first = await shop.get()
    assert b"age" not in first
    _, _, second = await shop.get()
    assert int(second[b"age"]) >= 0
    assert second[b"date"] == first[b"date"]


@pytest.mark.parametrize("said", ["no-cache", "no-store", "max-age=0", "only-if-cached"])
async def test_9111_5_2_1_a_request_costs_the_origin_nothing_whatever_it_asks_of_caches(shop: Shop, said: str) -> None:
    await shop.get()
    assert (await shop.get(cache_control=said, pragma="no-cache"))[1] == "answer 1"


async def test_9111_5_2_3_and_5_3_lifetimes_are_the_policys_whatever_a_handler_says(shop: Shop) -> None:
    shop.headers = [(b"cache-control", b"max-age=0, unheard-of"), (b"expires", b"0"), (b"pragma", b"no-cache")]
    await shop.get()
    assert (await shop.get())[1] == "answer 1"


@pytest.mark.parametrize("status", [201, 204, 206, 302, 303, 307, 400, 403, 405, 500, 502, 503, 599])
async def test_9111_3_a_status_that_the_policy_gives_no_time_is_not_stored(shop: Shop, status: int) -> None:
    shop.status = status
    assert [(await shop.get())[1] for _ in range(2)] == ["answer 1", "answer 2"]


async def test_9110_7_6_1_what_belongs_to_a_connection_is_not_stored(shop: Shop) -> None:
    shop.headers += [(b"connection", b"x-hop"), (b"x-hop", b"1"), (b"keep-alive", b"timeout=5")]
    await shop.get()
    assert not {b"connection", b"x-hop", b"keep-alive"} & (await shop.get())[2].keys()


async def test_9110_13_1_1_a_failing_if_match_is_412_for_a_reading_request_too(shop: Shop) -> None:
    etag = (await shop.get())[2][b"etag"].decode()
    for path in ("/api/item/1", "/api/item/2"):  # kept, and made for this request
        assert (await shop.get(path, if_match='"other"'))[0] == 412
    assert (await shop.get(if_match=f'"other", {etag}'))[0] == 200
    assert (await shop.get(if_match=f"W/{etag}"))[0] == 412
    assert (await shop.get(if_match="*"))[0] == 200


async def test_9110_13_1_4_a_failing_if_unmodified_since_is_412(shop: Shop) -> None:
    shop.modified = 1_700_000_000
    await shop.get()
    assert (await shop.get(if_unmodified_since="Sat, 01 Jan 2000 00:00:00 GMT"))[0] == 412
    assert (await shop.get(if_unmodified_since="Sat, 01 Jan 2033 00:00:00 GMT"))[0] == 200


async def test_9110_8_8_2_a_listing_has_no_date_as_it_can_change_without_its_newest_row(shop: Shop) -> None:
    shop.modified = 1_700_000_000
    assert b"last-modified" in (await shop.get())[2]
    assert b"last-modified" not in (await shop.get("/api/items"))[2]


async def test_a_process_that_may_have_missed_a_purge_passes_what_it_holds(shop: Shop) -> None:
    await shop.get()
    shop.cache.trusted_until = time()
    assert (await shop.get())[1] == "answer 2"
    shop.cache.trusted_until = math.inf
    assert (await shop.get())[1] == "answer 2"
    assert shop.made == 2


@pytest.mark.parametrize("query", [b"&".join(b"p%d=1" % number for number in range(101)), b"q=" + b"x" * 5000])
async def test_more_of_a_query_than_anybody_means_is_refused_not_ignored(shop: Shop, query: bytes) -> None:
    status, _, headers = await shop.get("/api/items", query)
    assert (status, headers[b"cache-control"]) == (400, b"no-store")
    assert shop.made == 0
