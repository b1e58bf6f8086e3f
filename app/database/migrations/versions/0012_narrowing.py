"""One index for all filters of a listing.

B-trees for all combinations of brand, prices, rating and category would be dozens, each with its own writes. Postgres
intersects this index's words for any combination. It is on an expression, because a stored column would rewrite the
table under an exclusive lock. It isn't partial, because the planner takes an expression's statistics from whole
indexes only, and needs them to tell selective filters from others.
"""

from app.database.migrations.concurrently import create_indexes

revision = "0012"
down_revision = "0011"

_BOUNDS = "1000, 2500, 5000, 10000, 25000, 50000"
_PRICES = tuple((tier, currency) for tier in ("free", "premium") for currency in ("EUR", "USD", "GBP"))


def _words(tier: str, currency: str) -> str:
    cents = f"(prices -> '{tier}' ->> '{currency}')::integer"
    return f"'{tier}.{currency}:' || width_bucket({cents}, ARRAY[{_BOUNDS}])::text"


WORDS = f"""array_to_tsvector(array_remove(ARRAY[
    'category:' || category_id::text, 'brand:' || left(brand, 100),
    'rating:' || floor(rating_average)::integer::text, {", ".join(_words(*price) for price in _PRICES)}
], NULL))"""


def upgrade() -> None:
    create_indexes(
        (f"CREATE INDEX idx_products_narrowing ON products USING gin (({WORDS})) WITH (gin_pending_list_limit = 512)",)
    )
