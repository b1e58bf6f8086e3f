"""What a running Alertmanager with the declared configuration sends, groups together and leaves unsaid."""

import contextlib
import json
import queue
import shutil
from collections.abc import Generator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from components.monitoring.config.alertmanager import alertmanager_yml
from components.monitoring.settings import Alertmanager
from components.settings.secrets import MonitoringSecrets
from stack.environments import ROOT
from testing.servers import process, serving
from testing.waits import PATIENCE, eventually, free_port

PROGRAM = shutil.which("prometheus-alertmanager") or "alertmanager"
Sent = queue.Queue[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, Sent]]:
    """A web server that keeps what it is sent, by path."""
    sent = Sent()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.put((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}", sent


@contextlib.contextmanager
def _running(
    directory: Path, settings: Alertmanager, secrets: MonitoringSecrets, program: str | Path = PROGRAM
) -> Generator[httpx.Client]:
    (directory / "alertmanager.yml").write_text(alertmanager_yml(settings, secrets))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(program),
        f"--config.file={directory / 'alertmanager.yml'}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    log = directory / "log"
    with process(command, {}, log), httpx.Client(base_url=f"http://{address}/api/v2", timeout=PATIENCE) as client:
        eventually(lambda: client.get("/status").is_success, f"Alertmanager is ready ({log})")
        yield client


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[str, Sent]) -> Iterator[httpx.Client]:
    secrets = MonitoringSecrets(
        grafana_admin_password=SecretStr("a-password-of-grafana-s-admin"),
        alert_webhook_url=SecretStr(f"{receiver[0]}/chat"),
        heartbeat_url=SecretStr(f"{receiver[0]}/heartbeat"),
    )
    with _running(tmp_path_factory.mktemp("alertmanager"), Alertmanager(), secrets) as client:
        yield client


def _fire(client: httpx.Client, *alerts: Mapping[str, str]) -> None:
    client.post("/alerts", json=[{"labels": dict(labels)} for labels in alerts]).raise_for_status()


def _silenced(client: httpx.Client, **labels: str) -> bool:
    """Whether the one alert with these labels is held back by another."""
    filters = [f'{name}="{value}"' for name, value in labels.items()]
    found = client.get("/alerts", params={"filter": filters}).json()
    assert len(found) == 1, found
    return bool(found[0]["status"]["inhibitedBy"])


def test_the_heartbeat_is_sent_at_once_and_to_its_own_address(
    alertmanager: httpx.Client, receiver: tuple[str, Sent]
) -> None:
    _fire(alertmanager, {"alertname": "DeadMansSwitch", "severity": "heartbeat"})
    path, body = receiver[1].get(timeout=PATIENCE)
    assert path == "/heartbeat"
    assert [alert["labels"]["alertname"] for alert in body["alerts"]] == ["DeadMansSwitch"]


def test_a_lost_pair_keeps_what_follows_from_it_unsaid_and_nothing_else(alertmanager: httpx.Client) -> None:
    _fire(
        alertmanager,
        {"alertname": "RedisMasterCount", "severity": "page", "pair": "data"},
        {"alertname": "RedisDown", "severity": "ticket", "pair": "data", "pod": "redis-data-0"},
        {"alertname": "RedisDown", "severity": "ticket", "pair": "sessions", "pod": "redis-sessions-0"},
    )
    eventually(lambda: _silenced(alertmanager, alertname="RedisDown", pair="data"))
    assert not _silenced(alertmanager, alertname="RedisDown", pair="sessions")
    assert not _silenced(alertmanager, alertname="RedisMasterCount")


def test_a_lost_database_and_a_lost_api_explain_their_consequences(alertmanager: httpx.Client) -> None:
    _fire(
        alertmanager,
        {"alertname": "PostgresDown", "severity": "page"},
        {"alertname": "OutboxStuck", "severity": "page"},
        {"alertname": "ApiDown", "severity": "page"},
        {"alertname": "ApiAvailabilityBurnFast", "severity": "page"},
        {"alertname": "PgbouncerAllDown", "severity": "page"},
    )
    for name in ("OutboxStuck", "ApiAvailabilityBurnFast"):
        eventually(lambda name=name: _silenced(alertmanager, alertname=name))
    assert not _silenced(alertmanager, alertname="PgbouncerAllDown")


@pytest.mark.parametrize(
    ("said", "unsaid"),
    [
        ({"alertname": "PgbouncerAllDown"}, {"alertname": "PgbouncerDown", "pod": "pgbouncer-0"}),
        ({"alertname": "StorefrontDown", "job": "storefront"}, {"alertname": "TargetDown", "job": "storefront"}),
        (
            {"alertname": "RedisSessionsMemoryCritical", "pod": "redis-sessions-0"},
            {"alertname": "RedisSessionsMemoryHigh", "pod": "redis-sessions-0"},
        ),
        ({"alertname": "ApiLatencyBurnFast"}, {"alertname": "ApiLatencyBurnMedium"}),
        ({"alertname": "ApiLatencyBurnMedium"}, {"alertname": "ApiLatencyP95"}),
    ],
    ids=lambda labels: labels["alertname"],
)
def test_what_a_bigger_alert_says_is_not_said_again(
    alertmanager: httpx.Client, said: dict[str, str], unsaid: dict[str, str]
) -> None:
    _fire(alertmanager, {"severity": "page", **said}, {"severity": "ticket", **unsaid})
    eventually(lambda: _silenced(alertmanager, **unsaid))


def test_pods_of_one_system_come_as_one_notification(alertmanager: httpx.Client) -> None:
    pods = [
        {"alertname": "TargetDown", "severity": "ticket", "system": "api", "pod": f"api-{number}"}
        for number in range(3)
    ]
    _fire(
        alertmanager, *pods, {"alertname": "TargetDown", "severity": "ticket", "system": "gateway", "pod": "gateway-0"}
    )

    def sizes() -> list[int]:
        groups = alertmanager.get("/alerts/groups", params={"filter": ['alertname="TargetDown"', 'system!=""']}).json()
        return sorted(len(group["alerts"]) for group in groups)

    eventually(lambda: sizes() == [1, 3])


def _of_slack(body: dict[str, Any]) -> list[str]:
    (attachment,) = body["attachments"]
    return [attachment["title"], attachment["text"]]


def _of_discord(body: dict[str, Any]) -> list[str]:
    (embed,) = body["embeds"]
    return [embed["title"], embed["description"]]


def _of_teams(body: dict[str, Any]) -> list[str]:
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return [part["text"] for part in attachment["content"]["body"]]


CHATS = {
    "slack": (_of_slack, "<https://runbooks.example/redis.md#redisdown|runbook>", PROGRAM),
    "discord": (_of_discord, "[runbook](https://runbooks.example/redis.md#redisdown)", PROGRAM),
    "teams": (_of_teams, "[runbook](https://runbooks.example/redis.md#redisdown)", ROOT / ".tools/bin/alertmanager"),
}


@pytest.mark.parametrize("chat", list(CHATS))
def test_a_chat_is_sent_what_it_takes(chat: Any, tmp_path: Path, receiver: tuple[str, Sent]) -> None:
    """Slack's `attachments`, Discord's `embeds` and Teams's adaptive card, as their incoming webhooks document them."""
    shown, link, program = CHATS[chat]
    if not shutil.which(program):
        pytest.skip("NO ALERTMANAGER 0.28: make .tools/bin/alertmanager builds it (needs Go)")
    url, sent = receiver
    secrets = MonitoringSecrets(
        grafana_admin_password=SecretStr("a-password-of-grafana-s-admin"),
        alert_webhook_url=SecretStr(f"{url}/{chat}/tickets"),
        page_webhook_url=SecretStr(f"{url}/{chat}/pages"),
    )
    with _running(tmp_path, Alertmanager(tickets=chat), secrets, program) as client:
        labels = {"alertname": "RedisDown", "severity": "page", "owner": "backend", "pair": "data"}
        annotations = {
            "summary": "redis-data-0 is down",
            "description": "It doesn't answer.",
            "runbook_url": "https://runbooks.example/redis.md#redisdown",
        }
        pods = [{"labels": {**labels, "pod": f"redis-data-{n}"}, "annotations": annotations} for n in range(12)]
        client.post("/alerts", json=pods).raise_for_status()
        path, body = next(found for found in iter(lambda: sent.get(timeout=PATIENCE), None) if chat in found[0])
    assert path == f"/{chat}/pages"
    title, text = shown(body)
    assert title == "[page] RedisDown (backend)"
    assert text.count("redis-data-0 is down\nIt doesn't answer.") == 10
    assert text.endswith("12 in all")
    assert text.count(link) == 10
    assert "panel" not in text
