"""`make up` runs the Grafana that it finds on PATH as declared, and does without one where there is none."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest

from components.monitoring.dashboards import BOARDS
from local import cloud
from local.environment import Environment
from local.images import GRAFANA
from local.state import State
from stack.render import render
from testing.network_namespace import own_network

# It answers as Grafana does once everything that it was given is there and can be read.
STAND_IN = """\
#!/usr/bin/python3
import http.server, json, os, pathlib

given = os.environ
provisioning = pathlib.Path(given["GF_PATHS_PROVISIONING"])
home = pathlib.Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
found = {
    "datasource": "PROMETHEUS_URL" in (provisioning / "datasources" / "prometheus.yml").read_text(),
    "prometheus": given["PROMETHEUS_URL"],
    "dashboards": sorted(path.name for path in home.parent.glob("*.json")),
    "home": json.loads(home.read_text())["title"],
    "password": len(pathlib.Path(given["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text()) >= 24,
    "writable": pathlib.Path(given["GF_PATHS_DATA"], "grafana.db").write_text("x") == 1,
}


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())


http.server.HTTPServer((given["GF_SERVER_HTTP_ADDR"], int(given["GF_SERVER_HTTP_PORT"])), Health).serve_forever()
"""


def _grafana_alone(directory: Path) -> Environment:
    """What the local stack declares of Grafana, and Prometheus's Service, whose address it is given."""
    rendered = render("local", resolve=cloud.resolve)
    ours = [
        resource
        for resource in rendered.resources
        if resource.name.startswith(("monitoring-grafana", "monitoring-prometheus-service"))
    ]
    return Environment(State(directory), resources=ours)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "grafana-server"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.mark.pods
@pytest.mark.usefixtures("on_path")
def test_a_grafana_on_path_runs_at_its_address_with_all_that_is_declared(tmp_path: Path) -> None:
    environment = _grafana_alone(tmp_path / "state")
    with own_network():
        try:
            environment.up()
            with urllib.request.urlopen("http://127.0.0.1:8291/api/health", timeout=10) as answer:
                found = json.load(answer)
            names = {entry.name: entry.address for entry in environment.status()}
        finally:
            environment.down()
    assert names["grafana"] == "127.0.0.1:8291"
    assert found == {
        "datasource": True,
        "prometheus": found["prometheus"],
        "dashboards": [f"{name}.json" for name in sorted(board.name for board in BOARDS)],
        "home": "SIMONE: is the shop fast and safe now?",
        "password": True,
        "writable": True,
    }
    assert found["prometheus"].endswith(":8290")


@pytest.mark.skipif(bool(shutil.which("grafana-server")) or GRAFANA.exists(), reason="this machine has a Grafana")
def test_without_grafana_the_rest_runs_and_status_says_what_is_missing(tmp_path: Path) -> None:
    plan = _grafana_alone(tmp_path / "state").prepare().plan
    assert [pod.name for pod in plan.pods] == []
    assert plan.skipped == {"grafana-0": f"not installed: {GRAFANA}"}
    assert "grafana" not in [service.name for service in plan.services]
