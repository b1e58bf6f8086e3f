"""The dashboards are usable and agree with the alerts: the rules of Grafana's dashboard-linter, and ours."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring.dashboards import BOARDS, PANEL_OF_ALERT, dashboard_files
from components.monitoring.dashboards.board import Limits, Panel
from components.monitoring.rules import ALERTS, runbook_urls
from components.monitoring.settings import MonitoringSettings

SETTINGS = MonitoringSettings()
FILES = dashboard_files(SETTINGS, runbook_urls(SETTINGS))
PANELS = [pytest.param(panel, id=f"{board.name}: {panel.title}") for board in BOARDS for _, panel in board.panels()]


def _document(name: str) -> dict[str, Any]:
    return json.loads(FILES[name])


@pytest.fixture(params=sorted(FILES))
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return _document(request.param)


def panels_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def test_data_source_is_chosen_by_the_viewer(document: dict[str, Any]) -> None:
    kinds = {variable["name"]: variable["type"] for variable in document["templating"]["list"]}
    assert kinds["datasource"] == "datasource"
    assert {panel["datasource"]["uid"] for panel in panels_of(document)} == {"${datasource}"}


def test_ids_are_unique_and_panels_do_not_overlap(document: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells


def test_every_variable_is_used(document: dict[str, Any]) -> None:
    text = json.dumps(document["panels"])
    for variable in document["templating"]["list"]:
        assert f"${variable['name']}" in text or f"${{{variable['name']}}}" in text


@pytest.mark.parametrize("panel", PANELS)
def test_panel_explains_itself(panel: Panel) -> None:
    assert panel.title
    assert panel.description.endswith(".")
    assert panel.unit
    assert all(panel.queries)


@pytest.mark.parametrize("panel", PANELS)
def test_rates_follow_the_scrape_interval(panel: Panel) -> None:
    for expression in panel.queries.values():
        ranges = set(re.findall(r"\[([^\]]+)\]", expression))
        assert ranges <= {"$__rate_interval", "5m", "10m", "15m", "1h"}


def test_every_expression_is_promql(tmp_path: Path) -> None:
    expressions = [
        re.sub(r"\$(\w+)", "any", expression.replace("$__rate_interval", "5m"))
        for board in BOARDS
        for _, panel in board.panels()
        for expression in panel.queries.values()
    ]
    rules = [{"record": f"panel:query:{number}", "expr": text} for number, text in enumerate(expressions)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_is_explained_by_one_panel() -> None:
    explained = [alert for board in BOARDS for _, panel in board.panels() for alert in panel.alerts]
    assert sorted(explained) == sorted(alert.name for alert in ALERTS)
    assert set(PANEL_OF_ALERT) == set(explained)


def _drawn_numbers() -> Iterator[Any]:
    """Alerts that compare with a number, beside the lines of their panel."""
    # These compare a change or a time left, where the panel draws the thing itself.
    otherwise = re.compile(r"Burn|Certificate|MissSpike|Stale")
    for board in BOARDS:
        for _, panel in board.panels():
            for alert in (alert for alert in ALERTS if alert.name in panel.alerts):
                compared = re.search(r"[<>] ([\d.e+]+)$", alert.expr.split("\nand")[0])
                number = float(compared[1]) if compared else 0.0
                # Beyond 0 or 1: any at all counts.
                if panel.limits is not None and number not in {0.0, 1.0} and not otherwise.search(alert.name):
                    yield pytest.param(panel.limits, number, id=alert.name)


@pytest.mark.parametrize(("limits", "number"), list(_drawn_numbers()))
def test_lines_drawn_are_the_alerts_own_numbers(limits: Limits, number: float) -> None:
    assert number in {limits.alert, limits.warn}
