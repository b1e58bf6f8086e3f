"""Customers, what they bought and what they say about it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.database.catalogue.products import Integers, Products
from app.database.catalogue.size import Size
from app.database.catalogue.vocabulary import COUNTRIES, FIRST_NAMES, LAST_NAMES

Instants = NDArray[np.datetime64]

OPENED: Final = np.datetime64("2024-01-01T00:00:00", "us")
NOW: Final = np.datetime64("2026-01-01T00:00:00", "us")
"""The shop's first day and its present: fixed, so that the same seed gives the same rows in any year."""

CURRENCY_OF: Final = {"GB": "GBP", "US": "USD"}
PREMIUM_SHARE: Final = 0.15


@dataclass(frozen=True, slots=True)
class Users:
    """Customers by index (id minus 1), as columns."""

    names: list[str]
    emails: list[str]
    countries: list[str]
    currencies: NDArray[np.str_]
    premium: NDArray[np.bool_]
    created: Instants


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders by index (id minus 1) in order of time, and their lines in order of order and product."""

    user: Integers
    status: list[str]
    total: Integers
    created: Instants
    line_order: Integers
    line_product: Integers
    line_quantity: Integers
    line_price: Integers


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviews by index (id minus 1) in order of time."""

    user: Integers
    product: Integers
    rating: Integers
    created: Instants


def make_users(size: Size, random: np.random.Generator) -> Users:
    """Draw all customers."""
    count = size.users
    first = random.integers(0, len(FIRST_NAMES), count).tolist()
    last = random.integers(0, len(LAST_NAMES), count).tolist()
    codes, weights = zip(*COUNTRIES, strict=True)
    countries = random.choice(codes, count, p=np.array(weights) / sum(weights))
    names = [(FIRST_NAMES[f], LAST_NAMES[s]) for f, s in zip(first, last, strict=True)]
    return Users(
        names=[f"{f} {s}" for f, s in names],
        emails=[f"{f}.{s}.{index + 1}@example.com".lower() for index, (f, s) in enumerate(names)],
        countries=countries.tolist(),
        currencies=np.array([CURRENCY_OF.get(country, "EUR") for country in countries.tolist()]),
        premium=random.random(count) < PREMIUM_SHARE,
        created=_instants(count, random),
    )


def make_orders(size: Size, products: Products, users: Users, random: np.random.Generator) -> Orders:
    """Draw all orders: one to five different products each, chosen by demand."""
    count = size.orders
    user = random.integers(0, size.users, count)
    lines = np.repeat(np.arange(count), 1 + random.binomial(4, 0.35, count))
    # Order and product as one number, sorted and unique: a product drawn twice for an order becomes one line.
    pairs = np.unique(lines * size.products + random.choice(size.products, len(lines), p=products.demand))
    line_order, line_product = pairs // size.products, pairs % size.products
    line_quantity = 1 + random.binomial(3, 0.12, len(pairs))
    line_price = np.zeros(len(pairs), dtype=np.int64)
    currency, premium = users.currencies[user[line_order]], users.premium[user[line_order]]
    for (price_list, code), prices in products.prices.items():
        chosen = (currency == code) & (premium == (price_list == "premium"))
        line_price[chosen] = prices[line_product[chosen]]
    total = np.bincount(line_order, weights=line_quantity * line_price, minlength=count).astype(np.int64)
    created = _instants(count, random)
    return Orders(
        user=user,
        status=_order_statuses(created, random),
        total=total,
        created=created,
        line_order=line_order,
        line_product=line_product,
        line_quantity=line_quantity,
        line_price=line_price,
    )


def _order_statuses(created: Instants, random: np.random.Generator) -> list[str]:
    """Old orders are completed; those of the last days are in progress."""
    age_days = (NOW - created) / np.timedelta64(1, "D")
    drawn = random.random(len(created))
    return np.select(
        [drawn < 0.03, age_days < 1, age_days < 3, age_days < 8],
        ["cancelled", "pending", "processing", "shipped"],
        default="delivered",
    ).tolist()


def make_reviews(size: Size, products: Products, random: np.random.Generator) -> Reviews:
    """Draw all reviews: by demand, at most one by a user for a product; products differ in quality."""
    pairs = np.empty(0, dtype=np.int64)
    while len(pairs) < size.reviews:
        missing = size.reviews - len(pairs)
        product = random.choice(size.products, missing + missing // 10 + 10, p=products.demand)
        drawn = random.integers(0, size.users, len(product)) * size.products + product
        pairs = np.unique(np.concatenate([pairs, drawn]))
    pairs = random.permutation(pairs)[: size.reviews]
    product = pairs % size.products
    quality = random.beta(6, 2.2, size.products)
    return Reviews(
        user=pairs // size.products,
        product=product,
        rating=1 + random.binomial(4, quality[product]),
        created=_instants(size.reviews, random),
    )


def _instants(count: int, random: np.random.Generator) -> Instants:
    """Ascending instants between the shop's opening and its present, more of them towards the end."""
    seconds = (NOW - OPENED) / np.timedelta64(1, "s")
    return OPENED + (np.sort(random.beta(1.6, 1.0, count)) * seconds * 1e6).astype("timedelta64[us]")


def instants(values: Instants) -> list[datetime]:
    """The values as Python datetimes in UTC."""
    return [value.replace(tzinfo=UTC) for value in values.astype("datetime64[us]").astype(object).tolist()]
