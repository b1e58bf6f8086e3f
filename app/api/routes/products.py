"""One product. Reading it is public and cached; only administrators change it."""

from typing import Any, cast

import asyncpg
from fastapi import APIRouter, Request, Response

from app.api import problems
from app.api.routes.parameters import (
    Asker,
    ContextHere,
    ProductId,
    ShopHere,
    changed_meanwhile,
    describe,
    required_version,
)
from app.api.routes.writing import WriteHere
from app.api.views import LISTED_STOCK_AT_MOST, ProductChanges, ProductDetail, StockChange, StockView
from app.api.writes import ChangeEvent, Written
from app.database.queries import Transaction, inventory, products
from app.database.queries.products import Changes, Prices

router = APIRouter(tags=["products"])


@router.get("/api/products/{product_id}", responses={404: {}})
async def get_product(product_id: ProductId, shop: ShopHere, context: ContextHere) -> ProductDetail:
    """A product with its stock and its price for this visitor."""
    product = await shop.entities.product(product_id)
    if product is None:
        raise problems.not_found(f"product {product_id}")
    detail = ProductDetail.of_entity(product, context.currency, context.tier)
    describe(context, version=detail.updated_at, modified=shop.entities.changed_at(product))
    return detail


@router.get("/api/products/{product_id}/inventory", responses={404: {}})
async def get_inventory(product_id: ProductId, shop: ShopHere, context: ContextHere) -> StockView:
    """The number of pieces in stock. The checkout doesn't use this figure: it reads the stock itself."""
    found = await shop.queries.stock(product_id)
    if found is None:
        raise problems.not_found(f"stock of product {product_id}")
    describe(context, version=found.updated_at, modified=found.updated_at)
    return StockView(product_id=product_id, quantity=found.quantity)


@router.put(
    "/api/products/{product_id}", response_model=ProductDetail, responses={code: {} for code in (401, 403, 404, 412)}
)
async def update_product(
    product_id: ProductId,
    changes: ProductChanges,
    request: Request,
    asker: Asker,
    context: ContextHere,
    write: WriteHere,
) -> Response:
    """Change a product. With `If-Match` (the product's ETag) only if nobody has changed it since."""
    asker.require_admin()

    async def act(transaction: Transaction) -> Written:
        current = await products.get_any(transaction, product_id)
        if current is None:
            raise problems.not_found(f"product {product_id}")
        unchanged_since = required_version(request, current.updated_at)
        wanted = Changes(
            name=changes.name,
            description=changes.description,
            status=changes.status,
            prices=None if changes.prices is None else cast("Prices", changes.prices.model_dump(exclude_none=True)),
            category_id=changes.category_id,
        )
        try:
            changed = await products.update(transaction, product_id, wanted, unchanged_since=unchanged_since)
        except asyncpg.ForeignKeyViolationError as error:
            raise problems.not_found(f"category {changes.category_id}") from error
        if not changed:
            raise changed_meanwhile()
        updated = await products.get_any(transaction, product_id)
        if updated is None:
            raise RuntimeError(f"product {product_id} is gone within the transaction that changed it")
        body = ProductDetail.of_entity(_json(updated), context.currency, context.tier)
        return Written(200, body, [ChangeEvent("product.updated", {"product_id": str(product_id)})])

    return await write(act, changes)


@router.patch(
    "/api/products/{product_id}/inventory",
    response_model=StockView,
    responses={code: {} for code in (401, 403, 404, 412)},
)
async def update_inventory(
    product_id: ProductId,
    change: StockChange,
    request: Request,
    asker: Asker,
    write: WriteHere,
) -> Response:
    """Set a warehouse's count of a product. With `If-Match` (the stock's ETag) only if no count has changed since."""
    asker.require_admin()

    async def act(transaction: Transaction) -> Written:
        shelves = await inventory.lock(transaction, [product_id])
        if shelves:
            required_version(request, max(shelf.updated_at for shelf in shelves))
        if not await inventory.set_quantity(transaction, product_id, change.warehouse, change.quantity):
            raise problems.not_found(f"stock of product {product_id} in warehouse {change.warehouse!r}")
        after = (await inventory.stock(transaction, [product_id]))[product_id]
        body = StockView(product_id=product_id, quantity=after.quantity)
        before = sum(shelf.quantity for shelf in shelves)
        return Written(200, body, await stock_changes(transaction, {product_id: (before, after.quantity)}))

    return await write(act, change)


async def stock_changes(transaction: Transaction, counts: dict[int, tuple[int, int]]) -> list[ChangeEvent]:
    """The cache events of a change of stock, by product."""
    listed = [
        product_id
        for product_id, (before, after) in counts.items()
        if min(before, LISTED_STOCK_AT_MOST) != min(after, LISTED_STOCK_AT_MOST)
    ]
    cards = await products.get_many(transaction, listed) if listed else ()
    return [
        *(ChangeEvent("inventory.changed", {"product_id": str(product_id)}) for product_id in counts),
        *(
            ChangeEvent("availability.changed", {"product_id": str(card.id), "category_id": str(card.category_id)})
            for card in cards
        ),
    ]


def _json(product: products.Product) -> dict[str, Any]:
    return {name: getattr(product, name) for name in product.__dataclass_fields__}
