"""The declared Prometheus in time lapse: the same configuration and rules with every duration divided.

Scrape interval, `for`, ranges and offsets shrink together, so a rule sees as many samples as declared and waits for as
many of them; its thresholds and everything else stay to the letter.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from components.monitoring.config.prometheus import DISCOVERY_DIRECTORY, RULES_DIRECTORY, prometheus_yml
from components.monitoring.rules import rule_files
from components.monitoring.settings import MonitoringSettings
from testing.servers import process
from testing.waits import PATIENCE, eventually

SPEED = 15
"""How much faster than declared: one scrape a second instead of one in 15 s."""
ADDRESS = "127.0.0.1:8299"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IN_EXPRESSION = re.compile(r"(\[|offset )(\d+)([smhd])")


def _divided(number: str, unit: str) -> str:
    seconds = int(number) * _UNITS[unit]
    return f"{seconds * 1000 // SPEED}ms"


def faster_expression(text: str) -> str:
    """A PromQL expression with its ranges and offsets divided."""
    return _IN_EXPRESSION.sub(lambda found: found[1] + _divided(found[2], found[3]), text)


def faster_rules(text: str) -> str:
    """A rule file with `for`, ranges and offsets divided; everything else as it is."""
    document: dict[str, Any] = yaml.safe_load(text)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = faster_expression(rule["expr"])
            if "for" in rule:
                rule["for"] = _divided(rule["for"][:-1], rule["for"][-1])
    return yaml.safe_dump(document, sort_keys=False)


def faster_configuration(settings: MonitoringSettings, discovery: Path, rules: Path) -> str:
    """prometheus.yml with its intervals divided, reading targets and rules from other directories."""
    document: dict[str, Any] = yaml.safe_load(prometheus_yml(settings, environment="local"))
    interval = settings.prometheus.scrape_interval * 1000 // SPEED
    document["global"] |= dict.fromkeys(("scrape_interval", "evaluation_interval", "scrape_timeout"), f"{interval}ms")
    # It scrapes itself too: its alerts about Prometheus must come at its own pace, not at the shop's.
    itself = {"targets": [ADDRESS], "labels": {"system": "prometheus", "pod": "prometheus-in-lapse"}}
    document["scrape_configs"].append({"job_name": "prometheus", "static_configs": [itself]})
    text = yaml.safe_dump(document, sort_keys=False)
    return text.replace(DISCOVERY_DIRECTORY, str(discovery)).replace(RULES_DIRECTORY, str(rules))


class TimeLapse:
    """A running Prometheus whose minutes are seconds."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def firing(self, name: str) -> list[Mapping[str, str]]:
        """The labels of each firing alert of that name."""
        alerts = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return [
            alert["labels"] for alert in alerts if alert["labels"]["alertname"] == name and alert["state"] == "firing"
        ]

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """An instant query's labels and values."""
        answer = self._client.get("/api/v1/query", params={"query": expression}).json()
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer.get('error')}")
        return [(result["metric"], float(result["value"][1])) for result in answer["data"]["result"]]

    def until(self, met: Callable[[], bool], what: Callable[[], object], seconds: float) -> None:
        """Wait until `met`. Raises AssertionError with `what` after `seconds`."""
        try:
            eventually(met, within=seconds)
        except AssertionError as error:
            raise AssertionError(f"after {seconds:g} s: {what()}") from error


@contextmanager
def time_lapse(directory: Path, discovery: Path, settings: MonitoringSettings) -> Generator[TimeLapse]:
    """Prometheus with the targets of `discovery`, in the calling thread's network."""
    rules = directory / "rules"
    rules.mkdir()
    for name, text in rule_files(settings).items():
        (rules / name).write_text(faster_rules(text))
    (directory / "prometheus.yml").write_text(faster_configuration(settings, discovery, rules))
    command = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={ADDRESS}",
        # A firing alert is sent again after a minute by default; that is divided too.
        f"--rules.alert.resend-delay={60 * 1000 // SPEED}ms",
    ]
    with (
        process(command, {}, directory / "log"),
        httpx.Client(base_url=f"http://{ADDRESS}", timeout=10) as client,
    ):
        lapse = TimeLapse(client)
        lapse.until(lambda: client.get("/-/ready").is_success, (directory / "log").read_text, PATIENCE)
        yield lapse
