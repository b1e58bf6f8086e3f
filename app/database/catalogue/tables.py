"""The catalogue as rows of each table, in an order in which foreign keys hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson
from argon2 import PasswordHasher

from app.database.catalogue.people import (
    NOW,
    OPENED,
    Orders,
    Reviews,
    Users,
    instants,
    make_orders,
    make_reviews,
    make_users,
)
from app.database.catalogue.pictures import BLURS, HEIGHT, WIDTH, picture_name
from app.database.catalogue.products import CURRENCIES, Products, make_products, product_slug
from app.database.catalogue.size import Size
from app.database.catalogue.vocabulary import CATEGORIES, CITIES, REVIEW_BODIES, REVIEW_TITLES, WAREHOUSES

DEMO_USERS: Final = ("demo@example.com", "premium@example.com", "demo.us@example.com", "demo.gb@example.com")
DEMO_PASSWORD: Final = "simone-demo"  # noqa: S105 — everybody may know it: these accounts exist in sample data only

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one table; `rows(start, end)` returns those with these indexes."""

    name: str
    columns: tuple[str, ...]
    count: int
    rows: Callable[[int, int], Iterable[Row]]


def make_tables(size: Size) -> tuple[Table, ...]:
    """Draw everything, each kind from its own random stream, so that more orders don't change the products."""
    streams = iter(np.random.SeedSequence(size.seed).spawn(7))

    def stream() -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(next(streams)))

    products = make_products(size, stream())
    users = make_users(size, stream())
    orders = make_orders(size, products, users, stream())
    reviews = make_reviews(size, products, stream())
    return (
        _categories(size),
        _products(products, reviews, stream()),
        _inventory(products, stream()),
        _users(users),
        _orders(orders, users),
        _order_items(orders),
        _reviews(reviews, stream()),
    )


def _categories(size: Size) -> Table:
    (opened,) = instants(np.array([OPENED]))
    rows = [
        (
            index + 1,
            words.slug,
            words.name,
            words.department,
            f"{words.name}: {', '.join(thing.lower() for thing in words.things[:-1])} and more.",
            index + 1,
            opened,
            opened,
        )
        for index, words in enumerate(CATEGORIES[: size.categories])
    ]
    columns = ("id", "slug", "name", "department", "description", "position", "created_at", "updated_at")
    return Table("categories", columns, len(rows), lambda start, end: rows[start:end])


def _products(products: Products, reviews: Reviews, random: np.random.Generator) -> Table:
    count = len(products.names)
    rated = np.bincount(reviews.product, minlength=count)
    stars = np.bincount(reviews.product, weights=reviews.rating, minlength=count)
    averages = np.round(np.divide(stars, rated, out=np.zeros(count), where=rated > 0), 2).tolist()
    created = instants(random.permutation(_first_days(count, random)))
    categories, popularity, counts = products.category.tolist(), products.popularity.tolist(), rated.tolist()
    prices = {key: values.tolist() for key, values in products.prices.items()}

    def row(index: int) -> Row:
        category, motif = categories[index], products.motifs[index]
        price_lists = {
            price_list: {currency: prices[price_list, currency][index] for currency in CURRENCIES}
            for price_list in ("free", "premium")
        }
        return (
            index + 1,
            category + 1,
            f"SIM-{category + 1:02d}-{index + 1:07d}",
            product_slug(products.names[index], index + 1),
            products.names[index],
            products.brands[index],
            products.descriptions[index],
            products.status[index],
            orjson.dumps(price_lists).decode(),
            popularity[index],
            averages[index],
            counts[index],
            picture_name(motif, index),
            WIDTH,
            HEIGHT,
            BLURS[motif],
            created[index],
            created[index],
        )

    columns = (
        "id", "category_id", "sku", "slug", "name", "brand", "description", "status", "prices", "popularity",
        "rating_average", "rating_count", "image", "image_width", "image_height", "image_blurhash", "created_at",
        "updated_at",
    )  # fmt: skip
    return Table("products", columns, count, lambda start, end: map(row, range(start, end)))


def _first_days(count: int, random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    days = random.integers(0, 700 * 86_400, count)
    return np.datetime64("2024-01-01T00:00:00", "us") + days.astype("timedelta64[s]")


def _inventory(products: Products, random: np.random.Generator) -> Table:
    """Stock: every product in the first warehouse, two in three in the second as well; some shelves are empty or
    nearly so.
    """
    count = len(products.names)
    product = np.concatenate([np.arange(count), np.flatnonzero(random.random(count) < 2 / 3)])
    warehouse = np.concatenate([np.zeros(count, dtype=int), np.ones(len(product) - count, dtype=int)])
    quantity = np.round(random.lognormal(4.2, 0.9, len(product))).astype(int)
    drawn = random.random(len(product))
    quantity[drawn < 0.07] = random.integers(1, 10, int((drawn < 0.07).sum()))
    quantity[drawn < 0.03] = 0
    rows = list(
        zip(
            (product + 1).tolist(),
            [WAREHOUSES[number] for number in warehouse.tolist()],
            quantity.tolist(),
            instants(np.array([NOW])) * len(product),
            strict=True,
        )
    )
    columns = ("product_id", "warehouse", "quantity", "updated_at")
    return Table("inventory", columns, len(rows), lambda start, end: rows[start:end])


def _users(users: Users) -> Table:
    created = instants(users.created)
    hasher = PasswordHasher()
    demo = {
        # The first customers; the salt is fixed, so that every load makes the same rows.
        index: (email, hasher.hash(DEMO_PASSWORD, salt=blake2b(email.encode(), digest_size=16).digest()))
        for index, email in enumerate(DEMO_USERS[: len(users.names)])
    }
    tiers = {"premium@example.com": "premium"}
    homes = {"demo.us@example.com": "US", "demo.gb@example.com": "GB"}

    def row(index: int) -> Row:
        email, password_hash = demo.get(index, (users.emails[index], None))
        tier = "premium" if users.premium[index] else "free"
        return (
            index + 1,
            email,
            users.names[index],
            password_hash,
            tiers.get(email, "free") if index in demo else tier,
            homes.get(email, "DE") if index in demo else users.countries[index],
            created[index],
            created[index],
        )

    columns = ("id", "email", "name", "password_hash", "tier", "country", "created_at", "updated_at")
    return Table("users", columns, len(users.names), lambda start, end: map(row, range(start, end)))


def _orders(orders: Orders, users: Users) -> Table:
    currencies = users.currencies[orders.user].tolist()
    addresses = {country: orjson.dumps({"city": city, "country": country}).decode() for country, city in CITIES.items()}

    def rows(start: int, end: int) -> Iterable[Row]:
        user = orders.user[start:end].tolist()
        created = instants(orders.created[start:end])
        return zip(
            range(start + 1, end + 1),
            [index + 1 for index in user],
            orders.status[start:end],
            currencies[start:end],
            orders.total[start:end].tolist(),
            [addresses[users.countries[index]] for index in user],
            created,
            created,
            strict=True,
        )

    columns = ("id", "user_id", "status", "currency", "total", "shipping_address", "created_at", "updated_at")
    return Table("orders", columns, len(orders.user), rows)


def _order_items(orders: Orders) -> Table:
    def rows(start: int, end: int) -> Iterable[Row]:
        return zip(
            (orders.line_order[start:end] + 1).tolist(),
            (orders.line_product[start:end] + 1).tolist(),
            orders.line_quantity[start:end].tolist(),
            orders.line_price[start:end].tolist(),
            strict=True,
        )

    columns = ("order_id", "product_id", "quantity", "unit_price")
    return Table("order_items", columns, len(orders.line_order), rows)


def _reviews(reviews: Reviews, random: np.random.Generator) -> Table:
    drawn = random.integers(0, 2**31, (len(reviews.user), 3)).tolist()
    users, products, ratings = reviews.user.tolist(), reviews.product.tolist(), reviews.rating.tolist()
    created = instants(reviews.created)

    def row(index: int) -> Row:
        titles = REVIEW_TITLES[ratings[index] - 1]
        first = drawn[index][1] % len(REVIEW_BODIES)
        second = (first + 1 + drawn[index][2] % (len(REVIEW_BODIES) - 1)) % len(REVIEW_BODIES)
        return (
            index + 1,
            products[index] + 1,
            users[index] + 1,
            ratings[index],
            titles[drawn[index][0] % len(titles)],
            f"{REVIEW_BODIES[first]} {REVIEW_BODIES[second]}",
            created[index],
            created[index],
        )

    columns = ("id", "product_id", "user_id", "rating", "title", "body", "created_at", "updated_at")
    return Table("reviews", columns, len(users), lambda start, end: map(row, range(start, end)))
