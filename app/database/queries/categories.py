"""Categories."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class Category:
    """A category and how many active products it has."""

    id: int
    slug: str
    name: str
    department: str
    description: str
    position: int
    product_count: int
    updated_at: datetime


# Counted once for all categories and then joined, instead of once for each category.
_ALL = statement(
    "categories.all",
    """
    SELECT c.id, c.slug, c.name, c.department, c.description, c.position, c.updated_at,
           coalesce(n.products, 0) AS product_count
    FROM categories c LEFT JOIN (
        SELECT category_id, count(*) AS products FROM products WHERE status = 'active' GROUP BY category_id
    ) n ON n.category_id = c.id
    ORDER BY c.position, c.id
    """,
)
_BY_SLUG = statement(
    "categories.by_slug",
    """
    SELECT c.id, c.slug, c.name, c.department, c.description, c.position, c.updated_at,
           (SELECT count(*) FROM products p WHERE p.category_id = c.id AND p.status = 'active') AS product_count
    FROM categories c WHERE c.slug = $1
    """,
)


def _category(record: asyncpg.Record) -> Category:
    return Category(
        id=record["id"],
        slug=record["slug"],
        name=record["name"],
        department=record["department"],
        description=record["description"],
        position=record["position"],
        product_count=record["product_count"],
        updated_at=record["updated_at"],
    )


async def all_categories(db: Database) -> tuple[Category, ...]:
    """All categories in the order in which the shop shows them."""
    return tuple(_category(record) for record in await db.fetch(_ALL))


async def get_by_slug(db: Database, slug: str) -> Category | None:
    """One category by the name in its address."""
    record = await db.fetchrow(_BY_SLUG, slug)
    return _category(record) if record is not None else None
