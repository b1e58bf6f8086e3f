"""The index of a product's reviews by rating takes the id as well: a bestseller has thousands of five-star reviews.

Without it each page sorted all of them: the slowest query of make db-report. The name stays the specification's.
"""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_indexes(("CREATE INDEX idx_reviews_product_rating_id ON reviews (product_id, rating DESC, id DESC)",))
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_reviews_product_rating")
        op.execute("ALTER INDEX idx_reviews_product_rating_id RENAME TO idx_reviews_product_rating")
