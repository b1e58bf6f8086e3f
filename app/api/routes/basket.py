"""The cart, which is part of the session, and the checkout that turns it into an order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Path, Request, Response

from app.api import problems
from app.api.problems import Problem
from app.api.routes.parameters import Asker, ContextHere, PlainNumber, ShopHere, client_of
from app.api.routes.products import stock_changes
from app.api.routes.visits import renew_session, set_cookie
from app.api.routes.writing import WriteHere, scope_of
from app.api.sessions import Session
from app.api.views import LARGEST_ID, CartInput, CartLine, CartView, Checkout, OrderView, ProductCard, Quote
from app.api.writes import Written
from app.database.queries import Database, Transaction, inventory, orders, products, sessions
from app.database.queries.orders import (
    LARGEST_TOTAL,
    Customer,
    NotForSale,
    OutOfStock,
    TotalChanged,
    TotalTooLarge,
)
from app.database.queries.rows import JsonObject
from app.database.queries.sessions import Total

router = APIRouter(tags=["cart"])

QUOTE_TIME: Final = timedelta(minutes=15)
"""For how long a page may show a quote before it asks for another one."""


@router.get("/api/cart")
async def get_cart(shop: ShopHere, asker: Asker, prices: ContextHere, response: Response) -> CartView:
    """The cart at today's prices."""
    await renew_session(shop, asker, response)
    session = await shop.sessions.newest(shop.database, asker.session)
    return await _priced(shop.database, _quantities(_stored(session)), prices.currency, asker.tier)


@router.put("/api/cart", response_model=CartView, responses={429: {}})
async def set_cart(
    cart: CartInput,
    request: Request,
    shop: ShopHere,
    asker: Asker,
    prices: ContextHere,
    response: Response,
    write: WriteHere,
) -> Response:
    """Replace the whole cart. A visitor without a session gets a new one.

    A repetition with the same key changes nothing and returns the current cart.
    """
    quantities = {item.product_id: item.quantity for item in cart.items}
    stored: JsonObject = {str(key): value for key, value in quantities.items()}

    async def act(transaction: Transaction) -> Written:
        view = await _priced(transaction, quantities, prices.currency, asker.tier)
        told = Total(view.total, view.currency)
        if asker.session is None or ended:
            if not stored:
                # As it is without a session.
                return Written(200, view)
            await shop.visits.admit(client_of(request))
            # Not kept under a key: a repetition because the response was lost must get a session's cookie again.
            begun = await shop.sessions.begin(transaction, cart_data=stored, told=told)
            set_cookie(response, shop, begun, tier="free")
            return Written(200, view, session=begun)
        change = await shop.sessions.write(transaction, asker.session, {"cart_data": stored}, told=told)
        if change is None:
            raise SessionEnded
        return Written(200, view, session=change)

    async def again(transaction: Transaction) -> CartView:
        now = await sessions.lock_cart(transaction, asker.session.id) if asker.session is not None else None
        return await _priced(transaction, _quantities(now.data if now else {}), prices.currency, asker.tier)

    ended = False
    try:
        await renew_session(shop, asker, response)
        return await write(act, cart, again=again)
    except SessionEnded:
        ended = True
        return await write(act, cart, kept=False)


class SessionEnded(Exception):
    """The session has ended."""


@router.get("/api/checkout")
async def quote(shop: ShopHere, asker: Asker, prices: ContextHere, response: Response) -> Quote:
    """What an order of the cart costs now. `id` is the Idempotency-Key to order with."""
    await renew_session(shop, asker, response)
    session = await shop.sessions.newest(shop.database, asker.session)
    version = session.cart_version if session is not None else 0
    return await _quote(shop.database, _stored(session), version, prices.currency, asker.tier)


@router.get("/api/checkout/{key}", responses={404: {}})
async def placed_order(
    key: Annotated[str, Path(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")], shop: ShopHere, asker: Asker
) -> OrderView:
    """The order that the visitor placed with this Idempotency-Key. 404 if there is none."""
    found = await orders.placed_with(shop.database, scope=scope_of(asker), key=key)
    if found is None:
        raise problems.not_found("order that was placed with this key")
    return OrderView.of(found)


@router.get("/api/orders/{order_id}", responses={404: {}})
async def get_order(
    order_id: Annotated[int, Path(ge=1, le=LARGEST_ID), PlainNumber], shop: ShopHere, asker: Asker
) -> OrderView:
    """One order of the signed-in user, or of this visit."""
    found = await orders.get(shop.database, order_id, user_id=asker.user_id, scope=scope_of(asker))
    if found is None:
        raise problems.not_found(f"order {order_id} of yours")
    return OrderView.of(found)


@router.post(
    "/api/checkout", status_code=201, response_model=OrderView, responses={code: {} for code in (401, 409, 422)}
)
async def check_out(
    checkout: Checkout, shop: ShopHere, asker: Asker, prices: ContextHere, write: WriteHere
) -> Response:
    """Order the cart, or `items`, at current prices and from current stock, both read under locks.

    Nobody pays more than they saw. The order is refused with 409 if `total` and `currency` (without them: the response
    to the cart's last change) aren't what it costs, or if the cart isn't that of `cart_version` (without it: that of
    the request's arrival). `reason` says why, `quote` what the order would cost now.
    """
    session = await shop.sessions.newest(shop.database, asker.session)
    if session is None or (asker.user_id is None and checkout.email is None):
        raise problems.unauthorized(
            "Sign in (POST /api/session), or give an e-mail address to order your cart as a guest."
        )
    customer = Customer(
        user_id=asker.user_id,
        email=checkout.email if asker.user_id is None else None,
        scope=write.scope,
        key=write.key,
    )
    version = checkout.cart_version if checkout.cart_version is not None else session.cart_version
    shown = Total(checkout.total, checkout.currency) if checkout.total is not None and checkout.currency else None

    async def act(transaction: Transaction) -> Written:
        cart = await sessions.lock_cart(transaction, session.id)
        if cart is None:
            raise problems.unauthorized()
        if checkout.items is not None:
            quantities, expected = {item.product_id: item.quantity for item in checkout.items}, shown
        else:
            quantities, expected = _quantities(cart.data), shown or cart.told

        async def refused(reason: str, detail: str, **more: Any) -> Problem:
            stored: JsonObject = {str(key): value for key, value in quantities.items()}
            now = await _quote(transaction, stored, cart.version, prices.currency, asker.tier)
            return Problem(409, detail, reason=reason, quote=now.model_dump(mode="json"), **more)

        if not quantities:
            raise await refused("cart-empty", "The cart is empty: there is nothing to order.")
        if checkout.items is None and cart.version != version:
            raise await refused("cart-changed", "The cart has changed in the meantime: please check it again.")
        try:
            order = await orders.checkout(
                transaction,
                customer,
                quantities=quantities,
                currency=prices.currency,
                price_list=asker.tier,
                shipping_address=checkout.shipping_address.model_dump(),
                expected=expected,
            )
        except TotalTooLarge as error:
            raise Problem(422, f"An order can be at most {_money(LARGEST_TOTAL, prices.currency)}.") from error
        except TotalChanged as error:
            changed = await refused("total-changed", "")
            cost = changed.more["quote"]["total"]
            changed.detail = f"It costs {_money(cost, prices.currency)} now, not what you saw: please check it again."
            raise changed from error
        except OutOfStock as error:
            names = await _names(transaction, list(error.missing))
            missing = [
                {"product_id": product_id, "name": names.get(product_id, ""), "left": left}
                for product_id, left in error.missing.items()
            ]
            told = "; ".join(
                f"{line['name']}: {'only ' + str(line['left']) + ' left' if line['left'] else 'sold out'}"
                for line in missing
            )
            raise await refused("out-of-stock", f"Not enough in stock. {told}.", missing=missing) from error
        except NotForSale as error:
            names = await _names(transaction, error.product_ids)
            told = "; ".join(names.get(product_id) or f"item {product_id}" for product_id in error.product_ids)
            raise await refused(
                "not-for-sale", f"Not for sale in {prices.currency}: {told}.", not_for_sale=list(error.product_ids)
            ) from error
        left = await inventory.stock(transaction, list(quantities))
        counts = {key: (stock.quantity + quantities[key], stock.quantity) for key, stock in left.items()}
        changes = await stock_changes(transaction, counts)
        if checkout.items is not None:
            return Written(201, OrderView.of(order), changes)
        emptied = await shop.sessions.write(transaction, session, {"cart_data": {}})
        if emptied is None:
            raise RuntimeError("a session is gone within the transaction that has locked it")
        after = write.meaning(checkout, [{}, emptied.cart_version]) if checkout.cart_version is None else None
        return Written(201, OrderView.of(order), changes, session=emptied, repeat=after)

    # An order that names its cart by version means that cart; any other means the cart that is there.
    meant = (
        [session.cart_data, session.cart_version] if checkout.items is None and checkout.cart_version is None else None
    )
    return await write(act, checkout, also=meant)


async def _quote(database: Database, cart: JsonObject, version: int, currency: str, tier: str) -> Quote:
    priced = await _priced(database, _quantities(cart), currency, tier)
    return Quote(
        id=str(uuid4()),
        cart_version=version,
        items=priced.items,
        total=priced.total,
        currency=currency,
        expires_at=datetime.now(UTC) + QUOTE_TIME,
    )


async def _priced(database: Database, quantities: dict[int, int], currency: str, tier: str) -> CartView:
    """The cart at current prices. A product without a price in the currency adds nothing to the total."""
    found = {card.id: card for card in await products.get_many(database, list(quantities))} if quantities else {}
    lines: list[CartLine] = []
    for product_id, quantity in quantities.items():
        card = found.get(product_id)
        sold = card if card is not None and card.status == "active" else None
        shown = ProductCard.of(sold, currency, tier) if sold is not None else None
        lines.append(
            CartLine(
                product_id=product_id,
                quantity=quantity,
                unit_price=shown.price if shown is not None else None,
                left=sold.stock if sold is not None and sold.stock < quantity else None,
                product=shown,
            )
        )
    return CartView(items=lines, total=sum((line.unit_price or 0) * line.quantity for line in lines), currency=currency)


async def _names(database: Database, product_ids: Sequence[int]) -> dict[int, str]:
    return {card.id: card.name for card in await products.get_many(database, list(product_ids))}


def _money(amount: int, currency: str) -> str:
    """The amount as text. All currencies of the shop have hundredths."""
    return f"{amount // 100:,}.{amount % 100:02} {currency}"


def _stored(session: Session | None) -> JsonObject:
    return session.cart_data if session is not None else {}


def _quantities(stored: JsonObject) -> dict[int, int]:
    items: dict[str, Any] = dict(stored)
    return {int(product_id): int(quantity) for product_id, quantity in items.items()}
