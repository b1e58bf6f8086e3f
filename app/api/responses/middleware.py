"""The response cache as ASGI, in front of all routing: a hit never reaches the application.

A request for a public, listed route is answered from memory, from Redis, or by the application. The application then
sees the normalised address and nothing of the client's: no cookie, no Authorization, no conditional header. So a
stored response can't depend on who asked first. Everything else passes through and leaves as `no-store`.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from random import random
from secrets import token_hex
from time import perf_counter, time
from typing import Any, Final

import structlog
from prometheus_client import Counter
from structlog.contextvars import bound_contextvars

from app.api.identity import Identity
from app.api.problems import Problem
from app.api.redis.tagged import TaggedStore
from app.api.responses.cache import CacheRequest, How, Produced, ProducedUncacheable, ResponseCache
from app.api.responses.coding import IDENTITY, negotiate
from app.api.responses.conditional import match_fails, none_match_fails, seconds
from app.api.responses.context import FREE, Context, with_context
from app.api.responses.stored import CACHE_NAME, SECURITY, Headers, Ready
from app.api.responses.target import DEFAULT_CURRENCY, Target, Targets, currency_of
from app.caching_policy import LONGEST_PATH, LONGEST_QUERY, UNLISTED_CACHE_CONTROL, Policy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Hit = Callable[[Scope], tuple[Message, Message] | None]

log = structlog.get_logger("access")

EMPTY_BODY: Final[dict[str, Any]] = {"type": "http.response.body", "body": b""}
_FAILED_CONDITION: Final[dict[str, Any]] = {
    "type": "http.response.start",
    "status": 412,
    "headers": [
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"cache-status", f"{CACHE_NAME}; hit".encode()),
        *SECURITY,
    ],
}
_HIDDEN: Final = frozenset(
    {b"cookie", b"authorization", b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"range"}
)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MOST_PARAMETERS: Final = 100

_HOST: Final = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""RFC 9110, 7.2."""
_is_host: Final = lru_cache(maxsize=256)(_HOST.fullmatch)
_TWO_HOSTS: Final = b" "
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")


_HEARD: Final = frozenset(
    {
        b"host",
        b"accept-encoding",
        b"x-country",
        b"cookie",
        b"if-none-match",
        b"if-modified-since",
        b"if-match",
        b"if-unmodified-since",
    }
)


_ONLY_HOST: Final = frozenset({b"host"})


@dataclass(frozen=True, slots=True)
class Stores:
    """The Redis stores of responses."""

    data: TaggedStore
    computed: TaggedStore


@dataclass(slots=True)
class _Request:
    """The headers that matter to the cache. The others aren't read."""

    host: bytes = b""
    coding: str = IDENTITY
    none_match: bytes | None = None
    modified_since: bytes | None = None
    match: bytes | None = None
    unmodified_since: bytes | None = None
    conditional: bool = False
    """One of these four is given."""
    currency: str = DEFAULT_CURRENCY
    apart: bool = False
    """The policy keeps it away from shared answers, for one of its headers."""
    cookie: bytes = b""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request and the way to answer it."""

    scope: Scope
    receive: Receive
    send: Send
    target: Target
    started: float

    @property
    def head(self) -> bool:
        return self.scope["method"] == "HEAD"


class CacheMiddleware:
    """`identify` names the caller, for routes whose responses are one user's and for members' price lists."""

    def __init__(
        self,
        app: App,
        *,
        cache: ResponseCache,
        stores: Stores,
        targets: Targets,
        policy: Policy,
        identify: Callable[[Scope], Awaitable[Identity]],
        requests: Counter,
        log_sample: float,
        slow_seconds: float,
    ) -> None:
        self._app = app
        self._cache = cache
        self._memory = cache.memory.get
        self._touch = cache.memory.touch
        self._stores = stores
        self._known = targets.known
        self._read = targets.read
        self._write = targets.write
        self._identify = identify
        self._requests = requests
        self._log_sample = log_sample
        self._slow_seconds = slow_seconds
        # A response to an authenticated request is its sender's, whatever the policy says.
        self._apart = {b"authorization", *(name.lower().encode() for name in policy.bypass.request_headers)}
        self._heard = _HEARD | self._apart
        self._markers = tuple(f"{name}=".encode() for name in policy.bypass.request_cookies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Part of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        query = scope["query_string"]
        if len(scope["path"]) > LONGEST_PATH or (
            query and (len(query) > LONGEST_QUERY or query.count(b"&") >= MOST_PARAMETERS)
        ):
            # Before anything remembers it.
            await _refuse_address(scope, send)
            return
        if method not in ("GET", "HEAD"):
            await self._pass(_Exchange(scope, receive, send, self._write(method, scope["path"]), started))
            return
        target = self._read(scope["path"], query)
        if not target.cacheable:
            await self._uncacheable(_Exchange(scope, receive, send, target, started))
            return
        request = _read_headers(scope["headers"], self._heard)
        if self._stands_apart(request):
            await self._marked(_Exchange(scope, receive, send, target, started), request)
            return
        key = target.variant_key(request.currency, FREE)
        ready, now = self._memory((key, request.coding)), time()
        if ready is not None and ready.refresh_at <= now < min(ready.valid_until, self._cache.trusted_until):
            ready.refresh_at = now + 1
            self._cache.refresh(self._asked(scope, target, key, request), ready.stored)
        held = self._held(scope, target, request, started)
        if held is None:
            await self._cached(_Exchange(scope, receive, send, target, started), key, request)
            return
        for message in held:
            await send(message)

    def hit(self, scope: Scope) -> tuple[Message, Message] | None:
        """The two messages of a response from the process's memory, or None. Any thread may call it.

        None is for the application, which looks in memory as well.
        """
        if scope["method"] not in ("GET", "HEAD"):
            return None
        started = perf_counter()
        target = self._known(scope["path"], scope["query_string"])
        if target is None or not target.cacheable:
            return None
        request = _read_headers(scope["headers"], self._heard)
        return None if self._stands_apart(request) else self._held(scope, target, request, started)

    def _stands_apart(self, request: _Request) -> bool:
        return (
            request.apart
            or _is_host(request.host) is None
            or bool(request.cookie and any(marker in request.cookie for marker in self._markers))
        )

    def _held(self, scope: Scope, target: Target, request: _Request, started: float) -> tuple[Message, Message] | None:
        """As `hit`, for an understood request that may get a shared response."""
        place = (target.variant_key(request.currency, FREE), request.coding)
        ready = self._memory(place)
        now = time()
        if ready is None or now >= ready.valid_until or now >= self._cache.trusted_until or now >= ready.refresh_at:
            return None
        try:
            self._touch(place)
        except KeyError:  # purged since by the event loop's thread
            return None
        ready.refresh(now)
        stats = target.stats
        if request.conditional and (status := _conditional_status(ready, request)):
            stats.not_modified += status == 304
            answer = (ready.not_modified if status == 304 else _FAILED_CONDITION), EMPTY_BODY
        else:
            answer = ready.start, (EMPTY_BODY if scope["method"] == "HEAD" else ready.body)
        took = perf_counter() - started
        # An addition to an attribute calls nothing, so no other thread comes in between.
        stats.hits += 1
        stats.memory_hits += 1
        stats.cached.observe(took)
        if took > self._slow_seconds or random() < self._log_sample:  # noqa: S311
            _log(scope, target, ready.stored.status, "memory", took)
        return answer

    async def _uncacheable(self, exchange: _Exchange) -> None:
        route = exchange.target.route
        if route is not None and route.audience == "user" and route.api_ttl:
            await self._personal(exchange)
        else:
            await self._pass(exchange)

    async def _marked(self, exchange: _Exchange, request: _Request) -> None:
        """Answer a request that the policy keeps away from shared responses. A marker without its proof changes
        nothing.
        """
        if _misses_its_host(exchange.scope, request.host):
            await _refuse_host(exchange.send)
            return
        if request.apart:
            await self._pass(exchange, currency=request.currency)
            return
        tier = (await self._identify(exchange.scope)).tier
        if tier != FREE:
            await self._pass(exchange, currency=request.currency, tier=tier)
        else:
            await self._cached(exchange, exchange.target.variant_key(request.currency, FREE), request)

    async def _cached(self, exchange: _Exchange, key: str, request: _Request) -> None:
        target = exchange.target
        try:
            served = await self._cache.get(self._asked(exchange.scope, target, key, request))
        except ProducedUncacheable as refused:
            await _send_produced(exchange, refused.produced)
            self._finish(exchange, refused.produced.status, "miss")
            return
        ready, now = served.ready, time()
        ttl = int(ready.fresh_until - now)
        status = {
            "hit": f"hit; ttl={ttl}; detail=redis",
            "stale": f"hit; ttl={ttl}; detail=stale-while-revalidate",
            "miss": "fwd=miss; stored" if ready.kept else "fwd=miss",
            "coalesced": "fwd=miss; collapsed",
            "stale-if-error": f"hit; ttl={ttl}; detail=stale-if-error",
        }[served.how]
        fresh = served.how in ("miss", "coalesced")
        instead = _conditional_status(ready, request) if request.conditional else 0
        age = None if fresh else now - ready.stored.stored_at
        headers = ready.headers_with(status, age, content=instead != 304)
        if instead == 412:
            await exchange.send(_FAILED_CONDITION)
            await exchange.send(EMPTY_BODY)
        elif instead == 304:
            target.stats.not_modified += 1
            await exchange.send({"type": "http.response.start", "status": 304, "headers": headers})
            await exchange.send(EMPTY_BODY)
        else:
            await exchange.send({"type": "http.response.start", "status": ready.stored.status, "headers": headers})
            await exchange.send(EMPTY_BODY if exchange.head else ready.body)
        self._finish(exchange, ready.stored.status, served.how)

    async def _personal(self, exchange: _Exchange) -> None:
        """Answer with a user's own response, cached for that user. The caller is checked before the cache is read."""
        target = exchange.target
        request = _read_headers(exchange.scope["headers"], _HEARD)
        if _misses_its_host(exchange.scope, request.host):
            await _refuse_host(exchange.send)
            return
        try:
            (await self._identify(exchange.scope)).require_user(target.parameters["user_id"])
        except Problem:
            # The application refuses in its own words.
            await self._pass(exchange)
            return
        request.currency = DEFAULT_CURRENCY
        await self._cached(exchange, target.variant_key("user", FREE), request)

    async def _pass(self, exchange: _Exchange, *, currency: str | None = None, tier: str = FREE) -> None:
        """Pass the request to the application and mark the response as not to be stored."""
        status = 500
        scope = exchange.scope
        if _misses_its_host(scope, _read_headers(scope["headers"], _ONLY_HOST).host):
            await _refuse_host(exchange.send)
            return
        inner = with_context(scope, Context(currency or _currency(scope), tier))
        if exchange.head:
            inner["method"] = "GET"
        private = _private(exchange.target)

        async def send_private(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = _stricter(message["headers"], private, exchange.target)
                headers.append((b"cache-status", f"{CACHE_NAME}; fwd=bypass".encode()))
                message = {**message, "headers": headers}
            elif exchange.head:
                message = {**message, "body": b""}
            await exchange.send(message)

        with bound_contextvars(request_id=request_id(scope)):
            await self._app(inner, exchange.receive, send_private)
        self._finish(exchange, status, None)

    def _asked(self, scope: Scope, target: Target, key: str, request: _Request) -> CacheRequest:
        route = target.route
        if route is None:
            raise AssertionError("only listed routes are cached")

        async def produce() -> Produced:
            return await self._produce(scope, target, request.currency)

        store = self._stores.computed if target.computed else self._stores.data
        return CacheRequest(store, key, target.tags, request.coding, route, produce)

    async def _produce(self, scope: Scope, target: Target, currency: str) -> Produced:
        """Run the application for the normalised address, without the client's cookies and credentials."""
        context = Context(currency, owner_checked=True)
        inner = with_context(
            scope,
            context,
            method="GET",
            query_string=target.query.encode(),
            headers=[pair for pair in scope["headers"] if pair[0] not in _HIDDEN],
        )
        status, headers, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        with bound_contextvars(request_id=request_id(scope)):
            await self._app(inner, receive, send)
        return Produced(status, headers, b"".join(parts), context)

    def _finish(self, exchange: _Exchange, status: int, how: How | None) -> None:
        """Count the request and, if it is worth it, log it. `how` is None if the caches had no part in it."""
        took = perf_counter() - exchange.started
        stats = exchange.target.stats
        if how is None or how == "miss":
            stats.misses += how is not None
            stats.uncached.observe(took)
        else:
            stats.cached.observe(took)
            if how == "hit":
                stats.hits += 1
            elif how == "coalesced":
                stats.coalesced += 1
            else:
                stats.stale += 1
        method = exchange.scope["method"]
        # A made-up method makes no series of its own.
        self._requests.labels(stats.endpoint, method if method in METHODS else "other", f"{status // 100}xx").inc()
        if status >= 500 or took > self._slow_seconds or random() < self._log_sample:  # noqa: S311
            _log(exchange.scope, exchange.target, status, how or "bypass", took)


def _conditional_status(ready: Ready, request: _Request) -> int:
    """The status that the request's conditions ask for (RFC 9110, 13.2.2): 412, 304, or 0 for the response itself."""
    if ready.stored.status != 200:
        return 0
    # A listing can change without its newest row changing (a product left it), so it has no date.
    modified = ready.stored.last_modified
    if request.match is not None:
        if match_fails(request.match, ready.etag):
            return 412
    elif request.unmodified_since is not None and modified is not None:
        since = seconds(request.unmodified_since)
        if since is not None and modified > since:
            return 412
    if request.none_match is not None:
        return 304 if none_match_fails(request.none_match, ready.etag) else 0
    if request.modified_since is None or modified is None:
        return 0
    since = seconds(request.modified_since)
    return 304 if since is not None and modified <= since else 0


def _misses_its_host(scope: Scope, host: bytes) -> bool:
    """Whether the request lacks one valid Host header (RFC 9112, 3.2). HTTP/1.0 doesn't need one."""
    return _is_host(host) is None and (bool(host) or scope.get("http_version") == "1.1")


async def _refuse_host(send: Send) -> None:
    await Problem(400, "A request has one Host, a name or an address.", headers={"Cache-Control": "no-store"}).send(
        send
    )


async def _refuse_address(scope: Scope, send: Send) -> None:
    if len(scope["path"]) > LONGEST_PATH:
        status, limit = 414, f"A path may have {LONGEST_PATH} characters at most."
    else:
        status, limit = 400, f"A query may have {MOST_PARAMETERS} parameters and {LONGEST_QUERY} bytes at most."
    headers = {"Cache-Control": "no-store", "Cache-Status": f"{CACHE_NAME}; fwd=request; detail=refused"}
    await Problem(status, limit, headers=headers).send(send)


async def _send_produced(exchange: _Exchange, produced: Produced) -> None:
    """Send a produced response. One that isn't stored here must not be stored on the way either."""
    headers = _stricter(
        produced.headers, b"private, no-store" if produced.status == 200 else b"no-store", exchange.target
    )
    headers.append((b"cache-status", f"{CACHE_NAME}; fwd=miss".encode()))
    await exchange.send({"type": "http.response.start", "status": produced.status, "headers": headers})
    await exchange.send(EMPTY_BODY if exchange.head else {"type": "http.response.body", "body": produced.body})


def _log(scope: Scope, target: Target, status: int, cache: str, took: float) -> None:
    # The endpoint, not the address, which may hold a visitor's search or id.
    log.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "request",
        method=scope["method"],
        endpoint=target.stats.endpoint,
        status=status,
        cache=cache,
        milliseconds=round(took * 1000, 2),
        request_id=request_id(scope),
    )


def request_id(scope: Scope) -> str:
    """The id in all log lines of a request: the gateway's `X-Request-ID`, else one made here."""
    state = scope.setdefault("state", {})
    known: str | None = state.get("request_id")
    if known is None:
        given = _header(scope, b"x-request-id")
        known = given.decode() if _REQUEST_ID.fullmatch(given) else token_hex(16)
        state["request_id"] = known
    return known


def _private(target: Target) -> bytes:
    """The Cache-Control of responses that bypass the caches. That of an unlisted route is `no-store` alone."""
    if target.route is None:
        return UNLISTED_CACHE_CONTROL.encode()
    return target.route.cache_control.encode() if target.route.audience == "user" else b"private, no-store"


def _stricter(headers: Iterable[tuple[bytes, bytes]], cache_control: bytes, target: Target) -> Headers:
    """The handler's headers, with a Cache-Control that lets nobody keep the response (the handler's own if it does),
    and with the Vary of both route and handler.
    """
    kept: Headers = []
    varies = [target.route.vary_header] if target.route is not None and target.route.vary_header else []
    for name, value in headers:
        if name == b"cache-control":
            cache_control = value if b"no-store" in value.lower() else cache_control
        elif name == b"vary":
            varies.append(value.decode("latin-1"))
        else:
            kept.append((name, value))
    kept.append((b"cache-control", cache_control))
    if varies:
        names = {name.strip().lower(): name.strip() for line in varies for name in line.split(",")}
        kept.append((b"vary", b"*" if "*" in names else ", ".join(names.values()).encode("latin-1")))
    return kept


def _read_headers(headers: list[tuple[bytes, bytes]], heard: frozenset[bytes]) -> _Request:
    """Read the request's headers. `heard` are the names that matter: those known here, and those that keep a request
    apart.
    """
    request, codings = _Request(), None
    for name, value in headers:
        # Browsers send a dozen headers that say nothing here: one look-up each, before anything is compared.
        if name not in heard:
            continue
        match name:
            case b"host":
                request.host = _TWO_HOSTS if request.host else value
            case b"if-none-match":
                request.none_match = value if request.none_match is None else request.none_match + b"," + value
                request.conditional = True
            case b"accept-encoding":
                codings = value if codings is None else codings + b"," + value
            case b"x-country":
                request.currency = currency_of(value[:8])
            case b"cookie":
                request.cookie = request.cookie + b"; " + value if request.cookie else value
            case b"if-modified-since":
                request.modified_since, request.conditional = value, True
            case b"if-match":
                request.match = value if request.match is None else request.match + b"," + value
                request.conditional = True
            case b"if-unmodified-since":
                request.unmodified_since, request.conditional = value, True
            case _:
                request.apart = True
    if codings is not None:
        request.coding = negotiate(codings)
    return request


def _header(scope: Scope, wanted: bytes) -> bytes:
    for name, value in scope["headers"]:
        if name == wanted:
            return value
    return b""


def _currency(scope: Scope) -> str:
    return currency_of(_header(scope, b"x-country"))
