"""The words that products, reviews and people are made of; the categories' own are in `categories.csv`."""

import csv
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """A category and what can be bought in it. `cents` is the range of net prices, in euro cents."""

    department: str
    name: str
    things: tuple[str, ...]
    materials: tuple[str, ...]
    cents: tuple[int, int]

    @property
    def slug(self) -> str:
        """The category's name in addresses."""
        return slug(self.name)


def slug(text: str) -> str:
    """`text` as it stands in an address: lower case, words joined by single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "")).strip("-")


def _words(text: str, separator: str = ",") -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(separator))


def _categories() -> tuple[CategoryWords, ...]:
    text = (files("app.database.catalogue") / "categories.csv").read_text(encoding="utf-8")
    return tuple(
        CategoryWords(
            department=row["department"],
            name=row["name"],
            things=_words(row["things"], ";"),
            materials=_words(row["materials"], ";"),
            cents=(int(row["cents_from"]), int(row["cents_to"])),
        )
        for row in csv.DictReader(text.splitlines())
    )


CATEGORIES: Final = _categories()

TRAITS: Final = {
    "Electronics": _words("Wireless, Compact, Foldable, Quiet, Fast-Charging, Slim, Rugged, Dual-Mode, Low-Latency"),
    "Home": _words("Handmade, Minimal, Nordic, Vintage, Classic, Woven, Everyday, Stackable, Rounded"),
    "Kitchen": _words("Professional, Non-Stick, Heavy-Duty, Everyday, Compact, Dishwasher-Safe, Heritage, Precision"),
    "Clothing": _words(
        "Classic, Relaxed, Slim-Fit, Lightweight, Breathable, Oversized, Tailored, Everyday, Reversible"
    ),
    "Sports": _words("Lightweight, Ultralight, All-Weather, Training, Competition, Trail, Quick-Dry, Adjustable"),
    "Beauty": _words("Gentle, Hydrating, Fragrance-Free, Daily, Intensive, Refreshing, Soothing, Mineral, Overnight"),
    "Toys": _words("Creative, Classic, Magnetic, Wooden, Giant, Mini, Musical, Glow-in-the-Dark, Cooperative"),
    "Office": _words("Ergonomic, Refillable, Slim, Modular, Magnetic, Executive, Everyday, Recycled, Weekly"),
    "Garden": _words("Weatherproof, Solar, Telescopic, Compact, Heavy-Duty, Hanging, Self-Watering, Frost-Proof"),
    "Pets": _words("Washable, Orthopaedic, Adjustable, Reflective, Chew-Proof, Slow-Feeding, Soft, Interactive"),
}
"""Adjectives for the products of a department."""

BRANDS: Final = _words(
    "Aldermoor, Bergwerk, Calla & Finch, Dovetail, Elmsworth, Fjellby, Gilt Harbour, Hawthorne Row, Isenberg, "
    "Juniper Lane, Kestrel, Lumenhaus, Marlowe & Sons, Northvale, Ottersund, Pinecrest, Quillon, Riverbend, Solbakken, "
    "Thornfield, Umbra Vale, Vesterholm, Wrenfield, Yarrow, Zephyr Works, Ashgrove, Brightwater, Copperline, "
    "Driftmark, Everhollow"
)
COLOURS: Final = _words(
    "Black, White, Sand, Olive, Navy, Rust, Sage, Charcoal, Cream, Terracotta, Slate, Mustard, Blush, Forest, Sky, Plum"
)
BENEFITS: Final = (
    "Made for every day, not just for best.",
    "A quiet classic that goes with what you already have.",
    "Designed together with people who use it for a living.",
    "Simple, considered and a pleasure to use.",
    "No frills, and nothing missing.",
    "It does its job and stays out of the way.",
    "Easy to live with, and easy to look after.",
    "It feels right from the first day.",
    "The one you will reach for first.",
    "A present that nobody passes on.",
)
"""True of anything, and no promise that the shop would have to keep."""
PURPOSES: Final = (
    "for small flats and big plans",
    "for long days and short nights",
    "for beginners and old hands",
    "for a fresh start",
    "for home and away",
    "for every season",
    "for everyone in the house",
    "for busy weeks and slow weekends",
)
REVIEW_TITLES: Final = (
    ("Sent it back", "Not for me", "Broke in a week", "Disappointed"),
    ("Expected more", "Could be better", "So-so", "Weak points"),
    ("Does its job", "All right", "Fair for the price", "Mixed feelings"),
    ("Good buy", "Happy with it", "Well made", "Nearly perfect"),
    ("Excellent", "Best I have had", "Bought a second one", "Love it"),
)
REVIEW_BODIES: Final = (
    "It arrived quickly and well packed.",
    "The colour is a little darker than in the picture.",
    "After a month of daily use there is nothing to complain about.",
    "The finish feels better than the price suggests.",
    "It is smaller than I had imagined, so check the measurements.",
    "My whole family uses it now.",
    "The instructions could be clearer, but it took ten minutes anyway.",
    "I had another brand before; this one is quieter.",
    "Customer service answered within a day.",
    "It does exactly what it says.",
)
FIRST_NAMES: Final = _words(
    "Ada, Ben, Clara, David, Elena, Felix, Greta, Hugo, Ines, Jonas, Karla, Leon, Mira, Noah, Olga, Paul, Rosa, Samir, "
    "Tilda, Umar, Vera, Wanda, Yusuf, Zoe, Anton, Bea, Carlos, Dora, Emil, Frida"
)
LAST_NAMES: Final = _words(
    "Adler, Berger, Costa, Dubois, Eriksen, Fischer, Garcia, Hansen, Ivanov, Jansen, Keller, Lindqvist, Moreau, Novak, "
    "Olsen, Petrov, Quinn, Rossi, Schmidt, Tanaka, Usman, Vogel, Weber, Young, Zimmer, Almeida, Brandt, Conti, Diaz, "
    "Ekman"
)
COUNTRIES: Final = (("DE", 30), ("FR", 16), ("NL", 10), ("AT", 6), ("ES", 8), ("IT", 8), ("GB", 12), ("US", 10))
"""Where customers live, by percent."""
CITIES: Final = {
    "DE": "Hamburg",
    "FR": "Lyon",
    "NL": "Utrecht",
    "AT": "Graz",
    "ES": "Valencia",
    "IT": "Torino",
    "GB": "Leeds",
    "US": "Portland",
}
WAREHOUSES: Final = ("eu-central", "us-east")
