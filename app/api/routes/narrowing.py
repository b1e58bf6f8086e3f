"""The filters of listings and searches, as an address's query has them."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator

from app.api.routes.parameters import PLAIN_TEXT_SCHEMA, CategoryId, ContextHere, PlainNumber, PlainText
from app.database.queries.narrowing import LONGEST_BRAND, PRICE_BOUNDS, RATINGS, Narrowing


def _one_of(allowed: tuple[int, ...]) -> Callable[[int | None], int | None]:
    """Allow few values, since each makes an address of its own in every cache."""

    def check(value: int | None) -> int | None:
        if value is not None and value not in allowed:
            raise ValueError(f"must be one of {', '.join(map(str, allowed))}")
        return value

    return check


_PRICES = {"enum": list(PRICE_BOUNDS)}
PriceBound = Annotated[int | None, AfterValidator(_one_of(PRICE_BOUNDS)), PlainNumber]


def narrowing(
    context: ContextHere,
    category_id: CategoryId = None,
    brand: Annotated[
        str | None,
        Query(min_length=1, max_length=LONGEST_BRAND, json_schema_extra=PLAIN_TEXT_SCHEMA),
        PlainText,
    ] = None,
    price_from: Annotated[
        PriceBound, Query(description="lowest price, in minor units", json_schema_extra=_PRICES)
    ] = None,
    price_to: Annotated[
        PriceBound, Query(description="the price is below this, in minor units", json_schema_extra=_PRICES)
    ] = None,
    rating: Annotated[
        int | None,
        AfterValidator(_one_of(RATINGS)),
        PlainNumber,
        Query(description="lowest average rating", json_schema_extra={"enum": list(RATINGS)}),
    ] = None,
    in_stock: Annotated[Literal["true"] | None, Query(description="only products in stock")] = None,
) -> Narrowing:
    """The filters of the request, with the visitor's currency and price list."""
    return Narrowing(
        category_id=category_id,
        brand=brand,
        price_from=price_from,
        price_to=price_to,
        rating=rating,
        in_stock=in_stock is not None,
        tier=context.tier,
        currency=context.currency,
    )


NarrowingHere = Annotated[Narrowing, Depends(narrowing)]
