"""The filters of a listing or search, and the condition by which the database applies them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

PRICE_BOUNDS: Final = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
"""Bounds that a price range may have, in minor units of each currency: few, as each range is cached separately."""
RATINGS: Final = (3, 4)
"""The minimum average ratings that can be requested."""
LONGEST_BRAND: Final = 100
"""The characters of a brand that are compared."""

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
"""A product's filterable attributes as one expression, and so in one index (migration step 0012): Postgres intersects
its entries for any combination before it reads a row. A product without a price in a currency has no word for it.
"""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The requested filters; None for no filter. Prices are those of `tier` and `currency`, in minor units."""

    category_id: int | None = None
    brand: str | None = None
    price_from: int | None = None
    """Lower bound, inclusive; one of `PRICE_BOUNDS`."""
    price_to: int | None = None
    """Upper bound, exclusive; one of `PRICE_BOUNDS`."""
    rating: int | None = None
    """Minimum average rating; one of `RATINGS`."""
    in_stock: bool = False
    text: str | None = None
    """What a customer typed: words, "phrases", -exclusions."""
    tier: str = "free"
    currency: str = "EUR"

    @property
    def priced(self) -> bool:
        """Whether the result depends on currency and price list."""
        return self.price_from is not None or self.price_to is not None

    @property
    def only_category(self) -> bool:
        """Whether there is no filter but a category, or none at all."""
        return self == Narrowing(category_id=self.category_id, tier=self.tier, currency=self.currency)

    @property
    def key(self) -> str:
        """A cache key: equal for equal results."""
        prices = f"{self.price_from}-{self.price_to}.{self.tier}.{self.currency}" if self.priced else ""
        brand, text = (quote(part or "", safe="") for part in (self.brand, self.text))
        return f"{self.category_id}.{brand}.{prices}.{self.rating}.{int(self.in_stock)}.{text}"

    @property
    def parameters(self) -> tuple[str | None, bool, str | None]:
        """For `filtered`."""
        # Postgres nests dashes that exclude nothing, and fails at about thirty.
        text = _IDLE_DASHES.sub(" ", _DASHES.sub("-", self.text)) if self.text is not None else None
        return self.query(), self.in_stock, text

    def query(self) -> str | None:
        """The filters as a text search query on `WORDS`; None for no filter."""
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
        """The same filters without these."""
        return replace(self, **{name: False if name == "in_stock" else None for name in names})


def _one_of(words: Sequence[str]) -> str:
    """A query for any of the words; without words, one that nothing matches."""
    quoted = ("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words or ["nothing"])
    return f"({' | '.join(quoted)})"


def filtered(first: int, *, in_stock: str = "") -> str:
    """The condition of a statement on `products p` whose parameters from `first` on are the three of `parameters`.

    Postgres plans each call for its own filters: a selective one reads an index, any other follows the listing's order.
    The tests for NULL make a generic plan, which could do neither, too expensive to be chosen.
    """
    in_stock = in_stock or f"${first + 1}::boolean"
    return f"""(${first}::text IS NULL OR {WORDS} @@ ${first}::text::tsquery)
        AND ({in_stock} IS NOT TRUE
             OR (SELECT sum(i.quantity) FROM inventory i WHERE i.product_id = p.id) > 0)
        AND (${first + 2}::text IS NULL OR p.search @@ websearch_to_tsquery('english', ${first + 2}))"""
