"""Recording and alerting rules, one file a group."""

from components.monitoring.rules.api import API
from components.monitoring.rules.browser import BROWSER
from components.monitoring.rules.database import DATABASE
from components.monitoring.rules.edge import EDGE
from components.monitoring.rules.model import Alert, Group, rule_file
from components.monitoring.rules.platform import PLATFORM
from components.monitoring.rules.redis import REDIS
from components.monitoring.settings import MonitoringSettings

GROUPS: tuple[Group, ...] = (REDIS, DATABASE, API, EDGE, BROWSER, PLATFORM)
ALERTS: tuple[Alert, ...] = tuple(alert for group in GROUPS for alert in group.alerts)


def runbook_urls(settings: MonitoringSettings) -> dict[str, str]:
    """Each alert's runbook address."""
    return {alert.name: alert.runbook_url(settings) for alert in ALERTS}


def rule_files(settings: MonitoringSettings) -> dict[str, str]:
    """Rule files by file name."""
    return {f"{group.name}.yml": rule_file(group, settings) for group in GROUPS}
