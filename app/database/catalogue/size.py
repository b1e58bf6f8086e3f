"""How much of everything."""

from dataclasses import dataclass
from typing import Final

from app.database.catalogue.vocabulary import CATEGORIES


@dataclass(frozen=True, kw_only=True)
class Size:
    """Rows by kind, and the seed of the pseudo-random choices. Inventory and order lines follow from these."""

    products: int = 10_000
    categories: int = 60
    users: int = 20_000
    orders: int = 100_000
    reviews: int = 60_000
    seed: int = 20_260_101

    def __post_init__(self) -> None:
        for name, least, most in (
            ("products", 1, 10_000_000),
            ("categories", 1, len(CATEGORIES)),
            ("users", 1, 10_000_000),
            ("orders", 0, 100_000_000),
            # A user reviews a product once at most; with more than half of all pairs taken, drawing free ones would be
            # slow.
            ("reviews", 0, self.products * self.users // 2),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"catalogue size: {name} is {value}; allowed is {least} to {most}")


DEFAULT: Final = Size()
