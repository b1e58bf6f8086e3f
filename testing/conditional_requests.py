"""Conditional reads and the status of their responses (RFC 9110, 13.2.2): the same in every layer."""

from collections.abc import Mapping
from typing import Final

TAG: Final = '"v1"'
MODIFIED: Final = "Sat, 01 Jan 2000 00:00:00 GMT"
"""ETag and Last-Modified of the response that is asked for."""

CONDITIONS: Final[tuple[tuple[Mapping[str, str], int], ...]] = (
    ({"If_None_Match": '"v1"'}, 304),
    ({"If_None_Match": 'W/"v1"'}, 304),
    ({"If_None_Match": '"v0", "v1"'}, 304),
    ({"If_None_Match": "*"}, 304),
    ({"If_None_Match": '"v0"'}, 200),
    ({"If_None_Match": "v1"}, 200),
    ({"If_Match": '"v1"'}, 200),
    ({"If_Match": "*"}, 200),
    ({"If_Match": '"v0"'}, 412),
    ({"If_Match": 'W/"v1"'}, 412),
    ({"If_Modified_Since": MODIFIED}, 304),
    ({"If_Modified_Since": "Sun, 02 Jan 2000 00:00:00 GMT"}, 304),
    ({"If_Modified_Since": "Fri, 31 Dec 1999 00:00:00 GMT"}, 200),
    ({"If_Modified_Since": "yesterday"}, 200),
    ({"If_Unmodified_Since": "Fri, 31 Dec 1999 00:00:00 GMT"}, 412),
    ({"If_Unmodified_Since": MODIFIED}, 200),
    ({"If_Unmodified_Since": "yesterday"}, 200),
    ({"If_Match": '"v1"', "If_Unmodified_Since": "Fri, 31 Dec 1999 00:00:00 GMT"}, 200),
    ({"If_Match": '"v0"', "If_None_Match": '"v1"'}, 412),
)
"""Request headers, with underscores for hyphens, and the expected status."""
