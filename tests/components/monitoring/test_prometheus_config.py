"""The declared Prometheus configuration, judged by promtool and by a running Prometheus."""

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.monitoring.config.prometheus import DISCOVERY_DIRECTORY, RULES_DIRECTORY, prometheus_yml
from components.monitoring.rules import rule_files
from components.monitoring.settings import MonitoringSettings
from testing.servers import process
from testing.waits import PATIENCE, eventually, free_port

FILE = MonitoringSettings.model_validate({"discovery": "file"})
CLUSTER = MonitoringSettings.model_validate({"discovery": "kubernetes"})


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_configuration_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(prometheus_yml(FILE, environment="test"))
    checked = promtool("check", "config", "--syntax-only", path)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", rule_files(FILE))
def test_rules_are_accepted(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(rule_files(FILE)[name])
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_cluster_and_this_machine_differ_in_discovery_only() -> None:
    def without_discovery(settings: MonitoringSettings) -> Any:
        document = yaml.safe_load(prometheus_yml(settings, environment="test"))
        for place in (*document["scrape_configs"], *document["alerting"]["alertmanagers"]):
            assert place.pop("kubernetes_sd_configs", None) or place.pop("file_sd_configs", None)
        return document

    assert without_discovery(CLUSTER) == without_discovery(FILE)


def test_remote_write_names_its_password_by_file() -> None:
    settings = MonitoringSettings.model_validate(
        {"prometheus": {"remote_write": {"url": "https://metrics.example/push", "username": "shop"}}}
    )
    document = yaml.safe_load(prometheus_yml(settings, environment="test"))
    assert document["remote_write"][0]["basic_auth"] == {
        "username": "shop",
        "password_file": "/etc/prometheus/secrets/remote-write-password",
    }


def test_retention_beyond_the_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="retention_size 19GiB is more than 80% of storage 20GiB"):
        MonitoringSettings.model_validate({"prometheus": {"retention_size": "19GiB"}})


def pod(name: str, system: str, address: str = "127.0.0.9:1", **labels: str) -> dict[str, Any]:
    """A target as discovery gives it."""
    found = {
        "__meta_kubernetes_pod_name": name,
        "__meta_kubernetes_pod_node_name": "node-1",
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_container_port_name": "metrics",
        "__meta_kubernetes_pod_annotation_prometheus_io_scrape": "true",
        "__meta_kubernetes_pod_label_app_kubernetes_io_name": system,
    }
    return {"targets": [address], "labels": {**found, **labels}}


@contextmanager
def running_prometheus(directory: Path, targets: list[dict[str, Any]]) -> Generator[httpx.Client]:
    """A Prometheus with the declared texts, its directories moved below `directory`."""
    for name in ("discovery", "rules"):
        (directory / name).mkdir()
    (directory / "discovery" / "pods.json").write_text(json.dumps(targets))
    for name, text in rule_files(FILE).items():
        (directory / "rules" / name).write_text(text)
    text = prometheus_yml(FILE, environment="test")
    text = text.replace(DISCOVERY_DIRECTORY, str(directory / "discovery"))
    (directory / "prometheus.yml").write_text(text.replace(RULES_DIRECTORY, str(directory / "rules")))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
    ]
    log = directory / "log"
    with process(command, {}, log), httpx.Client(base_url=f"http://{address}", timeout=PATIENCE) as client:
        eventually(lambda: client.get("/-/ready").is_success, f"Prometheus is ready ({log})")
        yield client


def test_pods_become_targets_of_their_job(tmp_path: Path) -> None:
    targets = [
        pod("redis-sessions-0", "redis"),
        pod("redis-sentinel-2", "redis-sentinel"),
        pod("postgres-exporter-1", "postgres-exporter"),
        pod("api-1", "api"),
        pod("api-worker-1", "api-worker"),
        pod("unasked-1", "api", __meta_kubernetes_pod_annotation_prometheus_io_scrape="false"),
        pod("http-1", "api", __meta_kubernetes_pod_container_port_name="http"),
        pod("finished-1", "api", __meta_kubernetes_pod_phase="Succeeded"),
        pod("stranger-1", "somebody-elses"),
    ]
    with running_prometheus(tmp_path, targets) as client:
        active: list[Any] = eventually(
            lambda: client.get("/api/v1/targets", params={"state": "active"}).json()["data"]["activeTargets"]
        )
        found: dict[str, dict[str, str]] = {target["labels"]["pod"]: target["labels"] for target in active}
    assert {pod_name: labels["job"] for pod_name, labels in found.items()} == {
        "redis-sessions-0": "redis",
        "redis-sentinel-2": "sentinel",
        "postgres-exporter-1": "postgres",
        "api-1": "api",
        "api-worker-1": "api",
    }
    assert found["redis-sessions-0"]["pair"] == "sessions"
    assert found["api-worker-1"]["system"] == "api-worker"
