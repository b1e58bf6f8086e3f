"""The declared Alertmanager configuration, judged by amtool: validity and who is told."""

import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from components.monitoring.config.alertmanager import INHIBITIONS, alertmanager_yml
from components.monitoring.rules import ALERTS
from components.settings.secrets import MonitoringSecrets

PASSWORD = SecretStr("a-password-of-grafana-s-admin")
SECRETS = MonitoringSecrets(
    grafana_admin_password=PASSWORD,
    alert_webhook_url=SecretStr("https://chat.example/hook"),
    pager_key=SecretStr("0123456789abcdef0123456789abcdef"),
    heartbeat_url=SecretStr("https://heartbeat.example/shop"),
)


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["amtool", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "secrets",
    [MonitoringSecrets(grafana_admin_password=PASSWORD), SECRETS],
    ids=["without receivers", "with receivers"],
)
def test_configuration_is_accepted(secrets: MonitoringSecrets, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager_yml(secrets))
    checked = amtool("check-config", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("severity", "receiver"), [("page", "page"), ("ticket", "ticket"), ("heartbeat", "heartbeat"), ("other", "ticket")]
)
def test_each_severity_reaches_its_receiver(severity: str, receiver: str, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager_yml(SECRETS))
    routed = amtool("config", "routes", "test", f"--config.file={path}", f"severity={severity}", "alertname=X")
    assert routed.stdout.strip() == receiver


def test_every_inhibition_is_between_alerts_that_there_are() -> None:
    names = {alert.name for alert in ALERTS}
    for said, unsaid, _ in INHIBITIONS:
        assert {*said, *unsaid} <= names
        assert not set(said) & set(unsaid)


def test_only_pages_wake_somebody() -> None:
    text = alertmanager_yml(SECRETS)
    assert text.count("routing_key") == 1
    assert "pagerduty" not in text[text.index("name: ticket") :]
