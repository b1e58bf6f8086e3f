"""Conditional requests (RFC 9110, section 13): whether the client's copy is still current."""

import re
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import Final

_TAG: Final = re.compile(rb'\s*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*"))?\s*(?:,|$)')


def entity_tags(value: bytes) -> list[tuple[bool, bytes]] | None:
    """The tags of an If-None-Match or If-Match list as (weak, opaque with quotes). None: it isn't a list of tags."""
    tags: list[tuple[bool, bytes]] = []
    position = 0
    while position < len(value):
        found = _TAG.match(value, position)
        if found is None:
            return None
        if found[2] is not None:
            tags.append((found[1] is not None, found[2]))
        position = found.end()
    return tags


def none_match_fails(header: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names our strong `etag` by the weak comparison: then GET and HEAD answer 304.

    A header that isn't a list of tags names nothing, so the client gets the whole response.
    """
    if header == etag:
        return True
    if header.strip() == b"*":
        return True
    return etag in (opaque for _, opaque in entity_tags(header) or ())


def match_fails(header: bytes, etag: bytes) -> bool:
    """Whether If-Match lacks our `etag` by the strong comparison (RFC 9110, 13.1.1): then the response is a 412."""
    if header.strip() == b"*":
        return False
    return (False, etag) not in (entity_tags(header) or ())


def seconds(http_date: bytes) -> int | None:
    """An HTTP date as seconds since the epoch. None for anything else, which a recipient must ignore."""
    try:
        return int(parsedate_to_datetime(http_date.decode("ascii")).timestamp())
    except (ValueError, TypeError, OverflowError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=1024)
def http_date(timestamp: int) -> bytes:
    """Seconds since the epoch as an HTTP date. Responses of the same second have the same date."""
    return formatdate(timestamp, usegmt=True).encode("ascii")
