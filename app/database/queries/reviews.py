"""Reviews, and the rating that each product carries with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.database.queries.paging import Cursor, Page
from app.database.queries.statement import Database, Transaction, statement


@dataclass(frozen=True, slots=True)
class Review:
    """A review as the product's page shows it; `author` is the reviewer's name, `verified` that they had bought it."""

    id: int
    product_id: int
    user_id: int
    author: str
    rating: int
    title: str
    body: str
    verified: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Rating:
    """How a product is rated: the number of reviews by stars (index 0: one star)."""

    average: float
    count: int
    by_stars: tuple[int, int, int, int, int]


class ReviewSort(StrEnum):
    """Orders of a product's reviews."""

    NEWEST = "newest"
    RATING = "rating"


class AlreadyReviewed(Exception):
    """This user has reviewed this product before."""


class UnknownProduct(Exception):
    """There is no such product to review."""


_COLUMNS = """
    SELECT r.id, r.product_id, r.user_id, u.name AS author, r.rating, r.title, r.body, r.verified, r.created_at,
        r.updated_at
    FROM reviews r JOIN users u ON u.id = r.user_id
    """
_NEWEST_FIRST = statement(
    "reviews.newest.first",
    f"{_COLUMNS} WHERE r.product_id = $2 ORDER BY r.created_at DESC, r.id DESC LIMIT $1",
)
_NEWEST_NEXT = statement(
    "reviews.newest.next",
    f"""
    {_COLUMNS} WHERE r.product_id = $2 AND (r.created_at, r.id) < ($3::timestamptz, $4::bigint)
    ORDER BY r.created_at DESC, r.id DESC LIMIT $1
    """,
)
_BEST_FIRST = statement(
    "reviews.best.first",
    f"{_COLUMNS} WHERE r.product_id = $2 ORDER BY r.rating DESC, r.id DESC LIMIT $1",
)
_BEST_NEXT = statement(
    "reviews.best.next",
    f"""
    {_COLUMNS} WHERE r.product_id = $2 AND (r.rating, r.id) < ($3::smallint, $4::bigint)
    ORDER BY r.rating DESC, r.id DESC LIMIT $1
    """,
)
_BY_STARS = statement(
    "reviews.by_stars",
    "SELECT rating, count(*) AS reviews FROM reviews WHERE product_id = $1 GROUP BY rating",
)
_ADD = statement(
    "reviews.add",
    """
    INSERT INTO reviews (product_id, user_id, rating, title, body, verified)
    SELECT $1, $2, $3::smallint, $4::text, $5::text, EXISTS (
        SELECT 1 FROM orders o JOIN order_items i ON i.order_id = o.id
        WHERE o.user_id = $2 AND o.status <> 'cancelled' AND i.product_id = $1
    )
    ON CONFLICT (user_id, product_id) DO NOTHING RETURNING id, verified, created_at, updated_at
    """,
)
_LOCK_PRODUCT = statement(
    "reviews.lock_product", "SELECT 1 FROM products WHERE id = $1 AND status <> 'draft' FOR NO KEY UPDATE"
)
_RATE = statement(
    "reviews.rate",
    """
    UPDATE products SET rating_average = rated.average, rating_count = rated.reviews
    FROM (SELECT round(avg(rating), 2) AS average, count(*) AS reviews FROM reviews WHERE product_id = $1) rated
    WHERE id = $1
    """,
)
_AUTHOR = statement("reviews.author", "SELECT name FROM users WHERE id = $1")


async def of_product(
    db: Database,
    product_id: int,
    *,
    sort: ReviewSort = ReviewSort.NEWEST,
    after: Cursor | None = None,
    limit: int = 20,
) -> Page[Review]:
    """One page of a product's reviews with their authors. `after` is the cursor of the page before."""
    first, following = {
        ReviewSort.NEWEST: (_NEWEST_FIRST, _NEWEST_NEXT),
        ReviewSort.RATING: (_BEST_FIRST, _BEST_NEXT),
    }[sort]
    if after is None:
        records = await db.fetch(first, limit + 1, product_id)
    else:
        records = await db.fetch(following, limit + 1, product_id, after.value, after.id)
    reviews = tuple(Review(**record) for record in records[:limit])
    if len(records) <= limit:
        return Page(reviews, None)
    last = reviews[-1]
    return Page(reviews, Cursor(last.rating if sort is ReviewSort.RATING else last.created_at, last.id))


def cursor_kind(sort: ReviewSort) -> type[int] | type[datetime]:
    """What the cursors of a listing in this order hold, for `Cursor.decode`."""
    return int if sort is ReviewSort.RATING else datetime


async def rating(db: Database, product_id: int) -> Rating:
    """The number of a product's reviews by stars."""
    found = {record["rating"]: record["reviews"] for record in await db.fetch(_BY_STARS, product_id)}
    one, two, three, four, five = (found.get(stars, 0) for stars in range(1, 6))
    count = one + two + three + four + five
    total = one + 2 * two + 3 * three + 4 * four + 5 * five
    return Rating(total / count if count else 0.0, count, (one, two, three, four, five))


async def add(transaction: Transaction, *, product_id: int, user_id: int, rating: int, title: str, body: str) -> Review:
    """Store a review and the product's new rating, in the caller's transaction.

    The product's row is locked first, so that of two reviews at once the later one counts both.
    Raises UnknownProduct, AlreadyReviewed.
    """
    if await transaction.fetchval(_LOCK_PRODUCT, product_id) is None:
        raise UnknownProduct(product_id)
    added = await transaction.fetchrow(_ADD, product_id, user_id, rating, title, body)
    if added is None:
        raise AlreadyReviewed(product_id, user_id)
    await transaction.execute(_RATE, product_id)
    return Review(
        id=added["id"],
        product_id=product_id,
        user_id=user_id,
        author=await transaction.fetchval(_AUTHOR, user_id),
        rating=rating,
        title=title,
        body=body,
        verified=added["verified"],
        created_at=added["created_at"],
        updated_at=added["updated_at"],
    )
