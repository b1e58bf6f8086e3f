"""A finished response as it is stored and as it is sent: headers prepared once, `Age` refreshed once a second."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

import orjson

from app.api.load_once import refresh_at
from app.api.responses.coding import IDENTITY, encode
from app.api.responses.conditional import http_date
from app.api.responses.context import Context
from app.caching_policy import Route

Headers = list[tuple[bytes, bytes]]

SCHEMA: Final = 2
"""Part of every key. Raise it when what is stored changes its shape or its tags: old entries then aren't read again."""

CACHE_NAME: Final = "simone-api"
"""How this cache calls itself in Cache-Status (RFC 9211)."""

SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
)
"""Every answer is data: a browser that is made to show it runs, loads and embeds nothing of it."""

OVERHEAD: Final = 4000
"""Bytes that a response takes beside its body: 3,500 by tracemalloc, and what the allocator loses between them."""

# Headers that a cached response repeats from the produced one; all others are built from the policy.
_REPEATED: Final = frozenset({b"content-type", b"content-language", b"link"})


@dataclass(frozen=True, slots=True)
class Stored:
    """A response with its body in one or more codings. Times are seconds since the epoch."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    etag: str
    """Without quotes and coding."""
    last_modified: int | None
    stored_at: float
    ttl: float
    cost: float
    """Seconds that it took to produce: the dearer, the earlier it is refreshed."""
    bodies: Mapping[str, bytes]
    shown: tuple[str, ...] = ()
    """The tags of what it lists."""

    @classmethod
    def make(
        cls,
        status: int,
        headers: Headers,
        body: bytes,
        context: Context,
        *,
        ttl: float,
        now: float,
        cost: float,
        dated: bool = True,
        shown: tuple[str, ...] = (),
    ) -> "Stored":
        """Make a stored response of a produced one and its handler's notes.

        Without `dated` there is no Last-Modified: a listing can change without its newest row (a product left it), so
        its date would prove nothing to a cache on the way.
        """
        digest = blake2b(body, digest_size=12).hexdigest()
        last_modified = context.last_modified if dated else None
        if last_modified is not None and last_modified >= int(now):
            # Within its second the data could change again, and the date would not tell.
            last_modified = None
        return cls(
            status=status,
            headers=tuple(pair for pair in headers if pair[0] in _REPEATED),
            etag=f"{context.version}.{digest}" if context.version is not None else digest,
            last_modified=last_modified,
            stored_at=now,
            ttl=ttl,
            cost=cost,
            bodies=encode(body),
            shown=shown,
        )

    def fields(self) -> dict[str, bytes]:
        """The fields for Redis: `meta`, and one for each coding."""
        meta = orjson.dumps(
            [
                self.status,
                [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers],
                self.etag,
                self.last_modified,
                self.stored_at,
                self.ttl,
                self.cost,
                self.shown,
            ]
        )
        return {"meta": meta, **self.bodies}

    @classmethod
    def from_fields(cls, meta: bytes | None, bodies: Mapping[str, bytes | None]) -> "Stored | None":
        """The response that `fields` stored. None for nothing or what can't be read: a miss is never an error."""
        found = {coding: body for coding, body in bodies.items() if body is not None}
        if meta is None or not found:
            return None
        try:
            status, headers, etag, last_modified, stored_at, ttl, cost, shown = orjson.loads(meta)
            return cls(
                int(status),
                tuple((str(name).encode("latin-1"), str(value).encode("latin-1")) for name, value in headers),
                str(etag),
                None if last_modified is None else int(last_modified),
                float(stored_at),
                float(ttl),
                float(cost),
                found,
                tuple(map(str, shown)),
            )
        except (ValueError, TypeError, AttributeError):
            return None

    @property
    def fresh_until(self) -> float:
        """The moment when it becomes stale."""
        return self.stored_at + self.ttl

    def best_coding(self, wanted: str) -> str:
        """The coding for a client that prefers `wanted`. Small bodies exist in identity only."""
        return wanted if wanted in self.bodies else IDENTITY


class Ready:
    """One coding of a stored response, as ASGI messages that can be sent unchanged."""

    __slots__ = (
        "_base",
        "_date",
        "_prefix",
        "_second",
        "body",
        "etag",
        "fresh_until",
        "kept",
        "not_modified",
        "refresh_at",
        "size",
        "start",
        "stored",
        "tags",
        "valid_until",
    )

    body: dict[str, Any]
    start: dict[str, Any]
    not_modified: dict[str, Any]

    def __init__(
        self,
        stored: Stored,
        coding: str,
        route: Route,
        *,
        tags: tuple[str, ...],
        valid_until: float,
        not_found_ttl: int,
    ) -> None:
        content = stored.bodies[coding]
        # Without the other codings' bodies: a process that keeps this one has room counted for no more.
        self.stored = replace(stored, bodies={coding: content})
        self.kept = False
        """Whether it was stored in the process: not if a purge came meanwhile."""
        self.tags = (*tags, *stored.shown)
        self.fresh_until = stored.fresh_until
        self.refresh_at = refresh_at(stored.fresh_until, stored.cost)
        self.valid_until = valid_until
        self.etag = f'"{stored.etag}-{coding}"'.encode("latin-1")
        self.body = {"type": "http.response.body", "body": content}
        shared: Headers = policy_headers(route, stored.status, self.tags, not_found_ttl=not_found_ttl)
        shared.append((b"etag", self.etag))
        if stored.last_modified is not None:
            shared.append((b"last-modified", http_date(stored.last_modified)))
        representation: Headers = [*stored.headers, (b"content-length", str(len(content)).encode())]
        if coding != IDENTITY:
            representation.append((b"content-encoding", coding.encode()))
        self._base = shared
        # When it was made, as with any answer from a store: Age counts from then.
        self._date = (b"date", http_date(int(stored.stored_at)))
        self._prefix = representation
        self._second = -1
        self.size = len(content) + OVERHEAD + 400 * len(stored.shown)
        """Bytes in memory: the body, headers, objects and what finds it by its tags."""

    def refresh(self, now: float) -> None:
        """Update `Age` and `Cache-Status` to the second `now`. From then on `start` and `not_modified` are valid."""
        second = int(now)
        if second == self._second:
            return
        age = max(0, second - int(self.stored.stored_at))
        ttl = int(self.fresh_until) - second
        moment: Headers = [
            (b"age", str(age).encode()),
            (b"cache-status", f"{CACHE_NAME}; hit; ttl={ttl}".encode()),
            self._date,
        ]
        self.start = {
            "type": "http.response.start",
            "status": self.stored.status,
            "headers": [*self._prefix, *self._base, *moment],
        }
        self.not_modified = {"type": "http.response.start", "status": 304, "headers": [*self._base, *moment]}
        # Last: another thread that sees it finds the two made.
        self._second = second

    def headers_with(self, cache_status: str, age: float | None, *, content: bool = True) -> Headers:
        """All headers, for an answer that was just produced (`age` None) or is served for another reason than a hit;
        without those of its `content` for a 304.
        """
        moment: Headers = [(b"cache-status", f"{CACHE_NAME}; {cache_status}".encode())]
        if age is not None:
            moment.append((b"age", str(max(0, int(age))).encode()))
        moment.append(self._date)
        return [*(self._prefix if content else ()), *self._base, *moment]


def forbids_storing(headers: Headers, route: Route) -> bool:
    """Whether the handler forbids sharing its response, or sharing it without asking (RFC 9111, 3 and 5.2.2.4; RFC
    9213), or whether the response depends on a header that isn't part of the route's key (RFC 9111, 4.1).
    """
    known = {name.strip().lower() for name in (route.vary_header or "").split(",")} | {""}
    for name, value in headers:
        words = {word.strip().partition("=")[0].lower() for word in value.decode("latin-1").split(",")}
        if name in {b"cache-control", b"cdn-cache-control"} and words & {"private", "no-store", "no-cache"}:
            return True
        if name == b"vary" and words - known:
            return True
    return False


def policy_headers(route: Route, status: int, tags: tuple[str, ...], *, not_found_ttl: int) -> Headers:
    """The headers that don't depend on the content: `SECURITY`, and what the policy says of `route`. `not_found_ttl`
    is the policy's for 404.
    """
    headers: Headers = [*SECURITY]
    if status == 200:
        headers.append((b"cache-control", route.cache_control.encode()))
        if route.cdn_cache_control is not None:
            headers.append((b"cloudflare-cdn-cache-control", route.cdn_cache_control.encode()))
    elif status in (404, 410) and route.audience == "public":
        headers.append((b"cache-control", b"public, no-cache"))
        headers.append((b"cloudflare-cdn-cache-control", f"max-age={not_found_ttl}".encode()))
    else:
        headers.append((b"cache-control", b"no-store"))
    if route.vary_header is not None:
        headers.append((b"vary", route.vary_header.encode()))
    if tags and route.audience == "public":
        headers.append((b"cache-tag", ",".join(tags).encode()))
    return headers
