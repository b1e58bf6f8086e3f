"""Carts have a version and the total that was shown; orders have guests and the key they were placed with.

A key stores the digest that its request has afterwards, since a checkout empties the cart in it.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

COLUMNS = (
    # cart_version grows with each change of the cart; cart_total and cart_currency are what its response showed.
    """
    ALTER TABLE sessions
        ADD COLUMN IF NOT EXISTS cart_version bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS cart_total bigint, ADD COLUMN IF NOT EXISTS cart_currency char(3)
    """,
    "ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS repeat_digest bytea",
    # A guest's order has an e-mail address instead of a user. placed_by and placed_with: whose Idempotency-Key, and it.
    """
    ALTER TABLE orders
        ALTER user_id DROP NOT NULL, ADD COLUMN IF NOT EXISTS email text CHECK (email LIKE '_%@_%'),
        ADD COLUMN IF NOT EXISTS placed_by text, ADD COLUMN IF NOT EXISTS placed_with text,
        DROP CONSTRAINT IF EXISTS orders_customer,
        ADD CONSTRAINT orders_customer CHECK (user_id IS NOT NULL OR email IS NOT NULL) NOT VALID
    """,
    "ALTER TABLE reviews ADD COLUMN IF NOT EXISTS verified boolean NOT NULL DEFAULT false",
)


def upgrade() -> None:
    for statement in COLUMNS:
        op.execute(statement)
