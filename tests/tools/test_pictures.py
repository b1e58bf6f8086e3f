"""The pictures of docs/ show what the code does, and can be read on a light and on a dark page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.api.invalidation import worker
from components.settings.relations import RELATIONS
from stack.environments import ROOT
from tools.docs import cache_pictures, queue_picture, settings_picture
from tools.docs.drawing import Drawing
from tools.docs.queue_picture import UnknownQueueError

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_a_picture_says_the_same_in_words_and_has_colours_for_both_themes(picture: Path) -> None:
    root = ElementTree.fromstring(picture.read_text())
    svg = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{svg}title")
    assert root.findtext(f"{svg}desc")
    style = root.findtext(f"{svg}style") or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    named = set(re.findall(r"var\(--(\w+)\)", picture.read_text()))
    for colours in (light, dark):
        assert named <= set(re.findall(r"--(\w+):#", colours))


def test_what_is_written_is_no_markup() -> None:
    drawing = Drawing("a < b", 100, 100, about="a & b")
    drawing.text(0, 0, "<script>")
    assert "<script>" not in drawing.svg()
    assert ElementTree.fromstring(drawing.svg()) is not None


def test_the_worker_purges_in_the_order_that_is_drawn() -> None:
    source = Path(worker.__file__).read_text()
    layers = source[source.index("def _layers(") :]
    first = re.findall(r"layers: list\[Layer\] = \[(\w+)\]", layers)
    added = re.findall(r"layers\.append\((\w+)", layers)
    assert [name.lower() for name in first + added] == ["coherence", "storefront", "gateway", "cloudflare"]
    steps = re.findall(r"worker to (\w+)", cache_pictures.purge())
    assert steps == ["Postgres", "Redis", "storefront", "gateways", "Cloudflare"]


def test_each_relation_of_settings_is_a_row() -> None:
    drawn = settings_picture.picture()
    assert drawn.count('<text class="code"') == len(RELATIONS)
    assert "gateway.tls, edge, secrets.edge.client_certificate, .client_key" in drawn


def test_a_state_that_is_not_drawn_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queue.ts", "database.ts"):
        text = (ROOT / "app" / "storefront" / "src" / "offline" / name).read_text()
        (tmp_path / name).write_text(text.replace('"failed" | "conflict";', '"failed" | "conflict" | "lost";'))
    monkeypatch.setattr(queue_picture, "_OFFLINE", tmp_path)
    with pytest.raises(UnknownQueueError, match="conflict, failed, lost, pending: draw them"):
        queue_picture.picture()
