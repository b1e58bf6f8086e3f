"""docs/pictures/settings.svg: which settings are judged together, from the relations that the program checks."""

from collections.abc import Sequence
from typing import Final

from components.settings.relations import RELATIONS, Relation
from tools.docs.drawing import HEADER, MARGIN, Accent, Drawing

_ROW: Final = 30
_SECTION: Final = 98
_TEXT: Final = 610
_ACCENTS: Final[dict[str, Accent]] = {"secrets": "fault", "edge": "outside", "redis": "store", "postgres": "store"}


def picture() -> str:
    """A row for each relation: the settings, and a dot in the column of each section that they are in."""
    sections = list(dict.fromkeys(_section(path) for relation in RELATIONS for path in relation.between))
    place = {name: MARGIN + _TEXT + _SECTION / 2 + number * _SECTION for number, name in enumerate(sections)}
    top = HEADER + 16
    drawing = Drawing(
        "Settings that must fit each other: a deployment checks each row before it declares anything",
        MARGIN * 2 + _TEXT + len(sections) * _SECTION,
        top + 20 + len(RELATIONS) * _ROW + MARGIN,
        about="; ".join(_named(relation) for relation in RELATIONS),
    )
    for name, x in place.items():
        drawing.text(x, top, name, "strong", "middle")
    for number, relation in enumerate(RELATIONS):
        y = top + 30 + number * _ROW
        drawing.text(MARGIN, y + 4, _named(relation), "code")
        dots = sorted({place[_section(path)] for path in relation.between})
        drawing.line(dots[0], y, dots[-1], y)
        for name in sorted({_section(path) for path in relation.between}):
            drawing.dot(place[name], y, _ACCENTS.get(name, "service"))
    return drawing.svg()


def _section(path: str) -> str:
    return path.partition(".")[0]


def _named(relation: Relation) -> str:
    """Its settings; what several have in common is written once: `secrets.edge.client_certificate, .client_key`."""
    named: list[str] = []
    before: Sequence[str] = ()
    for path in relation.between:
        parent, _, name = path.rpartition(".")
        named.append(f".{name}" if parent and parent.split(".") == before else path)
        before = parent.split(".")
    return ", ".join(named)
