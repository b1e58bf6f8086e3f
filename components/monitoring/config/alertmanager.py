"""Alertmanager: who is told what, how often, and what is left unsaid when a bigger alert already says it.

Severities: `page` wakes somebody, `ticket` waits for working hours, `heartbeat` is the dead man's switch that always
fires. The text holds receivers' addresses, so it belongs into a Secret.

Keys are those that Alertmanager 0.25 and 0.28 both know, but Teams's: `msteamsv2_configs` came with 0.28.
"""

from typing import Any

import yaml

from components.kubernetes.flows import ALERTMANAGER_PORT
from components.monitoring.settings import Alertmanager, Chat, MonitoringSettings
from components.settings.secrets import MonitoringSecrets

CONFIG_FILE = "/etc/alertmanager/alertmanager.yml"
DATA_DIRECTORY = "/alertmanager"

Document = dict[str, Any]

_BURNS = ("ApiAvailabilityBurnFast", "ApiAvailabilityBurnMedium", "ApiAvailabilityBurnSlow")
_SLOWNESS = ("ApiLatencyBurnFast", "ApiLatencyBurnMedium", "ApiLatencyBurnSlow", "ApiLatencyP95")

INHIBITIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    # A lost Redis pair explains the misses and latency that follow from it.
    (("RedisMasterCount",), ("RedisDown", "RedisReplicationBroken", "RedisReplicaLag"), ("pair",)),
    (("PostgresDown",), ("PgbouncerClientsWaiting", "DatabaseQueryTime", "PurgeLag", "OutboxStuck"), ()),
    (("PgbouncerAllDown",), ("PgbouncerDown",), ()),
    (("ApiDown",), (*_BURNS, *_SLOWNESS, "CacheHitRatioLow", "CacheMissSpike"), ()),
    (("ApiDown", "GatewayDown", "StorefrontDown"), ("TargetDown",), ("job",)),
    # The same, told at a higher severity.
    (("RedisSessionsMemoryCritical",), ("RedisSessionsMemoryHigh",), ("pod",)),
    *((alerts[:1], alerts[1:], ()) for family in (_BURNS, _SLOWNESS) for alerts in (family, family[1:])),
)
"""Alerts that are said, those that they make unsaid, and the labels that both must share."""


def _named(alerts: tuple[str, ...]) -> str:
    return f'alertname=~"{"|".join(alerts)}"'


def _lines(link: str) -> str:
    """The alerts of a notification as a chat shows them, the first ten; `link` is a format of `text` and `url`."""
    links = " ".join(
        f"{{{{ with .Annotations.{annotation} }}}}" + link.format(text=text, url="{{ . }}") + "{{ end }}"
        for annotation, text in (("runbook_url", "runbook"), ("dashboard_url", "panel"))
    )
    return (
        "{{ range $number, $alert := .Alerts }}{{ if lt $number 10 }}{{ with $alert }}"
        "{{ .Annotations.summary }}\n{{ .Annotations.description }}\n" + links + "\n{{ end }}{{ end }}{{ end }}"
        "{{ if gt (len .Alerts) 10 }}… {{ len .Alerts }} in all{{ end }}"
    )


_TITLE = (
    '[{{ .CommonLabels.severity }}{{ if eq .Status "resolved" }}, over{{ end }}] {{ .GroupLabels.alertname }}'
    "{{ with .CommonLabels.owner }} ({{ . }}){{ end }}"
)
_MARKDOWN, _SLACK = _lines("[{text}]({url})"), _lines("<{url}|{text}>")


def _chat(kind: Chat, url: str) -> Document:
    """What sends to a chat, in that chat's own words
    (https://prometheus.io/docs/alerting/latest/configuration/#receiver-integration-settings).
    """
    resolved: Document = {"send_resolved": True}
    match kind:
        case "slack":
            slack = {"api_url": url, "title": _TITLE, "title_link": "{{ .ExternalURL }}", "text": _SLACK}
            return {"slack_configs": [slack | resolved]}
        case "teams":
            return {"msteamsv2_configs": [{"webhook_url": url, "title": _TITLE, "text": _MARKDOWN} | resolved]}
        case "discord":
            return {"discord_configs": [{"webhook_url": url, "title": _TITLE, "message": _MARKDOWN} | resolved]}
        case "webhook":
            return {"webhook_configs": [{"url": url} | resolved]}


def _receiver(name: str, settings: Alertmanager, secrets: MonitoringSecrets) -> Document:
    receiver: Document = {"name": name}
    if name == "heartbeat":
        if secrets.heartbeat_url is not None:
            receiver["webhook_configs"] = [{"url": secrets.heartbeat_url.get_secret_value(), "send_resolved": False}]
        return receiver
    kind, url = settings.tickets, secrets.alert_webhook_url
    if name == "page":
        kind, url = settings.pages or kind, secrets.page_webhook_url or url
    if url is not None:
        receiver |= _chat(kind, url.get_secret_value())
    if name == "page" and secrets.pager_key is not None:
        receiver["pagerduty_configs"] = [
            {
                "routing_key": secrets.pager_key.get_secret_value(),
                "description": "{{ .CommonAnnotations.summary }}",
                "details": {
                    "description": "{{ .CommonAnnotations.description }}",
                    "runbook": "{{ .CommonAnnotations.runbook_url }}",
                },
            }
        ]
    return receiver


def alertmanager_yml(settings: Alertmanager, secrets: MonitoringSecrets) -> str:
    """The configuration file. A receiver without a secret keeps its alerts on Alertmanager's own page."""
    document: Document = {
        "route": {
            "receiver": "ticket",
            # One notification for one incident: all pods of a system together.
            "group_by": ["alertname", "system", "pair"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                {
                    "matchers": ['severity="heartbeat"'],
                    "receiver": "heartbeat",
                    "group_wait": "0s",
                    "group_interval": "1m",
                    "repeat_interval": "1m",
                },
                {
                    "matchers": ['severity="page"'],
                    "receiver": "page",
                    "group_wait": "10s",
                    "repeat_interval": "2h",
                },
            ],
        },
        "receivers": [_receiver(name, settings, secrets) for name in ("page", "ticket", "heartbeat")],
        "inhibit_rules": [
            {
                "source_matchers": [_named(said)],
                "target_matchers": [_named(unsaid)],
                **({"equal": list(equal)} if equal else {}),
            }
            for said, unsaid, equal in INHIBITIONS
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, width=110)


def alertmanager_arguments(settings: MonitoringSettings) -> list[str]:
    """The command line; one instance, so no cluster port is opened."""
    return [
        f"--config.file={CONFIG_FILE}",
        f"--storage.path={DATA_DIRECTORY}",
        f"--web.listen-address={settings.listen}:{ALERTMANAGER_PORT}",
        f"--web.external-url={settings.url('alertmanager', ALERTMANAGER_PORT)}",
        "--cluster.listen-address=",
    ]
