"""A key places one order, for ever: even when the key's response is no longer stored."""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create_indexes(
        ("CREATE UNIQUE INDEX idx_orders_placed ON orders (placed_by, placed_with) WHERE placed_with IS NOT NULL",)
    )
    # Reads the table without blocking anybody: every order so far has a user.
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_customer")
