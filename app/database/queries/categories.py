"""Categories."""

from dataclasses import dataclass
from datetime import datetime

from app.database.queries.statement import Database, statement


@dataclass(frozen=True, slots=True)
class Category:
    """A category."""

    id: int
    slug: str
    name: str
    department: str
    description: str
    position: int
    updated_at: datetime


_COLUMNS = "id, slug, name, department, description, position, updated_at"
_ALL = statement("categories.all", f"SELECT {_COLUMNS} FROM categories ORDER BY position, id")


async def all_categories(db: Database) -> tuple[Category, ...]:
    """All categories in the order in which the shop shows them."""
    return tuple(Category(**record) for record in await db.fetch(_ALL))
