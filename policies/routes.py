"""The shop's addresses that rules test."""

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
"""Routes whose responses are one visitor's."""

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
"""Paths whose responses are the same for everybody."""
