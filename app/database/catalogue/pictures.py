"""Which picture a product has, and the blur that stands in for it while it loads.

The storefront draws the pictures (`app/storefront/src/images`): kinds of things in the colours of the vocabulary, in
three variations. A product's picture is named by what it shows, such as `lamp-rust-2`, so that it fits its name.
`pictures.json` holds the BlurHash of each kind and colour; `node tools/images.mjs` in the storefront writes it.
"""

import csv
from importlib.resources import files
from typing import Final

import orjson

WIDTH: Final = 1200
HEIGHT: Final = 1200
VARIATIONS: Final = 3
NEUTRAL: Final = "parcel"
"""The kind of picture that says nothing of what is in it: for things that nobody has drawn yet."""

_HERE: Final = files("app.database.catalogue")
KINDS: Final[dict[str, str]] = {
    row["thing"]: row["picture"]
    for row in csv.DictReader((_HERE / "pictures.csv").read_text(encoding="utf-8").splitlines())
}
"""The kind of picture for each thing of the vocabulary."""
BLURS: Final[dict[str, str]] = orjson.loads((_HERE / "pictures.json").read_bytes())


def motif(thing: str, colour: str) -> str:
    """What a picture shows: the first two parts of its name, and the key of its blur."""
    return f"{KINDS[thing]}-{colour.lower()}"


def picture_name(shown: str, number: int) -> str:
    """The name of a picture of `shown`; neighbouring numbers are different variations."""
    return f"{shown}-{number % VARIATIONS + 1}"
