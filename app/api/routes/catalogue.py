"""Listings, search and categories: public, cached."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.routes.parameters import (
    PLAIN_TEXT_SCHEMA,
    CategoryId,
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
    ProductCard,
    ProductList,
    ProductPage,
    SuggestionList,
    SuggestionView,
)
from app.database.queries import products
from app.database.queries.products import Sort

router = APIRouter(tags=["catalogue"])

Words = Annotated[
    str,
    Query(min_length=1, max_length=200, description="what the customer typed", json_schema_extra=PLAIN_TEXT_SCHEMA),
    PlainText,
]


@router.get("/api/products")
async def list_products(
    shop: ShopHere,
    context: ContextHere,
    category_id: CategoryId = None,
    sort: Sort = Sort.POPULARITY,
    limit: Annotated[int, Query(ge=1, le=1000), PlainNumber] = 20,
    cursor_text: Annotated[CursorText, Query(alias="cursor")] = None,
) -> ProductPage:
    """One page of the products on sale."""
    page = await shop.queries.listing(
        category_id=category_id,
        sort=sort,
        after=cursor(cursor_text, products.cursor_kind(sort)),
        limit=limit,
    )
    describe(
        context,
        modified=max((card.updated_at for card in page.items), default=None),
        lists=(card.id for card in page.items),
    )
    return ProductPage(
        items=[ProductCard.of(card, context.currency, context.tier) for card in page.items],
        next_cursor=page.after.encode() if page.after is not None else None,
    )


@router.get("/api/search")
async def search_products(
    shop: ShopHere,
    context: ContextHere,
    q: Words,
    category_id: CategoryId = None,
    limit: Annotated[int, Query(ge=1, le=100), PlainNumber] = 20,
) -> ProductList:
    """The products that match best, of one category or all."""
    # The best matches of a category are picked from the best of all.
    found = await shop.queries.search(q, limit=limit if category_id is None else products.SEARCHED)
    wanted = [card for card in found if category_id is None or card.category_id == category_id][:limit]
    describe(context, lists=(card.id for card in wanted))
    return ProductList(items=[ProductCard.of(card, context.currency, context.tier) for card in wanted])


@router.get("/api/search/suggestions")
async def suggest_products(
    shop: ShopHere, q: Words, limit: Annotated[int, Query(ge=1, le=20), PlainNumber] = 8
) -> SuggestionList:
    """Products whose name is like what has been typed so far."""
    found = await shop.queries.suggest(q, limit=limit)
    return SuggestionList(items=[SuggestionView(id=one.id, slug=one.slug, name=one.name) for one in found])


@router.get("/api/categories")
async def list_categories(shop: ShopHere, context: ContextHere) -> CategoryList:
    """All categories."""
    found = await shop.queries.categories()
    describe(context, modified=max((category.updated_at for category in found), default=None))
    names = CategoryView.model_fields
    return CategoryList(items=[CategoryView(**{name: getattr(one, name) for name in names}) for one in found])
