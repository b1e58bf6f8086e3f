"""The before/after report: every query without and with the indexes, every rewrite beside the form it replaced."""

from typing import Final

from app.database.catalogue import Size

SIZE: Final = Size(products=100_000, users=50_000, orders=1_000_000, reviews=300_000)
