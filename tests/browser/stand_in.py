"""A shop's API that does as it is told, for what the real one can't be asked to do: lose answers, refuse, be away.

It serves the sample catalogue under the addresses and in the JSON of `app/api`, from memory, and keeps a journal of
the writes that it applied. An Idempotency-Key is honoured as the API does: applied once, and always answered the same.
"""

import base64
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.database.catalogue.size import Size
from app.database.catalogue.tables import make_tables
from app.database.queries.narrowing import PRICE_BOUNDS, RATINGS

PRODUCTS = 1_200
USER = {"id": 1, "name": "Demo Customer", "email": "demo@example.com", "country": "DE"}
SESSION = "sid=the-only-session"
PASSWORD = "simone-demo"
TOKEN = "t" * 43
"""Of every mail."""
CURRENCIES = {"US": "USD", "GB": "GBP"}
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "popularity": lambda product: (-product["popularity"], -product["id"]),
    "newest": lambda product: (-product["created"], -product["id"]),
    "price": lambda product: (product["prices"]["free"]["EUR"], product["id"]),
    "-price": lambda product: (-product["prices"]["free"]["EUR"], -product["id"]),
    "rating": lambda product: (-product["rating_average"], -product["id"]),
}


@dataclass(frozen=True)
class Catalogue:
    """The sample catalogue as JSON objects."""

    categories: list[dict[str, Any]]
    products: list[dict[str, Any]]
    reviews: dict[int, list[dict[str, Any]]]


@cache
def catalogue() -> Catalogue:
    """The first `PRODUCTS` products of a small shop, with their reviews."""
    size = Size(products=PRODUCTS, users=200, orders=100, reviews=4_000)
    tables = {table.name: table for table in make_tables(size)}

    def rows(name: str) -> list[dict[str, Any]]:
        table = tables[name]
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows(0, table.count)]

    categories = rows("categories")
    stock: dict[int, int] = {}
    for row in rows("inventory"):
        stock[row["product_id"]] = stock.get(row["product_id"], 0) + row["quantity"]
    products: list[dict[str, Any]] = []
    for row in rows("products"):
        if row["status"] != "active":
            continue
        category = categories[row["category_id"] - 1]
        products.append(
            {
                **row,
                "prices": json.loads(row["prices"]),
                "created": row["created_at"].timestamp(),
                "created_at": row["created_at"].isoformat(),
                "updated_at": row["updated_at"].isoformat(),
                "stock": stock.get(row["id"], 0),
                "category_slug": category["slug"],
                "category_name": category["name"],
                "department": category["department"],
            }
        )
    reviews: dict[int, list[dict[str, Any]]] = {}
    for number, row in enumerate(rows("reviews"), 1):
        review = {
            **row,
            "id": number,
            "author": "A. Customer",
            "verified": False,
            "created_at": row["created_at"].isoformat(),
        }
        review.pop("updated_at", None)
        reviews.setdefault(row["product_id"], []).append(review)
    return Catalogue(categories, products, reviews)


@dataclass
class Faults:
    """What goes wrong, for writes to the cart, reviews, profile and preferences."""

    lose_request: float = 0.0
    """Share of the requests whose connection breaks before anything is applied."""
    lose_answer: float = 0.0
    """Share of the requests that are applied, and whose answer never arrives."""
    refuse: float = 0.0
    """Share answered 503."""
    status: int | None = None
    """Answer every write with this status instead."""
    down: bool = False
    """Break every connection."""
    chance: random.Random = field(default_factory=lambda: random.Random(7))


@dataclass
class Applied:
    """One write that took effect."""

    key: str
    path: str
    body: Any
    at: float


@dataclass
class Reply:
    """What to answer; `version` becomes the ETag."""

    status: int
    body: Any
    version: int | None = None


class StandIn:
    """The server, its state and its faults."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.faults = Faults()
        self.journal: list[Applied] = []
        self.repeats = 0
        self.measurements: list[Any] = []
        self.requests: list[str] = []
        self.cart: list[dict[str, Any]] = []
        self.cart_version = 1
        self.prices: dict[int, int] = {}
        """In the cart, of products that have become dearer or cheaper since their pages were made."""
        self.preferences: dict[str, Any] = {}
        self.version = 1
        """Of the profile and the preferences, which are of one row."""
        self.signed_in = False
        self.user = USER
        """Who can sign in."""
        self.words: tuple[str, ...] = ()
        """Instead of what products, brands, categories and reviews are called, in turn."""
        self.tier = "free"
        self.password = PASSWORD
        self.pending: dict[str, Any] | None = None
        """Who has signed up and not confirmed it: the token is `TOKEN`."""
        self.addresses: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self._answers: dict[str, Reply] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve in the background."""
        catalogue()  # a page doesn't wait for it as long as a busy machine takes to make it up
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """As at the start."""
        with self._lock:
            self.faults = Faults()
            self.journal, self.repeats, self.measurements, self.requests = [], 0, [], []
            self.cart, self.preferences, self.version, self.signed_in, self.orders = [], {}, 1, False, []
            self.tier, self.user = "free", USER
            self.password, self.pending, self.addresses = PASSWORD, None, []
            self.cart_version, self.prices, self.words = 1, {}, ()
            self._answers = {}

    def write(self, key: str | None, path: str, body: Any, apply: Callable[[], "Reply"]) -> "Reply":
        """Apply a write once per key."""
        with self._lock:
            if key and key in self._answers:
                self.repeats += 1
                return self._answers[key]
            reply = apply()
            if reply.status < 300:
                self.journal.append(Applied(key or "", path, body, time.time()))
                if key:
                    self._answers[key] = reply
            return reply


class _Lost(Exception):
    """The connection breaks."""


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer_to("HEAD")

    def do_GET(self) -> None:
        self._answer_to("GET")

    def do_POST(self) -> None:
        self._answer_to("POST")

    def do_PUT(self) -> None:
        self._answer_to("PUT")

    def do_DELETE(self) -> None:
        self._answer_to("DELETE")

    def _answer_to(self, method: str) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length) if length else b""
        self.stand_in.requests.append(f"{method} {self.path}")
        self._cookies: list[str] = []
        try:
            if self.stand_in.faults.down:
                raise _Lost
            body = json.loads(raw) if raw else None
            if method in {"GET", "HEAD"}:
                reply = self._read(address.path, dict(parse_qsl(address.query)))
            else:
                reply = self._write(method, address.path, body)
        except _Lost:
            self.close_connection = True
            return
        text = b"" if method == "HEAD" or reply.status == 204 else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json")
        if reply.status != 204:
            self.send_header("content-length", str(len(text)))
        if reply.version is not None:
            self.send_header("etag", _tag(reply.version))
        priced = method in {"GET", "HEAD"} and address.path.startswith(("/api/products", "/api/search"))
        self.send_header("cache-control", "public, max-age=300" if priced and not self._is_member() else "no-store")
        for cookie in self._cookies:
            self.send_header("set-cookie", f"{cookie}; Path=/; HttpOnly; SameSite=Lax")
        self.end_headers()
        self.wfile.write(text)

    # --- reads

    def _read(self, path: str, query: dict[str, str]) -> Reply:  # noqa: PLR0911, PLR0912
        shop = self.stand_in
        match path.strip("/").split("/"):
            case ["health"]:
                return Reply(200, {"status": "ok"})
            case ["api", "categories"]:
                categories = [self._called(_json(category), "name") for category in catalogue().categories]
                return Reply(200, {"items": categories})
            case ["api", "products"]:
                return Reply(200, self._listing(query))
            case ["api", "products", number]:
                for product in catalogue().products:
                    if str(product["id"]) == number:
                        return Reply(200, self._product(product))
            case ["api", "reviews", number]:
                reviews = [
                    self._called(review, "title", "body", "author")
                    for review in catalogue().reviews.get(int(number), [])
                ]
                by_stars = [sum(review["rating"] == stars for review in reviews) for stars in range(1, 6)]
                return Reply(200, {"items": reviews[:10], "next_cursor": None, "by_stars": by_stars})
            case ["api", "facets"]:
                return Reply(200, self._facets(query))
            case ["api", "search"]:
                found, similar = self._search(query)
                items = [self._product(product) for product in found[: int(query.get("limit", "24"))]]
                return Reply(200, {"items": items, "total": len(found), "similar": similar})
            case ["api", "search", "suggestions"]:
                found = self._search(query)[0][:6]
                return Reply(200, {"items": [{name: one[name] for name in ("id", "slug", "name")} for one in found]})
            case ["api", "session"]:
                return Reply(200, {"user": self._user() if shop.signed_in else None})
            case ["api", "cart"]:
                return Reply(200, self._cart())
            case ["api", "checkout"]:
                return Reply(200, self._quote())
            case ["api", "checkout", key]:
                for order in shop.orders:
                    if order.get("key") == key:
                        return Reply(200, _shown(order))
            case ["api", "orders", number]:
                for order in shop.orders:
                    if str(order["id"]) == number:
                        return Reply(200, _shown(order))
            case ["api", "users", "1", *_] if not shop.signed_in:
                return Reply(401, {"detail": "Please sign in."})
            case ["api", "users", "1"]:
                return Reply(200, self._user(), shop.version)
            case ["api", "users", "1", "preferences"]:
                return Reply(200, {"preferences": shop.preferences}, shop.version)
            case ["api", "users", "1", "addresses"]:
                return Reply(200, {"items": shop.addresses})
            case ["api", "users", "1", "orders"]:
                return Reply(200, _page([_shown(order) for order in shop.orders], query, 20))
            case _:
                pass
        return Reply(404, {"detail": "There is no such thing."})

    def _product(self, product: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in product.items() if name not in {"prices", "created"}}
        tier = self.stand_in.tier if self._is_member() else "free"
        priced = {**shown, "price": product["prices"][tier][self._currency()], "currency": self._currency()}
        return self._called(priced, "name", "brand", "category_name", "description")

    def _currency(self) -> str:
        return CURRENCIES.get(self.headers.get("x-country") or "", "EUR")

    def _called(self, thing: dict[str, Any], *names: str) -> dict[str, Any]:
        words = self.stand_in.words
        return {**thing, **dict.fromkeys(names, words[thing["id"] % len(words)])} if words else thing

    def _is_member(self) -> bool:
        """Who asks with the session of a member; the mark alone proves nothing."""
        shop = self.stand_in
        return shop.signed_in and shop.tier != "free" and SESSION in (self.headers.get("cookie") or "")

    def _user(self) -> dict[str, Any]:
        return {**self.stand_in.user, "tier": self.stand_in.tier}

    def _listing(self, query: dict[str, str]) -> dict[str, Any]:
        products = [product for product in catalogue().products if self._matches(product, query)]
        page = _page(sorted(products, key=SORTS[query.get("sort", "popularity")]), query, 24)
        return {**page, "items": [self._product(product) for product in page["items"]]}

    def _matches(self, product: dict[str, Any], query: dict[str, str]) -> bool:
        price = self._product(product)["price"]
        return (
            query.get("category_id") in (None, str(product["category_id"]))
            and query.get("brand") in (None, product["brand"])
            and int(query.get("price_from", 0)) <= price < int(query.get("price_to", 10**9))
            and product["rating_average"] >= int(query.get("rating", 0))
            and (product["stock"] > 0 or "in_stock" not in query)
        )

    def _facets(self, query: dict[str, str]) -> dict[str, Any]:
        products = self._search({"q": query["q"]})[0] if "q" in query else catalogue().products

        def left(*without: str, **changes: str) -> list[dict[str, Any]]:
            asked = {name: value for name, value in query.items() if name not in without} | changes
            return [product for product in products if self._matches(product, asked)]

        return {
            "categories": sorted({product["category_id"] for product in left("category_id")}),
            "brands": sorted({product["brand"] for product in left("brand")}),
            "prices_from": [bound for bound in PRICE_BOUNDS if left("price_to", price_from=str(bound))],
            "prices_to": [bound for bound in PRICE_BOUNDS if left("price_from", price_to=str(bound))],
            "ratings": [rating for rating in RATINGS if left(rating=str(rating))],
            "in_stock": bool(left(in_stock="true")),
        }

    def _search(self, query: dict[str, str]) -> tuple[list[dict[str, Any]], bool]:
        """What has all of the words; else what has names that are like them."""
        wanted = query.get("q", "").lower().split()
        rest = [product for product in catalogue().products if self._matches(product, query)]
        found = [one for one in rest if all(word in one["name"].lower() for word in wanted)]
        alike = [one for one in rest if all(get_close_matches(word, one["name"].lower().split()) for word in wanted)]
        return sorted(found or alike, key=SORTS["popularity"]), not found

    def _cart(self) -> dict[str, Any]:
        lines = [self._line(line) for line in self.stand_in.cart]
        total = sum((line["unit_price"] or 0) * line["quantity"] for line in lines)
        return {"items": lines, "total": total, "currency": self._currency()}

    def _quote(self) -> dict[str, Any]:
        quote = {"id": str(uuid.uuid4()), "cart_version": self.stand_in.cart_version}
        return {**self._cart(), **quote, "expires_at": "2126-01-01T12:00:00+00:00"}

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        for product in catalogue().products:
            if product["id"] == line["product_id"]:
                shown = self._product(product)
                price = self.stand_in.prices.get(product["id"], shown["price"])
                left = product["stock"] if product["stock"] < line["quantity"] else None
                return {**line, "unit_price": price, "left": left, "product": {**shown, "price": price}}
        return {**line, "unit_price": None, "left": None, "product": None}

    # --- writes

    def _write(self, method: str, path: str, body: Any) -> Reply:
        shop, faults = self.stand_in, self.stand_in.faults
        if path == "/api/rum":
            shop.measurements.extend(body["events"])
            return Reply(204, None)
        if path == "/api/session":
            return self._session(method, body)
        if reply := self._account(method, path, body):
            return reply
        chance = faults.chance.random()
        if chance < faults.lose_request:
            raise _Lost
        if chance < faults.lose_request + faults.refuse:
            return Reply(503, {"detail": "Later, please."})
        if faults.status is not None:
            return Reply(faults.status, {"detail": "The cart was changed on another device."})
        reply = shop.write(self.headers.get("idempotency-key"), path, body, lambda: self._apply(path, body))
        if faults.chance.random() < faults.lose_answer:
            raise _Lost
        return reply

    def _session(self, method: str, body: Any) -> Reply:
        shop = self.stand_in
        if method == "DELETE":
            shop.signed_in, shop.cart = False, []
            self._cookies = ["sid=; Max-Age=0", "tier=; Max-Age=0"]
            return Reply(204, None)
        if (body["email"], body["password"]) != (shop.user["email"], shop.password):
            return Reply(401, {"detail": "Wrong e-mail address or password."})
        return self._enter()

    def _enter(self) -> Reply:
        shop = self.stand_in
        shop.signed_in = True
        self._cookies = [SESSION, *([f"tier={shop.tier}"] if shop.tier != "free" else [])]
        return Reply(201, {"user": self._user()})

    def _leave(self) -> Reply:
        self.stand_in.signed_in = False
        self._cookies = ["sid=; Max-Age=0", "tier=; Max-Age=0"]
        return Reply(204, None)

    def _account(self, method: str, path: str, body: Any) -> Reply | None:  # noqa: PLR0911
        """Signing up, passwords and addresses; None: this is none of them."""
        shop = self.stand_in
        match [method, *path.strip("/").split("/")]:
            case ["POST", "api", "sign-ups"]:
                shop.pending = body
                return Reply(202, {"email": body["email"]})
            case ["POST", "api", "users"]:
                if shop.pending is None or body["token"] != TOKEN:
                    return Reply(410, {"detail": "This link has been used or has expired."})
                if body["password"] != shop.pending["password"]:
                    return Reply(403, {"detail": "This isn't the password you chose."})
                shop.user = {**shop.user, "name": shop.pending["name"], "email": shop.pending["email"]}
                shop.password, shop.pending = shop.pending["password"], None
                return self._enter()
            case ["POST", "api", "password-resets"]:
                return Reply(202, {"email": body["email"]})
            case ["PUT", "api", "password"]:
                shop.password = body["new_password"]
                return self._leave()
            case ["PUT", "api", "users", "1", "password"]:
                if body["current_password"] != shop.password:
                    return Reply(403, {"detail": "That isn't the current password."})
                shop.password = body["new_password"]
                return Reply(200, {"user": self._user()})
            case ["DELETE", "api", "users", "1", "sessions"]:
                return self._leave()
            case ["POST", "api", "users", "1", "addresses"]:
                kept = {"id": len(shop.addresses) + 1, "address": body}
                shop.addresses.insert(0, kept)
                return Reply(201, kept)
            case ["DELETE", "api", "users", "1", "addresses", number]:
                shop.addresses = [one for one in shop.addresses if str(one["id"]) != number]
                return Reply(204, None)
            case _:
                return None

    def _apply(self, path: str, body: Any) -> Reply:  # noqa: PLR0911
        shop = self.stand_in
        if path == "/api/cart":
            shop.cart = body["items"]
            shop.cart_version += 1
            return Reply(200, self._cart())
        if path == "/api/checkout":
            return self._order(body)
        if not shop.signed_in:
            return Reply(401, {"detail": "Please sign in."})
        if path.startswith("/api/users/1"):
            if self.headers.get("if-match") not in (None, _tag(shop.version)):
                return Reply(412, {"detail": "It has changed since you read it."})
            shop.version += 1
            if path == "/api/users/1":
                shop.user = {**shop.user, **body}
                return Reply(200, self._user())  # without its version, as the API
            shop.preferences = body
            return Reply(200, {"preferences": body}, shop.version)
        return Reply(
            201, {**body, "id": 1, "author": "You", "verified": False, "created_at": "2026-01-01T12:00:00+00:00"}
        )

    def _order(self, body: Any) -> Reply:
        shop = self.stand_in
        if not shop.signed_in and not body.get("email"):
            return Reply(401, {"detail": "Please sign in."})
        cart = self._cart()
        if body.get("total", cart["total"]) != cart["total"]:
            changed = {"reason": "total-changed", "quote": self._quote()}
            return Reply(409, {"detail": "It costs something else now.", **changed})
        if any(line["left"] is not None for line in cart["items"]):
            return Reply(409, {"detail": "Not enough in stock.", "quote": self._quote()})
        order = {
            "id": len(shop.orders) + 1,
            "key": self.headers.get("idempotency-key"),
            "email": None if shop.signed_in else body["email"],
            "status": "pending",
            "total": cart["total"],
            "currency": cart["currency"],
            "shipping_address": body["shipping_address"],
            "created_at": "2026-01-01T12:00:00+00:00",
            "updated_at": "2026-01-01T12:00:00+00:00",
            "lines": [
                {**{name: line["product"][name] for name in ("name", "slug", "image")}, **line}
                for line in cart["items"]
            ],
        }
        shop.orders.insert(0, order)
        shop.cart = []
        shop.cart_version += 1
        return Reply(201, _shown(order))


def _shown(order: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in order.items() if name != "key"}


def _page(items: list[dict[str, Any]], query: dict[str, str], limit: int) -> dict[str, Any]:
    start = int(base64.b64decode(query["cursor"])) if "cursor" in query else 0
    end = start + int(query.get("limit", limit))
    following = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return {"items": items[start:end], "next_cursor": following}


def _tag(version: int) -> str:
    return f'"{version}.0-identity"'


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
