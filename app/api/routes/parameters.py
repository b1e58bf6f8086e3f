"""What endpoints take from a request besides its body."""

import contextlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator

from app.api import problems
from app.api.identity import Identity
from app.api.responses.coding import IDENTITY
from app.api.responses.conditional import entity_tags, seconds
from app.api.responses.context import Context, context_of
from app.api.shop import Shop
from app.api.views import LARGEST_ID
from app.database.queries.paging import BadCursor, Cursor

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = re.compile(rb'"([0-9]{1,18})\.[0-9a-f]+-[a-z]+"')


def _plain_number(value: object) -> object:
    """Accept one spelling of each number: `007` and `+7` would be addresses of their own, which no purge finds."""
    if isinstance(value, str) and not re.fullmatch("0|[1-9][0-9]*", value, re.ASCII):
        raise ValueError("must be a whole number in plain digits")
    return value


def _plain_text(value: object) -> object:
    if isinstance(value, str) and ("\x00" in value or "\ufffd" in value):
        raise ValueError("must be UTF-8 without U+0000")
    return value


PlainNumber = BeforeValidator(_plain_number)
PlainText = BeforeValidator(_plain_text)
PLAIN_TEXT_SCHEMA: Final = {"pattern": r"^[^\u0000\ufffd]*$"}
"""What `PlainText` asks for, in the OpenAPI document."""

ProductId = Annotated[int, Path(ge=1, le=LARGEST_ID), PlainNumber]
UserId = Annotated[int, Path(ge=1, le=LARGEST_ID), PlainNumber]
CategoryId = Annotated[int | None, Query(ge=1, le=2**31 - 1), PlainNumber]
CursorText = Annotated[
    str | None, Query(max_length=200, pattern="^[A-Za-z0-9_-]+$", description="`next_cursor` of the page before")
]


def shop(request: Request) -> Shop:
    """The process's connections and caches."""
    return request.app.state.shop


ShopHere = Annotated[Shop, Depends(shop)]


async def identity(request: Request, shop: ShopHere) -> Identity:
    """The caller. Raises Problem 503 if sessions can't be read, so that nobody seems to be signed out."""
    found = await shop.identify(request.scope)
    if not found.known:
        raise problems.unavailable("The shop can't look up who is signed in at the moment.")
    return found


Asker = Annotated[Identity, Depends(identity)]


def context(request: Request) -> Context:
    """The visitor's prices, and what else the cache in front has found out."""
    return context_of(request.scope)


ContextHere = Annotated[Context, Depends(context)]


def reject_repeated_parameters(request: Request) -> None:
    """Refuse a query parameter that is given twice, since it is unclear which one counts."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise problems.invalid(name, "must be given once")


def client_of(request: Request) -> str:
    """The visitor's address, as limits count it: of IPv6 the network, since a household has 2⁶⁴ addresses.

    The gateway sets `X-Real-IP`, whatever the client sent. Only the storefront reaches the API past it, and passes no
    such header on (components/kubernetes/flows.py).
    """
    return _network(request, 64)


def network_of(request: Request) -> str:
    """The visitor's network, for counts by which nobody is refused: of IPv6 what a site is given, 2¹⁶ networks (RFC
    6177).
    """
    return _network(request, 48)


def _network(request: Request, prefix: int) -> str:
    direct = request.client.host if request.client is not None else ""
    for text in (request.headers.get("x-real-ip", ""), direct):
        with contextlib.suppress(ValueError):
            address = ip_address(text)
            return str(address) if address.version == 4 else str(ip_network((address, prefix), strict=False))
    return direct


def same_origin(request: Request) -> None:
    """Refuse a change that another site has a visitor's browser send. Clients that aren't browsers name no site.

    Raises Problem 403. `Sec-Fetch-Site` decides if the browser sends it (W3C Fetch Metadata), else `Origin`.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or "authorization" in request.headers:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        ours = origin is None or origin.partition("://")[2] in _hosts(request)
    if not ours:
        raise problems.forbidden("Another site may not change anything here: send it from a page of the shop.")


def _hosts(request: Request) -> tuple[str, ...]:
    # No page can set either header of a request to another site without asking that site first.
    return tuple(request.headers[name] for name in ("host", "x-forwarded-host") if name in request.headers)


def cursor(text: str | None, kind: type[Any]) -> Cursor | None:
    """The decoded `cursor` parameter."""
    if text is None:
        return None
    try:
        return Cursor.decode(text, kind)
    except BadCursor as error:
        raise problems.invalid(
            "cursor", f"must be the next_cursor of a page of this listing in this order ({error})"
        ) from error


def describe(
    context: Context,
    *,
    version: datetime | None = None,
    modified: datetime | None = None,
    lists: Iterable[int] | None = (),
) -> None:
    """Tell the cache the row's version, the time of its last change, and the ids of listed rows, if there are any."""
    context.version = _microseconds(version) if version is not None else None
    context.last_modified = int(modified.timestamp()) if modified is not None else None
    context.lists = tuple(map(str, lists)) if lists is not None else None


def version_tag(version: datetime) -> str:
    """The ETag of a response that no cache keeps, which therefore has none of a cache: its version alone."""
    return f'"{_microseconds(version)}.0-{IDENTITY}"'


def required_version(request: Request, current: datetime) -> datetime | None:
    """The version that the row must still have when it is written, by the request's conditions (RFC 9110, 13.2.2).
    None: any version.

    Raises Problem 412 if `current`, the row's version, isn't the one that the client has seen.
    """
    match = _listed(request, "if-match")
    since = seconds(request.headers.get("if-unmodified-since", "").encode("latin-1"))
    if match is not None:
        # Strong comparison (RFC 9110, 13.1.1): a weak tag matches nothing.
        if match != "*" and _microseconds(current) not in _versions(match, weak_too=False):
            raise changed_meanwhile()
    elif since is not None and int(current.timestamp()) > since:
        raise changed_meanwhile()
    none_match = _listed(request, "if-none-match")
    if none_match == "*" or (none_match and _microseconds(current) in _versions(none_match, weak_too=True)):
        raise problems.Problem(412, "If-None-Match asks that it isn't there, and it is.")
    return current if (match not in (None, "*") or since is not None) else None


def _listed(request: Request, name: str) -> str | None:
    """The values of a header that may be sent several times. None: it wasn't sent."""
    return ",".join(request.headers.getlist(name)).strip() or None


def _versions(tags: str, *, weak_too: bool) -> set[int]:
    found = ((weak, _VERSION.fullmatch(opaque)) for weak, opaque in entity_tags(tags.encode("latin-1")) or ())
    return {int(version[1]) for weak, version in found if version and (weak_too or not weak)}


def changed_meanwhile() -> problems.Problem:
    """The Problem 412 of a change that came too late."""
    return problems.Problem(412, "It has changed since you read it: read it again, then repeat your change.")


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
