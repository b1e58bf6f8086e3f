"""Tables of measurements: made of what is kept, each in its own place, and refused without figures."""

from pathlib import Path

import pytest

from tools.docs import measured
from tools.docs.measured import NotMeasuredError, filled

PAGE = (
    "a\n<!-- libraries: made by make docs -->\n<!-- end -->\nb\n<!-- entities: made by make docs -->\n<!-- end -->\nc\n"
)


def test_each_table_stands_in_its_own_place() -> None:
    made = filled(PAGE)
    first, _, rest = made.partition("\nb\n")
    assert "| **ours, Redis** |" in first
    assert "raw ASGI" not in first
    assert "loads for 1,000 readers" in rest
    assert "loads for 1,000 readers" not in first
    assert filled(made) == made


def test_figures_that_nobody_kept_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    monkeypatch.setattr(measured, "KEPT", tmp_path)
    with pytest.raises(NotMeasuredError, match=r"compare\.json is missing: `make measured` measures and keeps it"):
        filled(PAGE)


def test_a_page_without_a_table_stays_as_it_is() -> None:
    assert filled("nothing measured here\n") == "nothing measured here\n"
