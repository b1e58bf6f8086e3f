"""Where a product's picture is, and the blur that stands in for it while it loads."""

from typing import Final

import numpy as np

WIDTH: Final = 1200
HEIGHT: Final = 1200
PER_CATEGORY: Final = 8
"""Different pictures of a category; products share them."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
"""BlurHash's base 83."""
_HORIZONTAL, _VERTICAL = 4, 3


def picture_path(category_slug: str, number: int) -> str:
    """Address of a picture in the storefront; `number` from 1 to `PER_CATEGORY`."""
    return f"/images/products/{category_slug}-{number}.jpg"


def blurhash(random: np.random.Generator) -> str:
    """A valid BlurHash (4 by 3 components) of a soft, random gradient."""
    red, green, blue = (int(channel) for channel in random.integers(90, 236, 3))
    strongest = int(random.integers(8, 24))
    # Each colour component of a frequency is one of 19 steps, 9 being none: close to 9 means soft.
    frequencies = random.integers(6, 13, (_HORIZONTAL * _VERTICAL - 1, 3))
    return (
        _digits(_HORIZONTAL - 1 + (_VERTICAL - 1) * 9, 1)
        + _digits(strongest, 1)
        + _digits((red << 16) + (green << 8) + blue, 4)
        + "".join(_digits(int(r) * 361 + int(g) * 19 + int(b), 2) for r, g, b in frequencies)
    )


def _digits(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in range(length - 1, -1, -1))
