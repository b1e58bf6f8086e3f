"""docs/alerts.md: every alert by owner and severity, with how long it waits and its runbook."""

from collections import defaultdict

from components.monitoring.rules import GROUPS
from components.monitoring.rules.model import Group

_HEAD = """\
# Alerts

An alert's name leads to its runbook: what it means, where to look, how to fix it. Behind it: how long it waits. Made
from `components/monitoring/rules/` by `make docs`; why an alert waits is there.

`page` wakes somebody, `ticket` waits for working hours, `heartbeat` always fires and is missed when it stops. Tests
prove that each fires and stays silent (`tests/components/monitoring/test_alerts.py`,
`tests/shop/test_alerts_provoked.py`).
"""


def page() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(map(_section, GROUPS))


def _section(group: Group) -> str:
    by_severity: defaultdict[str, list[str]] = defaultdict(list)
    for alert in group.alerts:
        after = "at once" if alert.hold == "0s" else alert.hold
        by_severity[alert.severity].append(
            f"  - [{alert.name}](runbooks/{alert.runbook}.md#{alert.name.lower()}) {after}\n"
        )
    lists = "".join(f"- {severity}\n{''.join(alerts)}" for severity, alerts in sorted(by_severity.items()))
    return f"\n## {group.name} (owner: {group.owner})\n\n{lists}"
