"""Products: their texts, prices, pictures and demand."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.database.catalogue.pictures import motif
from app.database.catalogue.size import Size
from app.database.catalogue.vocabulary import BENEFITS, BRANDS, CATEGORIES, COLOURS, PURPOSES, TRAITS, slug

Integers = NDArray[np.int64]

CURRENCIES: Final = ("EUR", "USD", "GBP")
EXCHANGE: Final = {"EUR": 1.0, "USD": 1.1, "GBP": 0.86}
"""The shop's exchange rates: units of a currency for a euro."""
PREMIUM: Final = 0.9
"""The premium price list, as a share of the free one."""

ZIPF_EXPONENT: Final = 0.9
"""How fast demand falls with rank: a tenth of the products gets about two thirds of it at 10,000 products."""
INACTIVE_BEYOND: Final = 0.5
"""Only products in the less popular half are drafts or discontinued."""


@dataclass(frozen=True, slots=True)
class Products:
    """Products by index (id minus 1), as columns."""

    category: Integers
    """Index of the category."""
    demand: NDArray[np.float64]
    """Share of all sales, views and reviews; adds up to 1."""
    popularity: Integers
    status: list[str]
    names: list[str]
    brands: list[str]
    descriptions: list[str]
    motifs: list[str]
    """What the pictures show."""
    prices: dict[tuple[str, str], Integers]
    """Minor units by price list and currency."""


def make_products(size: Size, random: np.random.Generator) -> Products:
    """Draw all products."""
    count = size.products
    category = np.sort(random.integers(0, size.categories, count)) if count < size.categories else _spread(size, random)
    rank = random.permutation(count) + 1
    demand = rank**-ZIPF_EXPONENT
    demand /= demand.sum()
    texts = _Texts(count, random)
    low = np.array([words.cents[0] for words in CATEGORIES])[category]
    high = np.array([words.cents[1] for words in CATEGORIES])[category]
    euros = np.exp(random.uniform(np.log(low), np.log(high), count)) / 100
    return Products(
        category=category,
        demand=demand,
        popularity=np.round(1_000_000 * rank**-ZIPF_EXPONENT).astype(np.int64),
        status=_statuses(rank, random),
        names=[texts.name(index, category[index]) for index in range(count)],
        brands=[texts.brand(index) for index in range(count)],
        descriptions=[texts.description(index, category[index]) for index in range(count)],
        motifs=[texts.motif(index, category[index]) for index in range(count)],
        prices={
            (price_list, currency): (np.round(euros * EXCHANGE[currency] * discount) * 100 + 99 - 100 * (discount < 1))
            .clip(min=99)
            .astype(np.int64)
            for price_list, discount in (("free", 1.0), ("premium", PREMIUM))
            for currency in CURRENCIES
        },
    )


def _spread(size: Size, random: np.random.Generator) -> Integers:
    """A category for each product: none empty, some twice as big as others."""
    weights = random.uniform(0.6, 1.4, size.categories)
    drawn = random.choice(size.categories, size.products - size.categories, p=weights / weights.sum())
    return random.permutation(np.concatenate([np.arange(size.categories), drawn]))


def _statuses(rank: Integers, random: np.random.Generator) -> list[str]:
    drawn = random.random(len(rank))
    may_be_inactive = rank > INACTIVE_BEYOND * len(rank)
    return np.select(
        [may_be_inactive & (drawn < 0.04), may_be_inactive & (drawn < 0.10)],
        ["draft", "discontinued"],
        default="active",
    ).tolist()


class _Texts:
    """Names and descriptions, put together from the vocabulary by numbers drawn beforehand."""

    def __init__(self, count: int, random: np.random.Generator) -> None:
        self._drawn = random.integers(0, 2**31, (count, 8)).tolist()

    def _pick(self, index: int, place: int, words: tuple[str, ...]) -> str:
        return words[self._drawn[index][place] % len(words)]

    def name(self, index: int, category: int) -> str:
        words = CATEGORIES[category]
        trait = self._pick(index, 0, TRAITS[words.department])
        material = self._pick(index, 1, words.materials)
        colour = self._pick(index, 2, COLOURS)
        return f"{trait} {material[0].upper()}{material[1:]} {self._thing(index, category)}, {colour}"

    def brand(self, index: int) -> str:
        return self._pick(index, 3, BRANDS)

    def description(self, index: int, category: int) -> str:
        words = CATEGORIES[category]
        first, second = self._drawn[index][4] % len(BENEFITS), self._drawn[index][5] % (len(BENEFITS) - 1)
        made = "with" if words.department == "Beauty" else "made of"
        return (
            f"{self._thing(index, category)} by {self.brand(index)} {self._pick(index, 6, PURPOSES)}, {made} "
            f"{self._pick(index, 1, words.materials)}, in {self._pick(index, 2, COLOURS).lower()}. "
            f"{BENEFITS[first]} {BENEFITS[(first + 1 + second) % len(BENEFITS)]}"
        )

    def motif(self, index: int, category: int) -> str:
        return motif(self._thing(index, category), self._pick(index, 2, COLOURS))

    def _thing(self, index: int, category: int) -> str:
        return self._pick(index, 7, CATEGORIES[category].things)


def product_slug(name: str, product_id: int) -> str:
    """A product's name in addresses: readable, and unique by its id."""
    return f"{slug(name)}-{product_id}"
