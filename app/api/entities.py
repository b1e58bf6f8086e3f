"""Objects that many routes need, from the entity cache: a product with all its prices, a user."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.api.cache_manager import CacheManager
from app.caching_policy import Policy
from app.database.queries import Database, inventory, products, users
from app.database.queries.inventory import Stock
from app.database.queries.products import Product


class Entities:
    """JSON objects by id. None for what doesn't exist."""

    def __init__(self, cache: CacheManager, database: Database, policy: Policy) -> None:
        self._cache = cache
        self._database = database
        self._ttls = policy.entities

    async def product(self, product_id: int) -> dict[str, Any] | None:
        """A product as its page shows it, with prices in all currencies and price lists."""
        return await self._cache.get_or_else(
            self._product_key(product_id),
            self._ttls["product"].ttl,
            lambda: self._load_product(product_id),
            tags=_product_tags(product_id),
            stale_seconds=self._ttls["product"].stale_while_revalidate,
        )

    def _product_key(self, product_id: int) -> str:
        return self._cache.key("product", product_id, "with_inventory")

    @staticmethod
    def changed_at(product: Mapping[str, Any]) -> datetime:
        """When the product or its stock last changed."""
        return datetime.fromisoformat(product["changed_at"])

    async def _load_product(self, product_id: int) -> dict[str, Any] | None:
        product = await products.get(self._database, product_id)
        if product is None:
            return None
        stock = (await inventory.stock(self._database, [product_id])).get(product_id)
        return _entity(product, stock)

    async def user(self, user_id: int) -> dict[str, Any] | None:
        """A user's profile, without the password's hash."""
        return await self._cache.get_or_else(
            self._cache.key("user", user_id, "profile"),
            self._ttls["user"].ttl,
            lambda: users.get(self._database, user_id),
            tags=(f"user:{user_id}",),
        )

    async def warm_products(self, count: int) -> tuple[int, ...]:
        """Load the most popular products into the cache, missing ones in one query. Returns their ids."""
        ids = tuple(product.id for product in await products.top(self._database, count))
        await self._cache.get_or_else_many(
            {self._product_key(product_id): product_id for product_id in ids},
            self._ttls["product"].ttl,
            lambda missing: self._load_top(count, missing),
            tags=_product_tags,
            stale_seconds=self._ttls["product"].stale_while_revalidate,
        )
        return ids

    async def _load_top(self, count: int, product_ids: Sequence[int]) -> Mapping[int, dict[str, Any] | None]:
        top = {product.id: product for product in await products.top(self._database, count)}
        stock = await inventory.stock(self._database, product_ids)
        return {
            product_id: _entity(top[product_id], stock.get(product_id))
            if product_id in top
            else await self._load_product(product_id)
            for product_id in product_ids
        }


def _product_tags(product_id: int) -> tuple[str, ...]:
    return (f"product:{product_id}", "catalogue")


def _entity(product: Product, stock: Stock | None) -> dict[str, Any]:
    changed_at = product.updated_at if stock is None else max(product.updated_at, stock.updated_at)
    return {**asdict(product), "changed_at": changed_at}
