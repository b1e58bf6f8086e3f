"""The cart, which lives in the session, and the checkout that makes an order of it."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.api.identity import Identity
from app.api.problems import Problem
from app.api.routes.answers import answered
from app.api.routes.parameters import Asker, IdempotencyKey, PricesHere, ShopHere, writer_scope
from app.api.routes.products import stock_changes
from app.api.routes.visits import keep_alive, set_in_session
from app.api.sessions import Change as SessionChange
from app.api.sessions import Session
from app.api.shop import Shop
from app.api.views import CartInput, CartLine, CartView, Checkout, OrderView, ProductCard
from app.api.writes import Written, request_bytes
from app.database.queries import Transaction, inventory, orders, products
from app.database.queries.orders import NotForSale, OutOfStock
from app.database.queries.rows import JsonObject

router = APIRouter(tags=["cart"])


@router.get("/api/cart")
async def get_cart(shop: ShopHere, asker: Asker, prices: PricesHere, response: Response) -> CartView:
    """The cart with today's prices."""
    await keep_alive(shop, asker, response)
    quantities = _quantities(asker.session)
    return await _cart(shop, quantities, prices.currency, asker.tier)


@router.put("/api/cart")
async def set_cart(
    cart: CartInput,
    request: Request,
    shop: ShopHere,
    asker: Asker,
    prices: PricesHere,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CartView:
    """Set the whole cart."""
    quantities = {item.product_id: item.quantity for item in cart.items}
    view = await _cart(shop, quantities, prices.currency, asker.tier)
    stored: JsonObject = {str(key): value for key, value in quantities.items()}
    if idempotency_key is None or asker.session is None:
        # The first write of a visit, repeated because its answer was lost, must get a session's cookie again.
        await set_in_session(shop, asker, response, stored)
        return view
    await keep_alive(shop, asker, response)
    request_is = request_bytes("PUT", request.url.path, cart)
    try:
        return await _set_once(shop, asker, asker.session, view, stored, idempotency_key, request_is)
    except SessionEnded:
        await set_in_session(shop, asker, response, stored)
        return view


@router.post("/api/checkout", status_code=201, response_model=OrderView, responses={code: {} for code in (401, 409)})
async def check_out(
    checkout: Checkout,
    request: Request,
    shop: ShopHere,
    asker: Asker,
    prices: PricesHere,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Order what is in the cart, or `items`. Prices and stock are those of this moment, read under locks."""
    user_id = asker.require_signed_in()
    quantities = (
        _quantities(asker.session)
        if checkout.items is None
        else {item.product_id: item.quantity for item in checkout.items}
    )

    async def act(transaction: Transaction) -> Written:
        if not quantities:
            raise Problem(409, "The cart is empty: there is nothing to order.")
        try:
            order = await orders.checkout(
                transaction,
                user_id=user_id,
                quantities=quantities,
                currency=prices.currency,
                price_list=asker.tier,
                shipping_address=checkout.shipping_address.model_dump(),
            )
        except OutOfStock as error:
            missing = [{"product_id": product_id, "left": left} for product_id, left in error.missing.items()]
            raise Problem(409, "There is not enough left of some products.", missing=missing) from error
        except NotForSale as error:
            raise Problem(409, f"Products {list(error.product_ids)} are not for sale.") from error
        left = await inventory.stock(transaction, list(quantities))
        counts = {key: (stock.quantity + quantities[key], stock.quantity) for key, stock in left.items()}
        return Written(201, OrderView.of(order), await stock_changes(transaction, counts))

    answer = await shop.writer.write(
        act,
        scope=writer_scope(asker),
        key=idempotency_key,
        request=request_bytes("POST", request.url.path, checkout),
    )
    if answer.status == 201 and checkout.items is None and asker.session is not None:
        await shop.sessions.set(asker.session, {"cart_data": {}})
    return answered(answer)


class SessionEnded(Exception):
    """There is no such session any more."""


async def _set_once(
    shop: Shop, asker: Identity, session: Session, view: CartView, stored: JsonObject, key: str, request: bytes
) -> CartView:
    """Set the cart once for each key: a write that arrives again, late, doesn't undo those after it."""
    changes: list[SessionChange] = []

    async def act(transaction: Transaction) -> Written:
        change = await shop.sessions.write(transaction, session, {"cart_data": stored})
        if change is None:
            raise SessionEnded
        changes.append(change)
        return Written(200, view)

    answer = await shop.writer.write(act, scope=writer_scope(asker), key=key, request=request)
    for change in changes:
        await shop.sessions.publish(change)
    return CartView.model_validate_json(answer.body)


async def _cart(shop: Shop, quantities: dict[int, int], currency: str, tier: str) -> CartView:
    found = {card.id: card for card in await products.get_many(shop.database, list(quantities))} if quantities else {}
    lines: list[CartLine] = []
    for product_id, quantity in quantities.items():
        card = found.get(product_id)
        sold = ProductCard.of(card, currency, tier) if card is not None and card.status == "active" else None
        price = sold.price if sold is not None else 0
        lines.append(CartLine(product_id=product_id, quantity=quantity, unit_price=price, product=sold))
    return CartView(items=lines, total=sum(line.unit_price * line.quantity for line in lines), currency=currency)


def _quantities(session: Session | None) -> dict[int, int]:
    stored: dict[str, Any] = dict(session.cart_data) if session is not None else {}
    return {int(product_id): int(quantity) for product_id, quantity in stored.items()}
