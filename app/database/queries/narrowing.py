"""What a listing or a search can be narrowed down to, and the condition by which the database finds it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

PRICE_BOUNDS: Final = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
"""Where a range of prices may begin and end, in minor units of each currency: few, as each range is kept apart."""
RATINGS: Final = (3, 4)
"""The least average rating that can be asked for."""
LONGEST_BRAND: Final = 100
"""Characters of a brand that count."""

_DASHES: Final = re.compile("-+")
_IDLE_DASHES: Final = re.compile(r"""-(?!\w|"\w)""")
_PRICES: Final = tuple((tier, currency) for tier in ("free", "premium") for currency in ("EUR", "USD", "GBP"))


def _price_words(tier: str, currency: str) -> str:
    bounds = ", ".join(map(str, PRICE_BOUNDS))
    cents = f"(prices -> '{tier}' ->> '{currency}')::integer"
    return f"'{tier}.{currency}:' || width_bucket({cents}, ARRAY[{bounds}])::text"


WORDS: Final = f"""array_to_tsvector(array_remove(ARRAY[
    'category:' || category_id::text, 'brand:' || left(brand, {LONGEST_BRAND}),
    'rating:' || floor(rating_average)::integer::text, {", ".join(_price_words(*price) for price in _PRICES)}
], NULL))"""
"""All of a product that can be asked for, as one expression and so in one index (step 0012 of the migrations): whatever
is combined, its entries are intersected before a row is read. Without a price in a currency there is no word.
"""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is asked for; None leaves a thing open. Prices are those of `tier` and `currency`, in minor units."""

    category_id: int | None = None
    brand: str | None = None
    price_from: int | None = None
    """At least that much; one of `PRICE_BOUNDS`."""
    price_to: int | None = None
    """Less than that; one of `PRICE_BOUNDS`."""
    rating: int | None = None
    """At least that much; one of `RATINGS`."""
    in_stock: bool = False
    text: str | None = None
    """What a customer typed: words, "phrases", -exclusions."""
    tier: str = "free"
    currency: str = "EUR"

    @property
    def priced(self) -> bool:
        """Another currency or price list is another result."""
        return self.price_from is not None or self.price_to is not None

    @property
    def only_category(self) -> bool:
        """Nothing but a category, or not even that."""
        return self == Narrowing(category_id=self.category_id, tier=self.tier, currency=self.currency)

    @property
    def key(self) -> str:
        """The same for the same result."""
        prices = f"{self.price_from}-{self.price_to}.{self.tier}.{self.currency}" if self.priced else ""
        brand, text = (quote(part or "", safe="") for part in (self.brand, self.text))
        return f"{self.category_id}.{brand}.{prices}.{self.rating}.{int(self.in_stock)}.{text}"

    @property
    def parameters(self) -> tuple[str | None, bool, str | None]:
        """For `asked`."""
        # A dash that excludes nothing is no word; Postgres stacks them up, and fails at some thirty.
        text = _IDLE_DASHES.sub(" ", _DASHES.sub("-", self.text)) if self.text is not None else None
        return self.query(), self.in_stock, text

    def query(self) -> str | None:
        """As a text search query of `WORDS`; None: everything."""
        every: list[str] = []
        if self.category_id is not None:
            every.append(_one_of([f"category:{self.category_id}"]))
        if self.brand is not None:
            every.append(_one_of([f"brand:{self.brand}"]))
        if self.rating is not None:
            every.append(_one_of([f"rating:{stars}" for stars in range(self.rating, 6)]))
        if self.priced:
            first = 0 if self.price_from is None else PRICE_BOUNDS.index(self.price_from) + 1
            last = len(PRICE_BOUNDS) if self.price_to is None else PRICE_BOUNDS.index(self.price_to)
            every.append(_one_of([f"{self.tier}.{self.currency}:{band}" for band in range(first, last + 1)]))
        return " & ".join(every) or None

    def without(self, *names: str) -> "Narrowing":
        """With these left open."""
        return replace(self, **{name: False if name == "in_stock" else None for name in names})


def _one_of(words: Sequence[str]) -> str:
    """No words: what isn't there."""
    quoted = ("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words or ["nothing"])
    return f"({' | '.join(quoted)})"


def asked(first: int, *, in_stock: str = "") -> str:
    """The condition of a statement on `products p` whose parameters from `first` on are the three of `parameters`.

    Each call is planned for what it asks: one that keeps little reads an index, one that keeps much walks along the
    listing's own order. The tests for NULL make a plan for all calls, which could do neither, too dear to be taken.
    """
    in_stock = in_stock or f"${first + 1}::boolean"
    return f"""(${first}::text IS NULL OR {WORDS} @@ ${first}::text::tsquery)
        AND ({in_stock} IS NOT TRUE
             OR (SELECT sum(i.quantity) FROM inventory i WHERE i.product_id = p.id) > 0)
        AND (${first + 2}::text IS NULL OR p.search @@ websearch_to_tsquery('english', ${first + 2}))"""
