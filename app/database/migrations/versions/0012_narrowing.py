"""One index of all that a listing can be narrowed down to.

A B-tree for each combination of brand, prices, rating and category would be dozens, and every one a write. The words of
this one are intersected, whichever are asked for. It is on an expression and not on a column, since a stored column
would have the table rewritten while nobody can read it. It isn't partial, as the planner takes the statistics of an
expression from whole indexes only; it needs them to know what keeps much and what keeps little.
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
