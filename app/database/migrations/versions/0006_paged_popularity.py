"""The index of products by popularity takes the id as well: many products are as popular as each other.

Without it the page after a popular product read all of its equals to sort them: ten times as many pages as any other
listing, and the slowest query of make db-report. The name stays the specification's.
"""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_indexes(("CREATE INDEX idx_products_popularity_id ON products (popularity DESC, id DESC)",))
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_products_popularity")
        op.execute("ALTER INDEX idx_products_popularity_id RENAME TO idx_products_popularity")
