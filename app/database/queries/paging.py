"""Paging by key: the next page starts after the last row of this one, at the same cost however deep it is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Generic, Self, TypeVar

import orjson

Row = TypeVar("Row")


class BadCursor(ValueError):
    """A cursor that this listing never issued."""


YEARS: Final = range(1970, 9000)
"""The years of a valid cursor: at the calendar's ends a time zone would leave it."""
LONGEST_DECIMAL: Final = 10
"""Characters of a decimal; averages of ratings have four."""

_PARSERS: Final[dict[str, Callable[[str], int | Decimal | datetime]]] = {
    "i": int,
    "d": Decimal,
    "t": datetime.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the sort value of its last row, and that row's id as the tie-breaker."""

    value: int | Decimal | datetime
    id: int

    def encode(self) -> str:
        """An opaque, URL-safe text."""
        match self.value:
            case int():
                kind, value = "i", str(self.value)
            case Decimal():
                kind, value = "d", str(self.value)
            case datetime():
                kind, value = "t", self.value.isoformat()
        return urlsafe_b64encode(orjson.dumps([kind, value, self.id])).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, kind: type[int] | type[Decimal] | type[datetime]) -> Self:
        """Read a cursor of a listing sorted by values of `kind`; raises BadCursor for anything else."""
        try:
            letter, value, row_id = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
            if {"i": int, "d": Decimal, "t": datetime}[letter] is not kind:
                raise BadCursor("a cursor of another sort order")
            parsed = _PARSERS[letter](value)
        except BadCursor:
            raise
        except (ValueError, TypeError, KeyError, ArithmeticError, UnicodeError) as error:
            raise BadCursor("not a cursor") from error
        if not isinstance(row_id, int) or isinstance(row_id, bool) or not 0 <= row_id < 2**63:
            raise BadCursor("not a cursor")
        if isinstance(parsed, int) and not -(2**31) <= parsed < 2**31:
            raise BadCursor("not a cursor")
        if isinstance(parsed, Decimal) and not (len(value) <= LONGEST_DECIMAL and abs(parsed) < 10):
            raise BadCursor("not a cursor")
        if isinstance(parsed, datetime) and (parsed.tzinfo is None or parsed.year not in YEARS):
            raise BadCursor("not a cursor")
        return cls(parsed, row_id)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, and where the next one starts (None: this was the last)."""

    items: tuple[Row, ...]
    after: Cursor | None
