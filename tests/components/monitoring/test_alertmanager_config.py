"""The declared Alertmanager configuration, judged by amtool: validity and who is told."""

import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import SecretStr, ValidationError

from components.monitoring.config.alertmanager import INHIBITIONS, alertmanager_yml
from components.monitoring.rules import ALERTS
from components.monitoring.settings import Alertmanager, Chat
from components.settings.environment import SettingsError, parse
from components.settings.secrets import MonitoringSecrets
from stack.environments import ROOT, stack_config
from stack.secret_placeholders import with_placeholders

AMTOOLS = (
    "amtool",
    pytest.param(
        ROOT / ".tools/bin/amtool",
        marks=pytest.mark.skipif(
            not (ROOT / ".tools/bin/amtool").exists(),
            reason="NO ALERTMANAGER 0.28: make .tools/bin/alertmanager builds it (needs Go)",
        ),
        id="0.28",
    ),
)
PASSWORD = SecretStr("a-password-of-grafana-s-admin")
SECRETS = MonitoringSecrets(
    grafana_admin_password=PASSWORD,
    alert_webhook_url=SecretStr("https://chat.example/hook"),
    pager_key=SecretStr("0123456789abcdef0123456789abcdef"),
    heartbeat_url=SecretStr("https://heartbeat.example/shop"),
)


def amtool(*arguments: str | Path, program: str | Path = "amtool") -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "secrets",
    [MonitoringSecrets(grafana_admin_password=PASSWORD), SECRETS],
    ids=["without receivers", "with receivers"],
)
@pytest.mark.parametrize("program", AMTOOLS)
@pytest.mark.parametrize("chat", get_args(Chat))
def test_configuration_is_accepted(secrets: MonitoringSecrets, chat: Chat, program: str | Path, tmp_path: Path) -> None:
    if chat == "teams" and program == "amtool":
        pytest.skip("Debian 12's knows no Teams")
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager_yml(Alertmanager(tickets=chat), secrets))
    checked = amtool("check-config", path, program=program)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("severity", "receiver"), [("page", "page"), ("ticket", "ticket"), ("heartbeat", "heartbeat"), ("other", "ticket")]
)
def test_each_severity_reaches_its_receiver(severity: str, receiver: str, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager_yml(Alertmanager(), SECRETS))
    routed = amtool("config", "routes", "test", f"--config.file={path}", f"severity={severity}", "alertname=X")
    assert routed.stdout.strip() == receiver


def test_every_inhibition_is_between_alerts_that_there_are() -> None:
    names = {alert.name for alert in ALERTS}
    for said, unsaid, _ in INHIBITIONS:
        assert {*said, *unsaid} <= names
        assert not set(said) & set(unsaid)


def test_only_pages_wake_somebody() -> None:
    text = alertmanager_yml(Alertmanager(), SECRETS)
    assert text.count("routing_key") == 1
    assert "pagerduty" not in text[text.index("name: ticket") :]


def test_pages_may_go_to_another_chat_than_tickets() -> None:
    both = SECRETS.model_copy(update={"page_webhook_url": SecretStr("https://pages.example/hook")})
    document = yaml.safe_load(alertmanager_yml(Alertmanager(tickets="slack", pages="discord"), both))
    found = {receiver["name"]: receiver for receiver in document["receivers"]}
    assert found["ticket"]["slack_configs"][0]["api_url"] == "https://chat.example/hook"
    assert found["page"]["discord_configs"][0]["webhook_url"] == "https://pages.example/hook"
    assert "slack_configs" not in found["page"]
    assert "pagerduty_configs" in found["page"]


@pytest.mark.parametrize("address", ["chat.example/hook", "https://", "https://chat.example/a b", "#alerts"])
def test_an_address_that_alertmanager_can_t_use_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(ValidationError, match="needs an address that begins with https://") as raised:
        MonitoringSecrets(grafana_admin_password=PASSWORD, alert_webhook_url=SecretStr(address))
    config = stack_config("prod")
    placeholders = with_placeholders(None, None, config)
    placeholders["monitoring"]["alert_webhook_url"] = address
    with pytest.raises(SettingsError) as told:
        parse({**config, "simone:secrets": placeholders}, "prod")
    assert address not in str(told.value).replace("https:// or http://", "")
    assert raised.value.error_count() == 1


def test_a_chat_for_pages_without_its_address_is_refused() -> None:
    config = stack_config("prod")
    config["simone:monitoring"] = {**config["simone:monitoring"], "alertmanager": {"pages": "slack"}}
    config["simone:secrets"] = with_placeholders(None, None, config)
    with pytest.raises(
        SettingsError, match=r"secrets\.monitoring\.page_webhook_url must hold that chat's incoming webhook"
    ):
        parse(config, "prod")
