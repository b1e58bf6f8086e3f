"""The indexes that the shop's queries use: the seven that the specification names, and those found by measuring."""

from app.database.migrations.concurrently import create_indexes

revision = "0002"
down_revision = "0001"

SPECIFIED = (
    "CREATE INDEX idx_products_category_status ON products (category_id, status)",
    "CREATE INDEX idx_products_popularity ON products (popularity DESC)",
    "CREATE INDEX idx_orders_user_date ON orders (user_id, created_at DESC)",
    "CREATE INDEX idx_inventory_product ON inventory (product_id)",
    "CREATE INDEX idx_reviews_product_rating ON reviews (product_id, rating DESC)",
    "CREATE INDEX idx_products_active ON products (id) WHERE status = 'active'",
    "CREATE INDEX idx_orders_pending ON orders (id) WHERE status IN ('pending', 'processing')",
)

# Keyset paging needs the sort column and then id, in the listing's own order; only active products are ever listed.
LISTINGS = (
    (
        "CREATE INDEX idx_products_category_popular ON products (category_id, popularity DESC, id DESC)"
        " WHERE status = 'active'"
    ),
    (
        "CREATE INDEX idx_products_category_newest ON products (category_id, created_at DESC, id DESC)"
        " WHERE status = 'active'"
    ),
    "CREATE INDEX idx_products_category_price ON products (category_id, price_eur, id) WHERE status = 'active'",
    (
        "CREATE INDEX idx_products_category_rating ON products (category_id, rating_average DESC, id DESC)"
        " WHERE status = 'active'"
    ),
    "CREATE INDEX idx_products_newest ON products (created_at DESC, id DESC) WHERE status = 'active'",
    "CREATE INDEX idx_products_price ON products (price_eur, id) WHERE status = 'active'",
    "CREATE INDEX idx_products_rating ON products (rating_average DESC, id DESC) WHERE status = 'active'",
)

# Entries of changed rows wait in a short pending list: put in one by one, a row's fifty words and trigrams made the
# update of a rating write 46 kB of log (make db-report), as every version of a product's row is a new one to them.
SEARCH = (
    "CREATE INDEX idx_products_search ON products USING gin (search) WITH (gin_pending_list_limit = 512)",
    (
        "CREATE INDEX idx_products_name_trigrams ON products USING gin (name gin_trgm_ops)"
        " WITH (gin_pending_list_limit = 512)"
    ),
)

OTHERS = (
    "CREATE INDEX idx_inventory_low ON inventory (quantity, product_id) WHERE quantity < 10",
    "CREATE UNIQUE INDEX idx_users_email ON users (lower(email))",
    # Orders arrive in order of time, so a block-range index finds a day at a thousandth of a B-tree's size.
    "CREATE INDEX idx_orders_created ON orders USING brin (created_at) WITH (pages_per_range = 8)",
    "CREATE INDEX idx_order_items_product ON order_items (product_id, order_id DESC)",
    "CREATE INDEX idx_reviews_product_newest ON reviews (product_id, created_at DESC, id DESC)",
    "CREATE INDEX idx_sessions_expiry ON sessions (expires_at)",
    "CREATE INDEX idx_sessions_user ON sessions (user_id) WHERE user_id IS NOT NULL",
    "CREATE INDEX idx_idempotency_expiry ON idempotency_keys (expires_at)",
    "CREATE INDEX idx_outbox_pending ON invalidation_outbox (id) WHERE completed_at IS NULL",
    "CREATE INDEX idx_outbox_completed ON invalidation_outbox (completed_at) WHERE completed_at IS NOT NULL",
)


def upgrade() -> None:
    create_indexes((*SPECIFIED, *LISTINGS, *SEARCH, *OTHERS))
