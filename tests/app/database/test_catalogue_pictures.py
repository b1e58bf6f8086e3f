"""A product's picture shows what its name says: that kind of thing, or a parcel, which says nothing of it."""

import numpy as np

from app.database.catalogue.pictures import BLURS, KINDS, NEUTRAL
from app.database.catalogue.products import make_products
from app.database.catalogue.size import Size
from app.database.catalogue.vocabulary import CATEGORIES, COLOURS

SHOWN_ALIKE = {
    "backpack": "a bag for the back or the frame of a bike",
    "basket": "a woven basket",
    "bedding": "folded bedding",
    "blanket": "a folded blanket with a fringe",
    "blocks": "cubes to build with",
    "boot": "a laced boot",
    "bowl": "two bowls",
    "box": "a closed box, as games come in",
    "camera": "a camera for the hand",
    "candle": "a candle in its holder",
    "carafe": "a glass vessel with a neck and a stopper",
    "cattree": "posts to scratch, with seats",
    "chair": "a chair with four legs",
    "charger": "a block with a plug",
    "cushion": "a square cushion",
    "device": "a small device with one display or button",
    "dispenser": "a bottle with a pump",
    "earbuds": "two buds and their case",
    "glass": "two glasses without a stem",
    "headphones": "cups on a band",
    "house": "a small house with a way in",
    "jacket": "a jacket with a zip",
    "jar": "a low jar with a lid",
    "keyboard": "keys in rows",
    "knife": "a kitchen knife",
    "lamp": "a lamp with a shade, to stand on a table",
    "lantern": "a light in a cage",
    "mouse": "what moves a pointer",
    "notebook": "a bound book and a pencil",
    "pan": "a pan with a long handle",
    "parka": "a jacket with a hood",
    "pencil": "three things to write with",
    "perfume": "a small bottle with a liquid",
    "plant": "a plant in what holds it",
    "plate": "plates",
    "pot": "a pot with a lid",
    "pouch": "a small bag with a strap",
    "roll": "something soft or flat, rolled up",
    "rope": "a coil without a plug",
    "screen": "a screen on a foot",
    "shelf": "boards with things on them",
    "shirt": "a top with short sleeves",
    "shoe": "a laced shoe with a flat sole",
    "shorts": "short trousers",
    "slipper": "a low shoe without laces",
    "speaker": "a speaker",
    "stool": "a seat without a back",
    "stringlights": "lights on a string",
    "sweater": "a top with long sleeves",
    "table": "a table",
    "teapot": "a pot with a spout",
    "tote": "a bag with handles",
    "tray": "compartments with small things",
    "trousers": "long trousers",
    "tube": "a tube",
    "vase": "a vase with flowers",
    "vest": "a top without sleeves",
    "watch": "something with a face, worn on the wrist",
}
"""What the drawing shows, of each kind that stands for more than one thing."""

WITHOUT_A_SHAPE = {
    *("Bike Light Set", "Brain Teaser", "Camera Strap", "Camping Stove", "Cat Cave", "Climbing Harness", "Dog Harness"),
    *("Hand Puppet", "Hedge Trimmer", "Kneeling Chair", "Knife Block", "Laptop Stand", "Marble Run", "Monitor Arm"),
    *("Neckband", "Pour-Over Set", "Puzzle Cube", "Quickdraw Set", "Spotlight", "Wall Hook", "Wall Light"),
    "Watch Strap",
}
"""Shown by the parcel, until somebody draws them."""


def test_every_seeded_product_is_shown_by_what_it_is_called() -> None:
    size = Size()
    products = make_products(size, np.random.default_rng(1))
    wrong: list[str] = []
    neutral: set[str] = set()
    for name, motif in zip(products.names, products.motifs, strict=True):
        words, colour = name.rsplit(", ", 1)
        thing = max((one for one in KINDS if words.endswith(f" {one}")), key=len)
        if motif != f"{KINDS[thing]}-{colour.lower()}" or motif not in BLURS:
            wrong.append(f"{name}: {motif}")
        if KINDS[thing] == NEUTRAL:
            neutral.add(thing)
    assert wrong == []
    assert neutral == WITHOUT_A_SHAPE, "these have no shape of their own"


def test_a_drawing_of_several_things_says_what_all_of_them_look_like() -> None:
    kinds = list(KINDS.values())
    assert {kind for kind in kinds if kinds.count(kind) > 1} - {NEUTRAL} == set(SHOWN_ALIKE)


def test_every_thing_has_a_drawing_in_every_colour() -> None:
    things = {thing for words in CATEGORIES for thing in words.things}
    assert set(KINDS) == things
    missing = {kind for kind in KINDS.values() for colour in COLOURS if f"{kind}-{colour.lower()}" not in BLURS}
    assert missing == set(), "draw them (app/storefront/src/images/shapes), then node tools/images.mjs"
