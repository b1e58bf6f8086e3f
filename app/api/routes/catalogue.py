"""Listings, search and categories: public, cached."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from app.api.routes.narrowing import NarrowingHere
from app.api.routes.parameters import (
    PLAIN_TEXT_SCHEMA,
    ContextHere,
    CursorText,
    PlainNumber,
    PlainText,
    ShopHere,
    cursor,
    describe,
)
from app.api.views import (
    CategoryList,
    CategoryView,
    FacetsView,
    ProductCard,
    ProductPage,
    SearchView,
    SuggestionList,
    SuggestionView,
)
from app.database.queries import products
from app.database.queries.narrowing import Narrowing
from app.database.queries.products import Card, Sort

router = APIRouter(tags=["catalogue"])

Words = Annotated[
    str,
    Query(min_length=1, max_length=200, description="the words to search for", json_schema_extra=PLAIN_TEXT_SCHEMA),
    PlainText,
]


@router.get("/api/products")
async def list_products(
    shop: ShopHere,
    context: ContextHere,
    narrowing: NarrowingHere,
    sort: Sort = Sort.POPULARITY,
    limit: Annotated[int, Query(ge=1, le=1000), PlainNumber] = 20,
    cursor_text: Annotated[CursorText, Query(alias="cursor")] = None,
) -> ProductPage:
    """One page of the products on sale."""
    page = await shop.queries.listing(
        narrowing, sort=sort, after=cursor(cursor_text, products.cursor_kind(sort)), limit=limit
    )
    describe(
        context,
        modified=max((card.updated_at for card in page.items), default=None),
        lists=_listed(narrowing, page.items),
    )
    return ProductPage(
        items=[ProductCard.of(card, context.currency, context.tier) for card in page.items],
        next_cursor=page.after.encode() if page.after is not None else None,
    )


@router.get("/api/facets")
async def list_facets(shop: ShopHere, narrowing: NarrowingHere, q: Words | None = None) -> FacetsView:
    """For each filter of a listing, or with `q` of a search, the values that leave at least one product."""
    found = await shop.queries.facets(replace(narrowing, text=q))
    return FacetsView(**{name: getattr(found, name) for name in FacetsView.model_fields})


@router.get("/api/search")
async def search_products(
    shop: ShopHere,
    context: ContextHere,
    narrowing: NarrowingHere,
    q: Words,
    limit: Annotated[int, Query(ge=1, le=products.SEARCHED), PlainNumber] = 20,
) -> SearchView:
    """The products that match best. If none matches, products with similar names."""
    wanted = replace(narrowing, text=q)
    found = await shop.queries.search(wanted, limit=limit)
    describe(context, lists=_listed(wanted, found.items))
    return SearchView(
        items=[ProductCard.of(card, context.currency, context.tier) for card in found.items],
        total=found.total,
        similar=found.similar,
    )


def _listed(narrowing: Narrowing, cards: Sequence[Card]) -> Iterable[int] | None:
    """The tags of a listing. One of products in stock also changes when a product is sold out or back in stock."""
    return None if narrowing.in_stock else (card.id for card in cards)


@router.get("/api/search/suggestions")
async def suggest_products(
    shop: ShopHere, q: Words, limit: Annotated[int, Query(ge=1, le=20), PlainNumber] = 8
) -> SuggestionList:
    """Products with names similar to what the customer has typed so far."""
    found = await shop.queries.suggest(q, limit=limit)
    return SuggestionList(items=[SuggestionView(id=one.id, slug=one.slug, name=one.name) for one in found])


@router.get("/api/categories")
async def list_categories(shop: ShopHere, context: ContextHere) -> CategoryList:
    """All categories."""
    found = await shop.queries.categories()
    describe(context, modified=max((category.updated_at for category in found), default=None))
    names = CategoryView.model_fields
    return CategoryList(items=[CategoryView(**{name: getattr(one, name) for name in names}) for one in found])
