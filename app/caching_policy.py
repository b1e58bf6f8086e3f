"""The cache policy of the whole shop (`app/caching.yaml`), typed: what is kept where, for how long, and what purges it.

One table read by the API, the gateway, the edge and the storefront's tooling, so it imports
nothing but pydantic and yaml.

A route is a path of literal segments and parameters: `/api/products/{product_id}` (one segment) or
`/images/{path*}` (everything below). No two routes with a method in common may match the same path, so the
order of the file means nothing. A path that no route matches is never stored (`UNLISTED_CACHE_CONTROL`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

FILE: Final = Path(__file__).with_name("caching.yaml")
"""The shop's own policy."""

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Audience = Literal["public", "user", "never"]
Variation = Literal["encoding", "country", "device", "tier", "rsc", "image_format"]
Event = Literal[
    "product.updated",
    "availability.changed",
    "inventory.changed",
    "review.created",
    "user.updated",
    "catalogue.loaded",
]
"""What a write announces. `inventory.changed` is any change of a stock count; `availability.changed` only one
that a listing shows (from or to less than ten pieces)."""

EVENTS: Final[Mapping[Event, frozenset[str]]] = {
    "product.updated": frozenset({"product_id"}),
    "availability.changed": frozenset({"product_id", "category_id"}),
    "inventory.changed": frozenset({"product_id"}),
    "review.created": frozenset({"product_id"}),
    "user.updated": frozenset({"user_id"}),
    "catalogue.loaded": frozenset(),
}
"""The parameters that each event has, always all of them. They are what fills a tag: `product:{product_id}`."""

Entity = Literal["product", "user", "listing", "facets", "search", "suggestions", "categories", "reviews", "stock"]
"""What the API keeps of the database's answers, under the answers that it makes from them."""

LISTED_AT_MOST: Final = 100
"""Things that an answer may have a tag for each of: 2 KB of Cache-Tag header, of which the edge reads 16 KB
(developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags). One that shows more has the tag of all."""

YEAR_SECONDS: Final = 365 * 24 * 60 * 60
UNLISTED_CACHE_CONTROL: Final = "no-store"

LONGEST_PATH: Final = 1024
"""Characters; the longest that leads anywhere, an order's key, has some three hundred."""
LONGEST_QUERY: Final = 4096
"""Bytes: the longest search in the longest encoding, and room for the rest."""

VARY_HEADERS: Final[Mapping[Variation, str]] = {
    "encoding": "Accept-Encoding",
    "country": "X-Country",
    "device": "X-Device",
    "rsc": "RSC",
    "image_format": "Accept",
}
"""The request header behind each variation. `tier` has none: it comes from the session alone, and a request that has
one of `bypass.request_cookies` is answered past every shared cache."""

_REPAIR: Final = (
    "Name an event that has what the tag needs (EVENTS in app/caching_policy.py lists all with their parameters), or a "
    "tag without parameters"
)
_WRONG_ROUTE: Final = "wrong_route"
_SEGMENT = re.compile(r"[A-Za-z0-9._~@-]+|\{[a-z][a-z0-9_]*\*?\}")
_TAG = re.compile(r"[a-z][a-z0-9-]*(:(\{[a-z][a-z0-9_]*\}|[a-z0-9-]+))*")

Seconds = Annotated[int, Field(ge=0, le=YEAR_SECONDS, strict=True)]


class PolicyError(ValueError):
    """The policy file can't be used; the message names the file, the line and the reason."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Errors(_Model):
    """How long shared caches keep an error, so that a missing page or a fault doesn't reach the origin each time."""

    not_found_ttl: Seconds = Field(description="seconds for 404 and 410")
    server_error_ttl: Seconds = Field(
        description="seconds for 500 at the edge and the gateway; never 503, it says when to return"
    )


class Bypass(_Model):
    """Requests and responses that no shared cache may answer or keep, whatever the route says."""

    request_headers: tuple[str, ...] = Field(description="a request with one of these goes to the origin")
    request_cookies: tuple[str, ...] = Field(description="a request with one of these cookies goes to the origin")
    response_headers: tuple[str, ...] = Field(description="a response with one of these isn't stored")


Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Countries(_Model):
    """The countries that `vary: [country]` tells apart (ISO 3166)."""

    own: tuple[Country, ...] = Field(default=(), description="countries with answers of their own")
    others: Country = Field(default="DE", description="whose answers all other countries are given")

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.others in self.own or len(set(self.own)) != len(self.own):
            raise ValueError(f"each country once: own is {', '.join(self.own)}, others is {self.others}")
        return self

    def shared(self, country: str) -> str:
        """The country whose answers `country` is given."""
        return country if country in self.own else self.others


class EntityTtl(_Model):
    """How long the API keeps what one query of the database has found."""

    ttl: Seconds = Field(description="fresh in Redis")
    stale_while_revalidate: Seconds = Field(default=0, description="served stale while one process loads it anew")


class Lists(_Model):
    """Of a route whose answers show many things: a tag for each, so that what one of them shows can change and only the
    answers that show it are purged."""

    tag: str = Field(description="the tag of one thing, its parameter last: listed:{product_id}")
    purged_by: tuple[Event, ...] = Field(
        min_length=1, description="the events that change what is shown of a thing, but not which answers show it"
    )

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if not _TAG.fullmatch(self.tag) or not self.tag.endswith("}") or len(list(_parameters(self.tag))) != 1:
            raise ValueError(f"lists.tag {self.tag!r} must be words and, last, one parameter: listed:{{product_id}}")
        return self

    @cached_property
    def parameter(self) -> str:
        """The name of what tells the things apart."""
        return next(_parameters(self.tag))

    @cached_property
    def family(self) -> str:
        """The tag of all such things, which is purged with each of them: answers have it that show more than
        `LISTED_AT_MOST`, and whoever makes an answer, and can't know yet what it will show, minds it meanwhile."""
        return self.tag.rpartition(":")[0]

    def tags(self, shown: Collection[str] | None) -> tuple[str, ...]:
        """The tags of an answer that shows these things, given by the parameter's values; None: whatever there is of a
        kind, so that any of them may come or go.
        """
        if shown is None or len(shown) > LISTED_AT_MOST:
            return (self.family,)
        return tuple(dict.fromkeys(self.tag.format_map({self.parameter: value}) for value in shown))


class Route(_Model):
    """What may happen to the answers of one route. All TTLs are whole seconds; 0 means the layer keeps nothing."""

    route: str = Field(description="path pattern")
    methods: tuple[Method, ...] = Field(default=("GET", "HEAD"), min_length=1)
    audience: Audience = Field(description="who may be given a stored answer: anybody, the same user, nobody")
    browser_ttl: Seconds = Field(
        default=0, description="fresh in the browser; a year says the name holds the content's hash"
    )
    edge_ttl: Seconds = Field(default=0, description="fresh at Cloudflare")
    shield_ttl: Seconds = Field(default=0, description="fresh at the gateway, which is purged in milliseconds")
    api_ttl: Seconds = Field(default=0, description="fresh in the API's own layers (process memory and Redis)")
    stale_while_revalidate: Seconds = Field(
        default=0, description="served stale while one request fetches the new answer"
    )
    stale_if_error: Seconds = Field(default=0, description="served stale when the origin fails")
    vary: frozenset[Variation] = Field(default=frozenset(), description="what an answer depends on besides the address")
    query: tuple[str, ...] = Field(default=(), description="the query parameters that count; all others are ignored")
    tags: tuple[str, ...] = Field(default=(), description="labels of the stored answers, with the route's parameters")
    purged_by: tuple[Event, ...] = Field(
        default=(), description="the events after which stored answers are thrown away"
    )
    lists: Lists | None = Field(
        default=None, description="how answers that show many things are tagged by what they show"
    )
    prefetch: tuple[str, ...] = Field(default=(), description="the routes a visitor is likely to ask for next")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.route.startswith("/"):
            raise ValueError(f"route {self.route!r} must start with '/'")
        parts = self.segments
        for position, part in enumerate(parts):
            if part == "" and len(parts) == 1:
                continue
            if not _SEGMENT.fullmatch(part):
                raise ValueError(f"route {self.route!r}: segment {part!r} must be plain text, {{name}} or {{name*}}")
            if part.endswith("*}") and position != len(parts) - 1:
                raise ValueError(f"route {self.route!r}: {part} takes the rest of the path, so it must come last")
        if len(set(self.parameters)) != len(self.parameters):
            raise ValueError(f"route {self.route!r} names a parameter twice")
        for tag in self.tags:
            if not _TAG.fullmatch(tag):
                raise ValueError(f"tag {tag!r} must be words joined by ':', lower case, parameters as {{name}}")
            if unknown := set(_parameters(tag)) - set(self.parameters):
                raise ValueError(f"tag {tag!r}: route {self.route!r} has no parameter {', '.join(sorted(unknown))}")
        self._check_audience()
        self._check_purging()
        self._check_coding()
        return self

    def _check_audience(self) -> None:
        kept = {
            name: value
            for name, value in (
                ("browser_ttl", self.browser_ttl),
                ("edge_ttl", self.edge_ttl),
                ("shield_ttl", self.shield_ttl),
                ("api_ttl", self.api_ttl),
                ("stale_while_revalidate", self.stale_while_revalidate),
                ("stale_if_error", self.stale_if_error),
            )
            if value
        }
        allowed = {"public": set(kept), "user": {"api_ttl"}, "never": set[str]()}[self.audience]
        if wrong := sorted(set(kept) - allowed):
            raise ValueError(
                f"audience {self.audience!r} allows {'only ' + ', '.join(sorted(allowed)) if allowed else 'no TTL'}, "
                f"but {wrong[0]} is {kept[wrong[0]]}: set it to 0 or leave it out"
            )
        if self.audience != "never" and set(self.methods) - {"GET", "HEAD"}:
            raise ValueError(f"only GET and HEAD can be stored: audience must be 'never' for {', '.join(self.methods)}")

    def _check_purging(self) -> None:
        if self.purged_by and not self.tags:
            raise ValueError("purged_by needs tags: they are what a purge finds the stored answers by")
        for event in self.purged_by:
            if not any(_fills(event, tag) for tag in self.tags):
                raise ValueError(
                    f"event {event!r} has {_having(event)}, which fills none of the tags {', '.join(self.tags)}: it "
                    f"would purge nothing. {_REPAIR}"
                )
        for tag in self.tags:
            if not any(_fills(event, tag) for event in self.purged_by):
                events = "; ".join(f"{event} has {_having(event)}" for event in self.purged_by) or "it is empty"
                raise ValueError(
                    f"no event of purged_by fills the tag {tag!r}, so nothing purges it: {events}. {_REPAIR}"
                )
        if not self.lists:
            return
        for event in self.lists.purged_by:
            if not _fills(event, self.lists.tag):
                raise ValueError(
                    f"event {event!r} has {_having(event)}, which doesn't fill lists.tag {self.lists.tag!r}: move it "
                    "to purged_by"
                )
        if twice := set(self.lists.purged_by) & set(self.purged_by):
            raise ValueError(f"{', '.join(sorted(twice))} stands in purged_by, so lists.purged_by can't narrow it")

    def _check_coding(self) -> None:
        if self.backend == "api" and self.api_ttl and "encoding" not in self.vary:
            raise ValueError(
                "the API compresses the answers that it stores (api_ttl), so they depend on Accept-Encoding: add "
                "'encoding' to vary, else a shared cache gives a compressed answer to a client that can't read it"
            )

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The pattern's segments, without the leading slash; the root is one empty segment."""
        return tuple(self.route[1:].split("/"))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the pattern's parameters, in order."""
        return tuple(_parameters(self.route))

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """A regular expression that matches exactly the route's paths, with a group per parameter."""
        parts: list[str] = []
        for part in self.segments:
            if part.endswith("*}"):
                parts.append(f"(?P<{part[1:-2]}>.+)")
            elif part.startswith("{"):
                parts.append(f"(?P<{part[1:-1]}>[^/]+)")
            else:
                parts.append(re.escape(part))
        return re.compile("/" + "/".join(parts))

    @cached_property
    def backend(self) -> Literal["api", "storefront"]:
        """The server behind the route."""
        return "api" if self.segments[0] in {"api", "health", "ready"} else "storefront"

    @cached_property
    def cache_control(self) -> str:
        """The `Cache-Control` of a good answer, written for the browser.

        No `s-maxage`: it implies proxy-revalidate, which would switch stale-while-revalidate off at the edge.
        """
        if self.audience == "never":
            return "private, no-store"
        if self.audience == "user":
            return "private, no-cache"
        if not self.browser_ttl:
            return "public, no-cache"
        if self.browser_ttl >= YEAR_SECONDS:
            return f"public, max-age={self.browser_ttl}, immutable"
        return _directives("public", self.browser_ttl, 0, self.stale_if_error)

    @cached_property
    def cdn_cache_control(self) -> str | None:
        """`Cloudflare-CDN-Cache-Control` (RFC 9213): which the edge obeys first; None: send none."""
        if self.audience != "public":
            return None
        if not self.edge_ttl:
            return "no-store"
        return _directives("", self.edge_ttl, self.stale_while_revalidate, self.stale_if_error)

    @cached_property
    def vary_header(self) -> str | None:
        """The `Vary` header of every answer of the route, errors and 304s included; None where nothing varies."""
        names = [header for variation, header in VARY_HEADERS.items() if variation in self.vary]
        return ", ".join(names) or None

    def rendered_tags(self, parameters: Mapping[str, str]) -> tuple[str, ...]:
        """The tags with the route's parameters filled in."""
        return tuple(tag.format_map(parameters) for tag in self.tags)


@dataclass(frozen=True)
class Match:
    """A request's route and the values of its parameters."""

    route: Route
    parameters: Mapping[str, str]


class Policy(_Model):
    """The whole file."""

    version: Literal[1]
    errors: Errors
    bypass: Bypass
    countries: Countries = Countries()
    entities: Mapping[Entity, EntityTtl] = Field(default={}, description="the API needs one for each of its entities")
    routes: tuple[Route, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        for (_, first), (index, second) in combinations(enumerate(self.routes), 2):
            if set(first.methods) & set(second.methods) and _overlap(first.segments, second.segments):
                raise _wrong_route(
                    index,
                    f"routes {first.route!r} and {second.route!r} overlap: some path matches both for "
                    f"{', '.join(sorted(set(first.methods) & set(second.methods)))}; keep one, or separate their paths",
                )
        known = {route.route for route in self.routes if "GET" in route.methods}
        tags = {tag for route in self.routes for tag in route.tags}
        for index, route in enumerate(self.routes):
            if route.lists and route.lists.family in tags:
                raise _wrong_route(
                    index,
                    f"lists.tag {route.lists.tag!r}: each purge of one of them would purge {route.lists.family!r} too, "
                    "which a route has as its tag; choose another word",
                )
            for target in route.prefetch:
                if target not in known:
                    raise _wrong_route(index, f"prefetch {target!r} is no GET route of this file")
        return self

    @cached_property
    def _by_method(self) -> Mapping[str, tuple[Route, ...]]:
        methods = {method for route in self.routes for method in route.methods}
        return {method: tuple(route for route in self.routes if method in route.methods) for method in methods}

    def match(self, method: str, path: str) -> Match | None:
        """The one route for a request's method and decoded path; None for an unlisted one, which is never stored."""
        for route in self._by_method.get(method, ()):
            if found := route.expression.fullmatch(path):
                return Match(route, found.groupdict())
        return None

    def purge(self, event: Event, parameters: Mapping[str, str]) -> tuple[str, ...]:
        """The tags of what `event` about the things named by `parameters` (product_id, user_id …) throws away.

        Of each route, the tags that are narrowest among those the event can fill in: a change of product 5 purges
        `product:5` and not `catalogue`; a new catalogue, which names no product, purges `catalogue`. Of a route that
        `lists` things, an event of one of them purges the answers that show it, by their tags alone.

        Raises ValueError unless the parameters are those that the event has (`EVENTS`).
        """
        if parameters.keys() ^ EVENTS[event]:
            raise ValueError(
                f"event {event!r} has {_having(event)}, but was given {', '.join(sorted(parameters)) or 'none'}"
            )
        tags: dict[str, None] = {}
        for route in self.routes:
            if route.lists and event in route.lists.purged_by:
                shown = parameters[route.lists.parameter]
                tags |= dict.fromkeys((*route.lists.tags([shown]), route.lists.family))
                continue
            if event not in route.purged_by:
                continue
            known = [tag for tag in route.tags if _fills(event, tag)]
            narrowest = max(len(list(_parameters(tag))) for tag in known)
            for tag in known:
                if len(list(_parameters(tag))) == narrowest:
                    tags[tag.format_map(parameters)] = None
        return tuple(tags)


def load(path: Path = FILE) -> Policy:
    """Read and check a policy file; `PolicyError` names the line and the reason of the first thing that is wrong."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise PolicyError(f"cannot read the cache policy {path}: {error.strerror}") from error
    return parse(text, str(path))


def parse(text: str, name: str = "caching.yaml") -> Policy:
    """As `load`, from text; `name` stands for the file in errors."""
    if undeclared := set(get_args(Event)) - set(EVENTS):
        raise PolicyError(f"EVENTS in app/caching_policy.py lacks the parameters of {', '.join(sorted(undeclared))}")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_duplicate_keys(node, name)
        document: Any = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(f"{name}, line {line}: not YAML: {error.problem}") from error
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        # A misspelt field also makes a required one missing: the misspelling is what helps.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        location: tuple[int | str, ...] = first["loc"]
        if first["type"] == _WRONG_ROUTE:
            location = ("routes", first.get("ctx", {})["index"])
        where = _line(node, location, added=first["type"] == "extra_forbidden")
        field = ".".join(str(part) for part in location)
        allowed = ""
        if first["type"] == "extra_forbidden":
            sections: dict[str, type[BaseModel]] = {
                "errors": Errors,
                "bypass": Bypass,
                "countries": Countries,
                "routes": Route,
                "entities": EntityTtl,
            }
            model = Policy if len(first["loc"]) == 1 else sections.get(str(first["loc"][0]), Policy)
            model = Lists if "lists" in first["loc"][:-1] else model
            allowed = f": unknown field; allowed are {', '.join(model.model_fields)}"
        reason = allowed or f": {first['msg'].removeprefix('Value error, ')}"
        if first["type"] not in {"extra_forbidden", "value_error", "missing", _WRONG_ROUTE}:
            reason += f", not {first['input']!r}"
        raise PolicyError(f"{name}, line {where}: {field or 'the file'}{reason}") from error


def _wrong_route(index: int, reason: str) -> PydanticCustomError:
    # Braces are format fields in pydantic's messages, and every pattern has some.
    return PydanticCustomError(_WRONG_ROUTE, "{reason}", {"index": index, "reason": reason})


def _directives(scope: str, fresh: int, while_revalidate: int, if_error: int) -> str:
    parts = [scope] if scope else []
    parts.append(f"max-age={fresh}")
    if while_revalidate:
        parts.append(f"stale-while-revalidate={while_revalidate}")
    if if_error:
        parts.append(f"stale-if-error={if_error}")
    return ", ".join(parts)


def _parameters(pattern: str) -> Iterator[str]:
    for found in re.finditer(r"\{([a-z][a-z0-9_]*)\*?\}", pattern):
        yield found[1]


def _fills(event: Event, tag: str) -> bool:
    return set(_parameters(tag)) <= EVENTS[event]


def _having(event: Event) -> str:
    return ", ".join(sorted(EVENTS[event])) or "no parameters"


def _overlap(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    for left, right in zip(first, second, strict=False):
        if left.endswith("*}") or right.endswith("*}"):
            return True
        if not left.startswith("{") and not right.startswith("{") and left != right:
            return False
        # A parameter is never empty, and only the root has an empty segment.
        if "" in (left, right) and left != right:
            return False
    return len(first) == len(second)


def _refuse_duplicate_keys(node: yaml.Node | None, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise PolicyError(f"{name}, line {key.start_mark.line + 1}: {key.value!r} is given twice")
            seen.add(key.value)
            _refuse_duplicate_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicate_keys(item, name)


def _line(node: yaml.Node | None, path: tuple[int | str, ...], *, added: bool) -> int:
    """The line (from 1) of the value at `path` (of its key where `added`), as far as the file goes that way."""
    line = 1
    for position, part in enumerate(path):
        child: yaml.Node
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
            line = child.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            pairs: list[tuple[yaml.Node, yaml.Node]] = [pair for pair in node.value if pair[0].value == part]
            if not pairs:
                break
            key, child = pairs[0]
            mark = key.start_mark if added and position == len(path) - 1 else child.start_mark
            line = mark.line + 1
        else:
            break
        node = child
    return line
