"""What listings and searches can be narrowed down to, as the query of an address says it."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator

from app.api.routes.parameters import PLAIN_TEXT_SCHEMA, CategoryId, ContextHere, PlainNumber, PlainText
from app.database.queries.narrowing import LONGEST_BRAND, PRICE_BOUNDS, RATINGS, Narrowing


def _one_of(allowed: tuple[int, ...]) -> Callable[[int | None], int | None]:
    """Few values, since each is an address of its own to every cache."""

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
        PriceBound, Query(description="costs at least that much, in minor units", json_schema_extra=_PRICES)
    ] = None,
    price_to: Annotated[
        PriceBound, Query(description="costs less than that, in minor units", json_schema_extra=_PRICES)
    ] = None,
    rating: Annotated[
        int | None,
        AfterValidator(_one_of(RATINGS)),
        PlainNumber,
        Query(description="rated that or better, on average", json_schema_extra={"enum": list(RATINGS)}),
    ] = None,
    in_stock: Annotated[Literal["true"] | None, Query(description="only what can be had now")] = None,
) -> Narrowing:
    """The listing that is asked for, at the visitor's own prices."""
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
