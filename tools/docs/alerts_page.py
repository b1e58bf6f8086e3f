"""docs/alerts.md: every alert with its severity, owner, how long it waits, what it means, and its runbook."""

import re

from components.monitoring.rules import GROUPS
from components.monitoring.rules.model import Group

_HEAD = """\
# Alerts

Made from `components/monitoring/rules/` by `make docs`; why an alert waits is there. `page` wakes somebody, `ticket`
waits for working hours, `heartbeat` always fires and is missed when it stops. Tests prove that each fires and stays
silent (`tests/components/monitoring/test_alerts.py`, `tests/shop/test_alerts_provoked.py`).
"""


def page() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(_section(group) for group in GROUPS)


def _section(group: Group) -> str:
    rows = "".join(
        f"| [{alert.name}](runbooks/{alert.runbook}.md#{alert.name.lower()}) | {alert.severity} | "
        f"{alert.hold if alert.hold != '0s' else 'at once'} | {_cell(alert.description)} |\n"
        for alert in group.alerts
    )
    return (
        f"\n## {group.name} (owner: {group.owner})\n\n| Alert | Severity | After | Meaning |\n|---|---|---|---|\n{rows}"
    )


def _cell(text: str) -> str:
    """A template's labels by their names, as a table's cell."""
    return re.sub(r"{{ *\$labels\.(\w+) *}}", r"*\1*", text).replace("|", "\\|")
