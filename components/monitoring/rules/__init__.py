"""Recording and alerting rules, one file a group; an alert comes with a panel, a runbook and cases."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.monitoring.dashboards import BOARDS
from components.monitoring.dashboards.board import Board
from components.monitoring.rules.api import API
from components.monitoring.rules.browser import BROWSER
from components.monitoring.rules.cluster import CLUSTER
from components.monitoring.rules.database import DATABASE
from components.monitoring.rules.edge import EDGE
from components.monitoring.rules.model import Alert, Group, rule_file
from components.monitoring.rules.platform import PLATFORM
from components.monitoring.rules.redis import REDIS
from components.monitoring.settings import MonitoringSettings

GROUPS: tuple[Group, ...] = (REDIS, DATABASE, API, EDGE, BROWSER, CLUSTER, PLATFORM)
ALERTS: tuple[Alert, ...] = tuple(alert for group in GROUPS for alert in group.alerts)
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
PARAGRAPHS = ("Means", "Look", "Fix", "Over when")
"""What each section of a runbook has."""


class MonitoringError(Exception):
    """An alert lacks something, or something is told of an alert that doesn't exist. One line for each."""


def require_complete(
    groups: Sequence[Group] = GROUPS, boards: Sequence[Board] = BOARDS, runbooks: Path = RUNBOOKS
) -> None:
    """Raises `MonitoringError` unless each alert has one panel and a section of a runbook, and each panel real alerts.

    That there are cases for it, tests see (tests/components/monitoring/alert_cases.py): they aren't deployed.
    """
    if faults := [*_without_panel(groups, boards), *_without_runbook(groups, runbooks)]:
        raise MonitoringError("\n".join(faults))


def _without_panel(groups: Sequence[Group], boards: Sequence[Board]) -> Iterator[str]:
    explaining = [
        (alert, panel.title, board) for board in boards for _, panel in board.panels() for alert in panel.alerts
    ]
    folder = "components/monitoring/dashboards"
    for group in groups:
        for alert in group.alerts:
            panels = [
                f"{title!r} of {folder}/{board.name}.py" for name, title, board in explaining if name == alert.name
            ]
            if not panels:
                yield (
                    f"alert {alert.name} (components/monitoring/rules/{group.name}.py) has no panel that explains it: "
                    f'add "{alert.name}" to `alerts` of a Panel in {folder}/ ({", ".join(b.name for b in boards)})'
                )
            elif len(panels) > 1:
                yield f"alert {alert.name} is explained by {' and '.join(panels)}: leave it in one"
    known = {alert.name for group in groups for alert in group.alerts}
    for name, title, board in explaining:
        if name not in known:
            yield (
                f"the panel {title!r} ({folder}/{board.name}.py) explains the alert {name}, which no group of "
                "components/monitoring/rules/ has: add the Alert there, or take the name out of the panel's `alerts`"
            )


def _without_runbook(groups: Sequence[Group], runbooks: Path) -> Iterator[str]:
    for alert in (alert for group in groups for alert in group.alerts):
        path = runbooks / f"{alert.runbook}.md"
        text = path.read_text("utf-8") if path.is_file() else ""
        section = re.search(rf"^## {re.escape(alert.name)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        if section is None:
            yield (
                f"alert {alert.name} has no runbook: add a section `## {alert.name}` with {', '.join(PARAGRAPHS[:-1])} "
                f"and {PARAGRAPHS[-1]} to docs/runbooks/{path.name}"
            )
        elif missing := [f"**{word}.**" for word in PARAGRAPHS if f"**{word}.**" not in section[1]]:
            yield f"the section `## {alert.name}` of docs/runbooks/{path.name} lacks {', '.join(missing)}: add it there"


def runbook_urls(settings: MonitoringSettings) -> dict[str, str]:
    """Each alert's runbook address."""
    return {alert.name: alert.runbook_url(settings) for alert in ALERTS}


def rule_files(settings: MonitoringSettings) -> dict[str, str]:
    """Rule files by file name. Raises `MonitoringError`."""
    require_complete()
    return {f"{group.name}.yml": rule_file(group, settings) for group in GROUPS}
