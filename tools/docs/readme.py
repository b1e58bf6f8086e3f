"""README.md as it is, with the figures that it prints as they are now."""

import re
from pathlib import Path

from rich.text import Text

from review.preview import tree
from stack.environments import ROOT
from stack.render import render
from tools.docs import measured

README: Path = ROOT / "README.md"
_PREVIEW = re.compile(r"(?<=\$ make preview ENV=prod \| head -1\n).*")


def page() -> str:
    """The page."""
    first = Text.from_markup(str(tree(render("prod")).label)).plain
    return measured.filled(_PREVIEW.sub(first, README.read_text()))
