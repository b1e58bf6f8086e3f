"""What a running Alertmanager with the declared configuration sends, groups together and leaves unsaid."""

import json
import queue
import shutil
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from components.monitoring.config.alertmanager import alertmanager_yml
from components.settings.secrets import MonitoringSecrets
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


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[str, Sent]) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("alertmanager")
    secrets = MonitoringSecrets(
        grafana_admin_password=SecretStr("a-password-of-grafana-s-admin"),
        alert_webhook_url=SecretStr(f"{receiver[0]}/chat"),
        heartbeat_url=SecretStr(f"{receiver[0]}/heartbeat"),
    )
    (directory / "alertmanager.yml").write_text(alertmanager_yml(secrets))
    address = f"127.0.0.1:{free_port()}"
    command = [
        PROGRAM,
        f"--config.file={directory / 'alertmanager.yml'}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    log = directory / "log"
    with process(command, {}, log), httpx.Client(base_url=f"http://{address}/api/v2", timeout=PATIENCE) as client:
        eventually(lambda: client.get("/status").is_success, f"Alertmanager is ready ({log})")
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
