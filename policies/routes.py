"""The shop's addresses that rules ask about."""

from typing import Final

PERSONAL: Final = (
    "/api/cart",
    "/api/checkout",
    "/api/orders",
    "/api/session",
    "/api/users",
    "/account",
    "/cart",
    "/checkout",
    "/dashboard",
    "/login",
    "/orders",
)
"""Answers that are one visitor's."""

PUBLIC: Final = (
    "/",
    "/products",
    "/products/1",
    "/categories/1",
    "/search",
    "/api/products",
    "/api/products/1",
    "/api/search",
)
"""Answers that are the same for everybody."""
