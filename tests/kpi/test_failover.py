"""The recorder of a failover: what it keeps is what is drawn, and without a shop it says what to do."""

import json
from pathlib import Path

import pytest
import typer

from kpi import failover


def test_the_kept_record_has_every_event_that_is_drawn() -> None:
    events = json.loads(failover.KEPT.read_text())["events"]
    first = {event["what"]: event["at"] for event in reversed(events)}
    order = ["last write", "+sdown", "+odown", "+elected-leader", "+promoted-slave", "+switch-master", "first write"]
    assert [first[what] for what in order] == sorted(first[what] for what in order)
    assert first["last write"] == 0
    assert first["started"] < first["follows"]


def test_without_a_shop_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMONE_STATE", str(tmp_path))
    monkeypatch.setattr(failover, "KEPT", tmp_path / "failover.json")
    with pytest.raises(typer.Exit) as ended:
        failover.main()
    assert ended.value.exit_code == 2
    assert "make up" in capsys.readouterr().err
    assert not failover.KEPT.exists()
