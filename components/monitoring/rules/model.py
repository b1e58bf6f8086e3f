"""What a rule is, and how it becomes a Prometheus rule file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from components.monitoring.dashboards import PANEL_OF_ALERT
from components.monitoring.settings import MonitoringSettings

Severity = Literal["page", "ticket", "heartbeat"]
Owner = Literal["backend", "database", "devops", "frontend"]
"""Who answers for it: the specification's leads."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something a person has to do.

    `hold` is how long the expression must stay true, `hold_reason` why exactly that long. `summary` and `description`
    are Prometheus templates; `runbook` is the file of docs/runbooks that has a section named as the alert.
    """

    name: str
    expr: str
    hold: str
    hold_reason: str
    severity: Severity
    summary: str
    description: str
    runbook: str

    def runbook_url(self, settings: MonitoringSettings) -> str:
        """The section's address; a heading's anchor is its text in lower case."""
        return f"{settings.runbook_url}/{self.runbook}.md#{self.name.lower()}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other, so that an alert sees this round's recordings.

    `recordings` are expressions computed ahead, by the names of the new series: `level:metric:operations`
    (prometheus.io/docs/practices/rules). `owner` is a label of each alert: the team to ask first, by which Alertmanager
    may route.
    """

    name: str
    owner: Owner
    alerts: Sequence[Alert]
    recordings: Mapping[str, str] = field(default_factory=dict[str, str])


def _alert_document(rule: Alert, owner: Owner, settings: MonitoringSettings) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **({"for": rule.hold} if rule.hold != "0s" else {}),
        "labels": {"severity": rule.severity, "owner": owner},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": rule.runbook_url(settings),
            **({"dashboard_url": settings.grafana_url + PANEL_OF_ALERT[rule.name]} if settings.grafana_url else {}),
        },
    }


def rule_file(group: Group, settings: MonitoringSettings) -> str:
    """One group as a rule file."""
    recordings = [{"record": name, "expr": expr} for name, expr in group.recordings.items()]
    alerts = [_alert_document(alert, group.owner, settings) for alert in group.alerts]
    document = {"groups": [{"name": group.name, "rules": [*recordings, *alerts]}]}
    return yaml.safe_dump(document, sort_keys=False, width=110)
