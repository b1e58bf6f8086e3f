"""Each alert fires when it should and is silent when it should be (promtool), and is fit for who is woken by it."""

import importlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest
import yaml
from alert_cases import CASES, Series

from components.monitoring import dashboards, rules
from components.monitoring.dashboards import BOARDS
from components.monitoring.dashboards.board import Board
from components.monitoring.rules import ALERTS, GROUPS, MonitoringError, require_complete
from components.monitoring.rules.browser import BROWSER
from components.monitoring.rules.model import Alert, Group, rule_file
from components.monitoring.settings import MonitoringSettings
from components.monitoring.thresholds import MOST_OF_ONE_CLIENT

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
SETTINGS = MonitoringSettings()
ALWAYS_FIRING = {"DeadMansSwitch"}


def _expectation(alert: str, at: str, *, firing: bool) -> dict[str, Any]:
    query = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) > bool 0 or vector(0)'
    return {"expr": query, "eval_time": at, "exp_samples": [{"labels": "{}", "value": int(firing)}]}


def _promtool(
    alert: str, series: Series, directory: Path, *, firing: bool, at: str = "1m", step: str = "15s"
) -> subprocess.CompletedProcess[str]:
    """Runs the alert and the recordings of its group over the series and judges it at `at`."""
    group, rule = next((group, rule) for group in GROUPS for rule in group.alerts if rule.name == alert)
    (directory / "rules.yml").write_text(rule_file(replace(group, alerts=[rule]), SETTINGS))
    test = {
        "interval": step,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [_expectation(alert, at, firing=firing)],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": step, "tests": [test]}
    path = directory / "test.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("alert", sorted(CASES))
def test_alert_fires(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    result = _promtool(alert, case.firing, tmp_path, firing=True, at=case.at, step=case.step)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", sorted(CASES))
def test_alert_is_silent(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    result = _promtool(alert, case.silent, tmp_path, firing=False, at=case.at, step=case.step)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", sorted(alert.name for alert in BROWSER.alerts if alert.name != "StorefrontDown"))
def test_nobody_alone_makes_an_alert_of_browsers_fire(alert: str, tmp_path: Path) -> None:
    """What makes it fire, in as few values as one client may have counted; and nobody is woken by any number."""
    case = CASES[alert]
    few = {
        name: re.sub(r"^0\+(\d+)", lambda found: f"0+{int(found[1]) / 100 * MOST_OF_ONE_CLIENT / 60:g}", values)
        for name, values in case.firing.items()
    }
    result = _promtool(alert, few, tmp_path, firing=False, at=case.at, step=case.step)
    assert result.returncode == 0, result.stdout + result.stderr
    assert next(each for each in ALERTS if each.name == alert).severity == "ticket"


def test_dead_mans_switch_always_fires(tmp_path: Path) -> None:
    result = _promtool("DeadMansSwitch", {}, tmp_path, firing=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_both_cases() -> None:
    names = {alert.name for alert in ALERTS}
    file = "tests/components/monitoring/alert_cases.py"
    lacking = [f"add CASES[{name!r}] to {file}" for name in names - ALWAYS_FIRING - set(CASES)]
    left_over = [f"{file} has CASES[{name!r}], but no alert has that name" for name in set(CASES) - names]
    assert not lacking + left_over, lacking + left_over


def test_an_alert_that_lacks_something_says_where_to_add_it(tmp_path: Path) -> None:
    """Else a preview would end in the middle, with a name and nothing else."""
    alert = replace(ALERTS[0], name="ShelfEmpty", runbook="warehouse")
    group = Group(name="shelves", owner="backend", alerts=[alert])
    with pytest.raises(MonitoringError) as raised:
        require_complete([*GROUPS, group])
    panel, runbook = str(raised.value).splitlines()
    assert "alert ShelfEmpty (components/monitoring/rules/shelves.py) has no panel" in panel
    assert 'add "ShelfEmpty" to `alerts` of a Panel in components/monitoring/dashboards/' in panel
    assert "add a section `## ShelfEmpty`" in runbook
    assert runbook.endswith("docs/runbooks/warehouse.md")


def test_a_panel_of_an_alert_that_is_gone_says_so() -> None:
    rest = [replace(group, alerts=[rule for rule in group.alerts if rule != ALERTS[0]]) for group in GROUPS]
    with pytest.raises(MonitoringError, match=rf"explains the alert {ALERTS[0].name}, which no group"):
        require_complete(rest)


def test_names_are_unique() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_says_why_it_waits_as_long_as_it_does(alert: Alert) -> None:
    assert re.fullmatch(r"\d+[smh]", alert.hold)
    assert len(alert.hold_reason) > 10


@pytest.mark.parametrize("alert", [a for a in ALERTS if a.name not in ALWAYS_FIRING], ids=lambda alert: alert.name)
def test_summary_names_what_or_how_much(alert: Alert) -> None:
    everything_is_meant = {"PostgresDown", "PostgresExporterDown", "PgbouncerAllDown", "AlertmanagerUnreachable",
                           "ApiDown", "GatewayDown"}  # fmt: skip
    assert "{{" in alert.summary or alert.name in everything_is_meant


def test_a_section_of_a_runbook_that_lacks_a_paragraph_is_named(tmp_path: Path) -> None:
    for page in RUNBOOKS.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text())
    page = tmp_path / f"{ALERTS[0].runbook}.md"
    page.write_text(page.read_text().replace("**Fix.**", "Fix.", 1))
    with pytest.raises(MonitoringError, match=rf"`## {ALERTS[0].name}` of docs/runbooks/\S+ lacks \*\*Fix\.\*\*: add"):
        require_complete(runbooks=tmp_path)


@pytest.mark.parametrize(
    ("package", "kind", "listed", "where"),
    [
        (rules, Group, GROUPS, "GROUPS of components/monitoring/rules/__init__.py"),
        (dashboards, Board, BOARDS, "BOARDS of components/monitoring/dashboards/__init__.py"),
    ],
    ids=["groups", "boards"],
)
def test_every_group_and_board_stands_on_its_list(
    package: ModuleType, kind: type, listed: Sequence[object], where: str
) -> None:
    modules = [importlib.import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    forgotten = [
        f"add {name} of {module.__name__} to {where}"
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, kind) and value not in listed
    ]
    assert not forgotten, forgotten


def test_runbooks_have_no_section_without_an_alert() -> None:
    sections = {
        line.removeprefix("## ").strip()
        for path in RUNBOOKS.glob("*.md")
        if path.name != "README.md"
        for line in path.read_text().splitlines()
        if line.startswith("## ")
    }
    left_over = [
        f"docs/runbooks/ has the section `## {name}`, but no group of components/monitoring/rules/ has that alert"
        for name in sections - {alert.name for alert in ALERTS}
    ]
    assert not left_over, left_over


def test_recording_rules_come_before_the_alerts_that_read_them() -> None:
    for group in GROUPS:
        rules = yaml.safe_load(rule_file(group, SETTINGS))["groups"][0]["rules"]
        recorded = ["record" in rule for rule in rules]
        assert recorded == sorted(recorded, reverse=True)
