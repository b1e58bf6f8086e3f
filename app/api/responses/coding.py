"""Content-codings: which one a client gets, and how a body is compressed once, when it is stored."""

import gzip
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import brotli

IDENTITY: Final = "identity"
CODINGS: Final = ("br", "gzip", IDENTITY)
"""What we offer, best first."""

SMALLEST_WORTHWHILE: Final = 512
"""Bytes; below it headers dominate and compression saves less than it costs."""

BROTLI_QUALITY: Final = 5
"""A tenth larger than quality 11 for JSON, at a fortieth of its time; the edge compresses at 11 for its own copies."""
GZIP_LEVEL: Final = 6


LONGEST_REMEMBERED: Final = 128
"""Bytes of a header whose meaning is kept; browsers send forty. So 512 of them are a tenth of a megabyte."""


def negotiate(accept_encoding: bytes) -> str:
    """The best coding that the client accepts (RFC 9110, 12.5.3): the highest q, then our order. Clients send few
    different headers, so results are remembered.

    A client that refuses even identity gets it all the same, which the RFC allows and people prefer to a 406.
    """
    return (_remembered if len(accept_encoding) <= LONGEST_REMEMBERED else _negotiated)(accept_encoding)


def _negotiated(accept_encoding: bytes) -> str:
    weights: dict[str, float] = {}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if not name:
            continue
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = min(1.0, max(0.0, float(value)))
                except ValueError:
                    weight = 0.0
        weights["gzip" if name == "x-gzip" else name] = weight
    rest = weights.get("*", 0.0)
    # Identity is acceptable unless excluded, but only wins when nothing better is named.
    offered = [(weights.get(coding, rest), -rank, coding) for rank, coding in enumerate(CODINGS[:-1])]
    best = max(offered)
    if best[0] > 0 and best[0] >= weights.get(IDENTITY, 0.0):
        return best[2]
    return IDENTITY


_remembered: Final = lru_cache(maxsize=512)(_negotiated)


def encode(body: bytes) -> Mapping[str, bytes]:
    """The body in identity and in every coding that makes it smaller."""
    if len(body) < SMALLEST_WORTHWHILE:
        return {IDENTITY: body}
    # mtime 0: the same body gives the same bytes, on which a strong ETag depends.
    coded = {
        IDENTITY: body,
        "gzip": gzip.compress(body, GZIP_LEVEL, mtime=0),
        "br": brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
    }
    return {coding: data for coding, data in coded.items() if coding == IDENTITY or len(data) < len(body)}
