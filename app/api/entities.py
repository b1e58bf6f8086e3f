"""The things that many routes need, from the entity cache: a product with all its prices, a user."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from app.api.cache_manager import TTL_SECONDS, CacheManager
from app.database.queries import Database, inventory, products, users
from app.database.queries.inventory import Stock
from app.database.queries.products import Product

STALE_SECONDS: Final = 60.0


class Entities:
    """JSON objects by id; None for what doesn't exist."""

    def __init__(self, cache: CacheManager, database: Database) -> None:
        self._cache = cache
        self._database = database

    async def product(self, product_id: int) -> dict[str, Any] | None:
        """A product as its page shows it, with prices in all currencies and price lists."""
        return await self._cache.get_or_else(
            self._cache.key("product", product_id, "with_inventory"),
            TTL_SECONDS["product"],
            lambda: self._load_product(product_id),
            tags=(f"product:{product_id}", "catalogue"),
            stale_seconds=STALE_SECONDS,
        )

    @staticmethod
    def changed_at(product: Mapping[str, Any]) -> datetime:
        """When anything that a product's page shows last changed: the product itself or its stock."""
        return datetime.fromisoformat(product["changed_at"])

    async def _load_product(self, product_id: int) -> dict[str, Any] | None:
        product = await products.get(self._database, product_id)
        if product is None:
            return None
        stock = (await inventory.stock(self._database, [product_id])).get(product_id)
        return _entity(product, stock)

    async def user(self, user_id: int) -> dict[str, Any] | None:
        """A user's profile. The password's hash is not part of it."""
        return await self._cache.get_or_else(
            self._cache.key("user", user_id, "profile"),
            TTL_SECONDS["user"],
            lambda: users.get(self._database, user_id),
            tags=(f"user:{user_id}",),
        )

    async def warm_products(self, count: int) -> tuple[int, ...]:
        """Load the most popular products into the cache in one query; gives their ids."""
        top = await products.top(self._database, count)
        stock = await inventory.stock(self._database, [product.id for product in top])
        for product in top:
            await self._cache.set(
                self._cache.key("product", product.id, "with_inventory"),
                _entity(product, stock.get(product.id)),
                TTL_SECONDS["product"],
                tags=(f"product:{product.id}", "catalogue"),
            )
        return tuple(product.id for product in top)


def _entity(product: Product, stock: Stock | None) -> dict[str, Any]:
    changed_at = product.updated_at if stock is None else max(product.updated_at, stock.updated_at)
    return {**asdict(product), "changed_at": changed_at}
