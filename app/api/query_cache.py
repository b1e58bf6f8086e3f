"""Results of the shop's public queries, kept in Redis by the cache manager.

A result is what the database returned, before prices are picked and pages are made. The responses for every currency
and price list come from one result, members' included, which no response cache may hold.

A result has the tags of its route (app/caching.yaml) and lies in the same Redis pair as the route's responses: one
atomic purge takes both, so no new response is made from an old result. The result of a listing also has the tags of
what it lists.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from pydantic import TypeAdapter

from app.api.cache_manager import CacheManager, TagsOfValue
from app.caching_policy import Entity, Policy
from app.database.queries import Database, categories, inventory, products, reviews
from app.database.queries.categories import Category
from app.database.queries.inventory import Stock
from app.database.queries.narrowing import Narrowing
from app.database.queries.paging import Cursor, Page
from app.database.queries.products import Card, Facets, Found, Sort, Suggestion
from app.database.queries.reviews import Rating, Review, ReviewSort

_CARDS: Final = TypeAdapter(tuple[Card, ...])
_FACETS: Final = TypeAdapter(Facets)
_FOUND: Final = TypeAdapter(Found)
_SUGGESTIONS: Final = TypeAdapter(tuple[Suggestion, ...])
_CATEGORIES: Final = TypeAdapter(tuple[Category, ...])
_REVIEWS: Final = TypeAdapter(tuple[Review, ...])
_RATING: Final = TypeAdapter(Rating)
_STOCK: Final = TypeAdapter(Stock | None)

QUERIES: Final[tuple[Entity, ...]] = ("listing", "facets", "search", "suggestions", "categories", "reviews", "stock")
"""What is kept here, as the metric `api_entity_cache_events_total` calls it."""


class QueryCache:
    """The shop's public reads. On a miss each raises what the database raises."""

    def __init__(self, data: CacheManager, computed: CacheManager, database: Database, policy: Policy) -> None:
        self._data = data
        self._computed = computed
        self._database = database
        self._policy = policy

    async def listing(self, narrowing: Narrowing, *, sort: Sort, after: Cursor | None, limit: int) -> Page[Card]:
        """As `products.listing`."""

        async def load() -> dict[str, Any]:
            page = await products.listing(self._database, narrowing=narrowing, sort=sort, after=after, limit=limit)
            return _page(page)

        identifier = narrowing.category_id if narrowing.category_id is not None else "all"
        variant = f"{sort}.{limit}.{after.encode() if after is not None else 'first'}{_variant(narrowing)}"
        found = await self._get("/api/products", "listing", identifier, variant, load, shown=_shown(narrowing))
        return Page(_CARDS.validate_python(found["items"]), _cursor(found, products.cursor_kind(sort)))

    async def facets(self, narrowing: Narrowing) -> Facets:
        """As `products.facets`."""
        variant = f"{narrowing.tier}.{narrowing.currency}.{narrowing.key}"
        found = await self._get(
            "/api/facets", "facets", "all", variant, lambda: products.facets(self._database, narrowing)
        )
        return _FACETS.validate_python(found)

    async def search(self, narrowing: Narrowing, *, limit: int) -> Found:
        """As `products.search`."""
        found = await self._get(
            "/api/search",
            "search",
            quote(narrowing.text or "", safe=""),
            f"{limit}{_variant(replace(narrowing, text=None), category=True)}",
            lambda: products.search(self._database, narrowing, limit=limit),
            shown=_shown(narrowing),
        )
        return _FOUND.validate_python(found)

    async def suggest(self, typed: str, *, limit: int) -> tuple[Suggestion, ...]:
        """As `products.suggest`."""
        found = await self._get(
            "/api/search/suggestions",
            "suggestions",
            quote(typed, safe=""),
            str(limit),
            lambda: products.suggest(self._database, typed, limit=limit),
        )
        return _SUGGESTIONS.validate_python(found)

    async def categories(self) -> tuple[Category, ...]:
        """As `categories.all_categories`."""
        found = await self._get(
            "/api/categories", "categories", "all", "all", lambda: categories.all_categories(self._database)
        )
        return _CATEGORIES.validate_python(found)

    async def reviews(self, product_id: int, *, after: Cursor | None, limit: int) -> Page[Review]:
        """As `reviews.of_product`, newest first."""

        async def load() -> dict[str, Any]:
            return _page(await reviews.of_product(self._database, product_id, after=after, limit=limit))

        variant = f"{limit}.{after.encode() if after is not None else 'first'}"
        found = await self._get(f"/api/reviews/{product_id}", "reviews", product_id, variant, load)
        kind = reviews.cursor_kind(ReviewSort.NEWEST)
        return Page(_REVIEWS.validate_python(found["items"]), _cursor(found, kind))

    async def rating(self, product_id: int) -> Rating:
        """As `reviews.rating`."""
        found = await self._get(
            f"/api/reviews/{product_id}",
            "reviews",
            product_id,
            "rating",
            lambda: reviews.rating(self._database, product_id),
        )
        return _RATING.validate_python(found)

    async def stock(self, product_id: int) -> Stock | None:
        """A product's stock, as `inventory.stock`; None if no warehouse carries it. The checkout doesn't ask here."""

        async def load() -> Stock | None:
            return (await inventory.stock(self._database, [product_id])).get(product_id)

        found = await self._get(f"/api/products/{product_id}/inventory", "stock", product_id, "all", load)
        return _STOCK.validate_python(found)

    async def _get(
        self,
        path: str,
        query: Entity,
        identifier: object,
        variant: str,
        load: Callable[[], Awaitable[Any]],
        *,
        shown: Callable[[Any], list[str] | None] | None = None,
    ) -> Any:
        """The result of `query`, which answers `path`."""
        match = self._policy.match("GET", path)
        if match is None:
            raise AssertionError(f"app/caching.yaml has no route for {path}")
        # As the response cache chooses (responses/target.py): listings and searches are computed results.
        manager = self._computed if match.route.query else self._data
        lists = match.route.lists
        return await manager.get_or_else(
            manager.key(query, identifier, variant),
            self._policy.entities[query].ttl,
            load,
            tags=match.route.rendered_tags(match.parameters),
            of_value=TagsOfValue(lists.family, lambda found: lists.tags((shown or _ids)(found))) if lists else None,
        )


def _shown(narrowing: Narrowing) -> Callable[[Any], list[str] | None]:
    """The ids that a result lists; None if they change whenever any product is sold out or restocked."""
    return (lambda _: None) if narrowing.in_stock else _ids


def _variant(narrowing: Narrowing, *, category: bool = False) -> str:
    """The variant of a query; empty for what most visitors ask for."""
    plain = narrowing.only_category and not (category and narrowing.category_id is not None)
    return "" if plain else f".{narrowing.key}"


def _ids(found: Any) -> list[str]:
    """The ids of what a result lists: the items of a page, or a plain list."""
    return [str(item["id"]) for item in (found["items"] if isinstance(found, dict) else found)]


def _page(page: Page[Any]) -> dict[str, Any]:
    return {"items": page.items, "after": page.after.encode() if page.after is not None else None}


def _cursor(found: dict[str, Any], kind: Any) -> Cursor | None:
    return Cursor.decode(found["after"], kind) if found["after"] is not None else None
