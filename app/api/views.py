"""The schemas of all JSON bodies, in requests and responses.

Money is in whole minor units (cents) of the currency beside it. Times are RFC 3339 in UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    model_validator,
)

from app.database.queries.orders import Order
from app.database.queries.products import Card
from app.database.queries.reviews import Review

LARGEST_ID: Final = 2**53 - 1
"""What every JSON reader keeps exactly (RFC 8259, section 6), JavaScript's among them."""
LISTED_STOCK_AT_MOST: Final = 10
"""A listing tells stock up to this many pieces: above it, a sale changes no listing, and so purges none."""


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain U+0000")
    return text


Text = Annotated[str, AfterValidator(_no_nul), Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166")]


def _whole(value: object) -> object:
    """Accept 2.0 as 2: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""Last of an integer's annotations: bounds before it also reach the OpenAPI document."""
Id = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID), Whole]


class View(BaseModel):
    """A response's body."""

    model_config = ConfigDict(frozen=True)


class Input(BaseModel):
    """A request's body. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldProblem(View):
    """A field that was refused."""

    field: str
    message: str


class ProblemView(View):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class ProductCard(View):
    """A product in a listing. `stock` is 10 for ten pieces or more.

    `price` is null if the product isn't sold in `currency`.
    """

    id: int
    slug: str
    name: str
    brand: str
    category_id: int
    price: int | None
    currency: str
    image: str
    image_width: int
    image_height: int
    image_blurhash: str
    popularity: int
    rating_average: float
    rating_count: int
    stock: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, card: Card, currency: str, tier: str) -> "ProductCard":
        """As customers of this price list and currency see it."""
        return cls(
            **{name: getattr(card, name) for name in cls.model_fields if name not in {"price", "currency", "stock"}},
            price=price_of(card.prices, currency, tier),
            currency=currency,
            stock=min(card.stock, LISTED_STOCK_AT_MOST),
        )


class ProductDetail(ProductCard):
    """A product on its own page, with its exact stock."""

    sku: str
    description: str
    status: str
    category_slug: str
    category_name: str
    department: str

    @classmethod
    def of_entity(cls, product: Mapping[str, Any], currency: str, tier: str) -> "ProductDetail":
        """From the entity cache's JSON."""
        price = price_of(product["prices"], currency, tier)
        return cls.model_validate({**product, "price": price, "currency": currency})


def price_of(prices: Mapping[str, Mapping[str, int]], currency: str, tier: str) -> int | None:
    """The product's price, or None if it isn't sold in this currency at this price list."""
    return prices.get(tier, {}).get(currency)


class ProductPage(View):
    """One page of a listing. `next_cursor` leads to the next page and is null on the last."""

    items: list[ProductCard]
    next_cursor: str | None


class SearchView(View):
    """Search results, best first, and their number. With `similar` nothing matches and these have similar names."""

    items: list[ProductCard]
    total: int
    similar: bool


class FacetsView(View):
    """For each filter, the values that leave at least one product, with all other filters as they are. Prices are the
    possible ends of a range, in minor units.
    """

    categories: list[int]
    brands: list[str]
    prices_from: list[int]
    prices_to: list[int]
    ratings: list[int]
    in_stock: bool


class SuggestionView(View):
    """A product suggested while the customer types."""

    id: int
    slug: str
    name: str


class SuggestionList(View):
    """Suggestions, best first."""

    items: list[SuggestionView]


class CategoryView(View):
    """A category."""

    id: int
    slug: str
    name: str
    department: str
    description: str
    position: int


class CategoryList(View):
    """All categories, in the shop's order."""

    items: list[CategoryView]


class StockView(View):
    """The number of pieces in all warehouses."""

    product_id: int
    quantity: int


class ReviewView(View):
    """A customer's review. `verified`: they bought the product here."""

    id: int
    product_id: int
    rating: int
    title: str
    body: str
    author: str
    verified: bool
    created_at: datetime

    @classmethod
    def of(cls, review: Review) -> "ReviewView":
        """A review as visitors see it, without the user's id."""
        return cls(**{name: getattr(review, name) for name in cls.model_fields})


class ReviewPage(View):
    """One page of a product's reviews, newest first. The first page has `by_stars`: how many of all reviews have one
    to five stars.
    """

    items: list[ReviewView]
    next_cursor: str | None
    by_stars: tuple[int, int, int, int, int] | None = None


Amount = Annotated[StrictInt, Field(ge=0, le=10**9), Whole]


class Amounts(Input):
    """A price in each currency, in minor units. The product isn't sold in a currency without a price."""

    EUR: Amount
    USD: Amount | None = None
    GBP: Amount | None = None


class PriceLists(Input):
    """The prices of each price list."""

    free: Amounts
    premium: Amounts


class ProductChanges(Input):
    """Changes of a product. Fields that are missing or null stay as they are."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[Text, Field(max_length=10_000)] | None = None
    status: Literal["draft", "active", "discontinued"] | None = None
    prices: PriceLists | None = None
    category_id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1), Whole] | None = None

    @model_validator(mode="after")
    def _something(self) -> "ProductChanges":
        if not self.model_fields_set:
            raise ValueError("give at least one of name, description, status, prices, category_id")
        return self


class StockChange(Input):
    """A warehouse's new count."""

    warehouse: Annotated[Text, Field(min_length=1, max_length=50)]
    quantity: Annotated[StrictInt, Field(ge=0, le=1_000_000), Whole]


class NewReview(Input):
    """The signed-in user's review of a product, one for each product."""

    product_id: Id
    rating: Annotated[StrictInt, Field(ge=1, le=5), Whole]
    title: Annotated[Text, Field(max_length=200)] = ""
    body: Annotated[Text, Field(max_length=10_000)] = ""


class UserView(View):
    """A user's profile."""

    id: int
    email: str
    name: str
    tier: str
    country: str
    created_at: datetime
    updated_at: datetime


class UserChanges(Input):
    """Changes of a user's profile. Fields that are missing or null stay as they are."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    country: Country | None = None

    @model_validator(mode="after")
    def _something(self) -> "UserChanges":
        if not self.model_fields_set:
            raise ValueError("give at least one of name, country")
        return self


class Credentials(Input):
    """An e-mail address and a password, for signing in."""

    email: Annotated[Text, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


NewPassword = Annotated[str, Field(min_length=8, max_length=200)]
"""At least eight characters: NIST SP 800-63B, section 5.1.1.2."""
Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s\u0000]+@[^@\s\u0000]+$")]


Mailbox = Annotated[
    str,
    Field(
        min_length=3,
        max_length=254,
        pattern=r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
        r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
    ),
]
"""An address that mail goes to, as browsers check it (HTML, "valid e-mail address")."""
Token = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$", description="the part of a mail's link behind its #")]


class NewAccount(Input):
    """A sign-up."""

    email: Mailbox
    password: NewPassword
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    country: Country


class Confirmation(Input):
    """The token from a sign-up's mail, with the password chosen at sign-up."""

    token: Token
    password: Annotated[str, Field(min_length=1, max_length=200)]


class EmailInput(Input):
    """The address of an account."""

    email: Mailbox


class MailOnItsWay(View):
    """The address that a mail goes to, if there is one to send."""

    email: str


class PasswordReset(Input):
    """A new password, with the token of a mail."""

    token: Token
    new_password: NewPassword


class Visitor(View):
    """The signed-in user."""

    id: int
    email: str
    name: str
    tier: str


class SessionView(View):
    """The visitor's session. `user` is null for a visitor who hasn't signed in."""

    user: Visitor | None


class PasswordChange(Input):
    """A new password, with the current one as proof."""

    current_password: Annotated[str, Field(min_length=1, max_length=200)]
    new_password: NewPassword


class CartLineInput(Input):
    """A product and its quantity."""

    product_id: Id
    quantity: Annotated[StrictInt, Field(ge=1, le=99), Whole]


def _reject_repeated_products(lines: list[CartLineInput]) -> list[CartLineInput]:
    ids = [line.product_id for line in lines]
    if len(set(ids)) != len(ids):
        raise ValueError("must name each product once")
    return lines


CartLines = Annotated[list[CartLineInput], AfterValidator(_reject_repeated_products)]


class CartInput(Input):
    """The whole cart. Quantities are absolute, so sending it twice changes nothing."""

    items: Annotated[CartLines, Field(max_length=100)]


class CartLine(View):
    """A line of the cart.

    `product` is null if the product is no longer sold, `unit_price` if it isn't sold in this currency: neither is part
    of the total. `left` is the number of pieces in stock, if that is less than the quantity.
    """

    product_id: int
    quantity: int
    unit_price: int | None
    left: int | None
    product: ProductCard | None


class CartView(View):
    """The cart at current prices."""

    items: list[CartLine]
    total: int
    currency: str


class Quote(CartView):
    """What an order of the cart costs now. Send `total`, `currency` and `cart_version` with the order.

    `id` is the order's Idempotency-Key.
    """

    id: str
    cart_version: int
    expires_at: datetime


PreferenceValue = (
    bool | Annotated[StrictInt, Field(ge=-(2**53), le=2**53), Whole] | Annotated[Text, Field(max_length=200)] | None
)
PreferenceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Preferences = Annotated[
    dict[PreferenceName, PreferenceValue], Field(max_length=50, json_schema_extra={"additionalProperties": False})
]


class PreferencesView(View):
    """A user's preferences."""

    preferences: dict[str, Any]


class Address(Input):
    """The address that an order goes to."""

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    street: Annotated[Text, Field(min_length=1, max_length=200)]
    postcode: Annotated[Text, Field(min_length=1, max_length=20)]
    city: Annotated[Text, Field(min_length=1, max_length=100)]
    country: Country


class KeptAddress(View):
    """An address that a customer keeps."""

    id: int
    address: Address


class KeptAddressList(View):
    """A customer's addresses, latest first."""

    items: list[KeptAddress]


class Payment(Input):
    """The payment. This shop takes test payments only."""

    method: Literal["test"]


class Checkout(Input):
    """An order of the cart, or of `items`. `total` and `currency` are what the customer saw.

    A guest gives an e-mail address.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {
                    "required": ["total", "currency"],
                    "properties": {"total": {"type": "integer"}, "currency": {"type": "string"}},
                },
                {"properties": {"total": {"type": "null"}, "currency": {"type": "null"}}},
            ]
        }
    )

    shipping_address: Address
    payment: Payment = Payment(method="test")
    items: Annotated[CartLines, Field(min_length=1, max_length=100)] | None = None
    total: Annotated[StrictInt, Field(ge=0, le=LARGEST_ID), Whole] | None = None
    currency: Literal["EUR", "USD", "GBP"] | None = None
    cart_version: Annotated[StrictInt, Field(ge=0, le=LARGEST_ID), Whole] | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _total_in_a_currency(self) -> "Checkout":
        if (self.total is None) != (self.currency is None):
            raise ValueError("give total and currency, or neither")
        return self


class OrderLineView(View):
    """A line of an order, at the price of the order."""

    product_id: int
    name: str
    slug: str
    image: str
    quantity: int
    unit_price: int


class OrderView(View):
    """An order. `email` is a guest's."""

    id: int
    email: str | None
    status: str
    currency: str
    total: int
    shipping_address: dict[str, Any]
    lines: list[OrderLineView]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        """From the database's row."""
        lines = [
            OrderLineView(**{name: getattr(line, name) for name in OrderLineView.model_fields}) for line in order.lines
        ]
        fields = {name: getattr(order, name) for name in cls.model_fields if name != "lines"}
        return cls(**fields, lines=lines)


class OrderPage(View):
    """One page of a user's orders, newest first."""

    items: list[OrderView]
    next_cursor: str | None


class Measurement(Input):
    """A browser's measurement: milliseconds, or a plain number if the name has no unit."""

    name: Annotated[str, Field(max_length=40)]
    value: Annotated[StrictFloat, Field(ge=0, le=10**7, allow_inf_nan=False)]
    page: Annotated[str, Field(max_length=40)] = ""
    timestamp: Annotated[StrictFloat, Field(ge=0, le=10**14, allow_inf_nan=False)] = 0


class Measurements(Input):
    """Several measurements."""

    events: Annotated[list[Measurement], Field(max_length=100)]


class Status(View):
    """The status of the process, or of what it needs."""

    status: Literal["ok", "starting", "unavailable"]
    checks: dict[str, str] = {}
