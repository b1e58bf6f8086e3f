"""The API request of a visit's step: method, target, headers, body."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from kpi.workload import Action


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Real ids by popularity rank, as the shop's own listings order them, and what signing in takes."""

    products: Sequence[int]
    categories: Sequence[int]
    cookies: Sequence[str] = ()
    warehouse: str = ""
    admin_token: str = field(default="", repr=False)

    def product(self, rank: int) -> int:
        return self.products[rank % len(self.products)]

    def category(self, rank: int) -> int:
        return self.categories[rank % len(self.categories)]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `needs_session` ones are sent with the visitor's cookie."""

    method: str
    target: str
    needs_session: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def request_of(action: Action, catalogue: Catalogue, number: int) -> Request:  # noqa: PLR0911 - one for each step
    """The request of a step; `number` makes written values differ."""
    product = catalogue.product(action.item)
    match action.step:
        case "product":
            return Request("GET", f"/api/products/{product}")
        case "listing":
            return Request("GET", f"/api/products?category_id={catalogue.category(action.item)}&{action.variant}")
        case "search":
            return Request("GET", f"/api/search?q={action.variant}")
        case "reviews":
            return Request("GET", f"/api/reviews/{product}")
        case "inventory":
            return Request("GET", f"/api/products/{product}/inventory")
        case "categories":
            return Request("GET", "/api/categories")
        case "profile":
            return Request("GET", "/api/session", needs_session=True)
        case "write_cart":
            items = {"items": [{"product_id": product, "quantity": 1 + number % 3}]}
            return _write("PUT", "/api/cart", items, needs_session=True)
        case "write_review":
            review = {"product_id": product, "rating": 1 + number % 5, "title": "Good", "body": f"Review {number}"}
            return _write("POST", "/api/reviews", review, needs_session=True)
        case "write_stock":
            stock = {"warehouse": catalogue.warehouse, "quantity": 1 + number % 500}
            authorization = ("Authorization", f"Bearer {catalogue.admin_token}")
            return _write("PATCH", f"/api/products/{product}/inventory", stock, extra=(authorization,))


def _write(
    method: str,
    target: str,
    document: object,
    *,
    needs_session: bool = False,
    extra: tuple[tuple[str, str], ...] = (),
) -> Request:
    headers = (("Content-Type", "application/json"), ("Idempotency-Key", str(uuid.uuid4())), *extra)
    return Request(method, target, needs_session, headers, json.dumps(document).encode())
