"""A picture of docs/ as SVG: boxes, arrows and texts in colours that follow the reader's light or dark theme."""

from html import escape
from typing import Final, Literal

Accent = Literal["outside", "service", "store", "job", "fault"]
Style = Literal["title", "strong", "text", "muted", "code"]
Anchor = Literal["start", "middle", "end"]

MARGIN: Final = 32
HEADER: Final = 64
"""From the top to where a picture's own contents begin."""

_LIGHT: Final = {
    "page": "#f8fafc",
    "box": "#ffffff",
    "text": "#0f172a",
    "muted": "#475569",
    "line": "#94a3b8",
    "outside": "#047857",
    "service": "#1d4ed8",
    "store": "#c2410c",
    "job": "#475569",
    "fault": "#b91c1c",
}
_DARK: Final = {
    "page": "#111827",
    "box": "#1f2937",
    "text": "#f3f4f6",
    "muted": "#a3aebd",
    "line": "#64748b",
    "outside": "#6ee7b7",
    "service": "#93c5fd",
    "store": "#fdba74",
    "job": "#cbd5e1",
    "fault": "#fca5a5",
}


class Drawing:
    """Add shapes in the order in which they are painted, then take `svg()`."""

    def __init__(self, title: str, width: float, height: float, *, about: str) -> None:
        """`about` says the same in words, for readers who don't see the picture."""
        self.width, self._height = width, height
        self._shapes = [f"<title>{escape(title)}</title>", f"<desc>{escape(about)}</desc>"]
        self._shapes.append('<rect width="100%" height="100%" rx="12" fill="var(--page)"/>')
        self.text(MARGIN, 40, title, "title")

    def text(self, x: float, y: float, words: str, style: Style = "text", anchor: Anchor = "start") -> None:
        """One line of text; `y` is its baseline."""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._shapes.append(f'<text class="{style}" x="{x:g}" y="{y:g}"{placed}>{escape(words)}</text>')

    def label(self, x: float, y: float, words: str) -> None:
        """A text that hides the lines behind it."""
        self._shapes.append(f'<text class="muted label" x="{x:g}" y="{y:g}">{escape(words)}</text>')

    def box(
        self, x: float, y: float, width: float, height: float, name: str, *details: str, accent: Accent = "service"
    ) -> None:
        """A rounded box with its name and a few lines below it, centred."""
        self._shapes.append(
            f'<rect class="box" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" '
            f'stroke="var(--{accent})"/>'
        )
        middle, top = x + width / 2, y + height / 2 - 8.5 * len(details) + 5
        self._shapes.append(
            f'<text class="strong" x="{middle:g}" y="{top:g}" text-anchor="middle" style="fill:var(--{accent})">'
            f"{escape(name)}</text>"
        )
        for number, detail in enumerate(details, 1):
            self.text(middle, top + 17 * number + 1, detail, "muted", "middle")

    def arrow(self, x1: float, y1: float, x2: float, y2: float, label: str = "") -> None:
        """A straight arrow, its label above the middle."""
        self.way((x1, y1), (x2, y2))
        if label:
            self.text((x1 + x2) / 2, (y1 + y2) / 2 - 6, label, "muted", "middle")

    def curve(self, x1: float, y1: float, x2: float, y2: float, bend: float) -> None:
        """An arrow that leaves and arrives horizontally."""
        self._path(
            f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}", ' marker-end="url(#tip)"'
        )

    def way(self, *points: tuple[float, float]) -> None:
        """An arrow along straight lines through these points."""
        self._path("M" + " L".join(f"{x:g} {y:g}" for x, y in points), ' marker-end="url(#tip)"')

    def line(self, x1: float, y1: float, x2: float, y2: float, *, dashed: bool = False) -> None:
        """A line without a tip."""
        self._path(f"M{x1:g} {y1:g} L{x2:g} {y2:g}", ' stroke-dasharray="4 4"' if dashed else "")

    def dot(self, x: float, y: float, accent: Accent = "service") -> None:
        """A filled circle."""
        self._shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="var(--{accent})"/>')

    def bar(self, x: float, y: float, width: float, height: float, accent: Accent) -> None:
        """A filled rectangle, faint enough for a text on it."""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="var(--{accent})" '
            'fill-opacity="0.18"/>'
        )

    def svg(self) -> str:
        """The whole picture."""
        width, height = self.width, self._height
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            'font-family="system-ui, sans-serif" role="img">'
        )
        return "\n".join([head, _style(), _TIP, *self._shapes, "</svg>"]) + "\n"

    def _path(self, path: str, more: str) -> None:
        self._shapes.append(f'<path d="{path}" fill="none" stroke="var(--line)" stroke-width="1.4"{more}/>')


_TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="var(--line)"/></marker></defs>'
)


def _style() -> str:
    light, dark = (" ".join(f"--{name}:{value};" for name, value in colours.items()) for colours in (_LIGHT, _DARK))
    return (
        "<style>\n"
        f"svg {{ {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}\n"
        ".box { fill: var(--box); stroke-width: 1.5; }\n"
        "text { fill: var(--text); font-size: 13px; }\n"
        "text.strong { font-size: 15px; font-weight: 600; }\n"
        "text.title { font-size: 16px; font-weight: 600; }\n"
        "text.muted { fill: var(--muted); font-size: 12px; }\n"
        "text.label { paint-order: stroke; stroke: var(--page); stroke-width: 6px; }\n"
        "text.code { font-family: ui-monospace, monospace; font-size: 12px; }\n"
        "</style>"
    )
