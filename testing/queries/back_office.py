"""Queries of the back office, which no page of the shop makes. The specification asks for their indexes."""

from typing import Final

from app.database.queries.products import CARD, PAGE
from app.database.queries.statement import statement

statement("categories.by_slug", "SELECT id, name, department, description FROM categories WHERE slug = $1")
statement(
    "inventory.low",
    """
    SELECT product_id, warehouse, quantity FROM inventory
    WHERE quantity < least($1, 10) AND quantity < 10 ORDER BY quantity, product_id LIMIT $2
    """,
)
statement(
    "inventory.of_warehouse",
    """
    SELECT product_id, warehouse, quantity FROM inventory
    WHERE warehouse = $1 AND product_id > $2 ORDER BY product_id LIMIT $3
    """,
)
_ORDER: Final = "SELECT id, user_id, status, currency, total, shipping_address, created_at FROM orders"
# The partial index holds open orders only: the queue costs the same however many orders were ever delivered.
TO_FULFIL: Final = statement(
    "orders.to_fulfil", f"{_ORDER} WHERE status IN ('pending', 'processing') AND id > $1 ORDER BY id LIMIT $2"
)
statement("orders.set_status", "UPDATE orders SET status = $3 WHERE id = $1 AND status = $2 RETURNING id")
ORDERS_BY_DAY: Final = statement(
    "orders.by_day",
    """
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, currency, count(*) AS orders, sum(total) AS total
    FROM orders
    WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz AND status <> 'cancelled'
    GROUP BY day, currency ORDER BY day, currency
    """,
)
statement("products.get_by_slug", f"SELECT {PAGE} WHERE p.slug = $1 AND p.status <> 'draft'")
RANKED: Final = statement(
    "products.ranked",
    """
    SELECT id, slug, name, popularity, rank FROM (
        SELECT id, slug, name, popularity, rank() OVER (ORDER BY popularity DESC) AS rank
        FROM products WHERE status = 'active'
    ) ranked
    ORDER BY popularity DESC, id DESC LIMIT $1
    """,
)
statement("products.active_ids", "SELECT id FROM products WHERE status = 'active' AND id > $1 ORDER BY id LIMIT $2")
# EXISTS stops at a product's first such review, and the LIMIT at the last product needed.
PRAISED: Final = statement(
    "products.praised",
    f"""
    SELECT {CARD} FROM products p
    WHERE p.status = 'active' AND p.category_id = $1
      AND EXISTS (SELECT FROM reviews r WHERE r.product_id = p.id AND r.rating > $2)
    ORDER BY p.popularity DESC, p.id DESC LIMIT $3
    """,
)
statement(
    "products.by_status",
    f"SELECT {CARD} FROM products p WHERE p.category_id = $1 AND p.status = $2 ORDER BY p.id LIMIT $3",
)
# The newest orders only: what was bought together last year is no better advice, and a bestseller has thousands.
statement(
    "products.also_bought",
    f"""
    WITH recent AS (
        SELECT order_id FROM order_items WHERE product_id = $1 ORDER BY order_id DESC LIMIT 200
    ),
    together AS (
        SELECT o.product_id, count(*) AS times
        FROM recent JOIN order_items o USING (order_id)
        WHERE o.product_id <> $1
        GROUP BY o.product_id ORDER BY times DESC, o.product_id LIMIT $2
    )
    SELECT {CARD} FROM together t JOIN products p ON p.id = t.product_id
    WHERE p.status = 'active' ORDER BY t.times DESC, p.id
    """,
)
statement(
    "reviews.by_user",
    "SELECT id, product_id, rating, title, body FROM reviews WHERE user_id = $1 ORDER BY product_id LIMIT $2",
)
