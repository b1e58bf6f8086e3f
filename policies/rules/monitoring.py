"""That what goes wrong is seen, and that somebody knows what to do then."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig

_PROMETHEUS = "https://prometheus.io/docs"


def _alerts(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    for holder, name, text in stack.files():
        if holder.kind != "ConfigMap" or not name.endswith((".yml", ".yaml", ".rules")) or "alert:" not in text:
            continue
        for group in dig(yaml.safe_load(text), "groups") or ():
            for entry in dig(group, "rules") or ():
                if dig(entry, "alert"):
                    yield holder, entry


@rule(
    "alerts-have-runbooks",
    severity=Severity.MEDIUM,
    protects="Whoever is woken at night has to find out alone what to do.",
    fix="Give the alert an annotation runbook_url and a severity label, and write the page.",
    link=f"{_PROMETHEUS}/prometheus/latest/configuration/alerting_rules/",
)
def runbooks(stack: Stack, _: Parameters) -> Findings:
    """Every alert has a severity and a runbook."""
    for holder, alert in _alerts(stack):
        if not dig(alert, "annotations", "runbook_url"):
            yield Finding(f"the alert {dig(alert, 'alert')} has no runbook", holder)
        if not dig(alert, "labels", "severity"):
            yield Finding(f"the alert {dig(alert, 'alert')} has no severity", holder)


@rule(
    "servers-are-scraped",
    severity=Severity.MEDIUM,
    protects="A server without metrics fails unseen.",
    fix='Name the metrics port `metrics` and annotate the pods prometheus.io/scrape: "true".',
    link=f"{_PROMETHEUS}/prometheus/latest/configuration/configuration/#kubernetes_sd_config",
    types=(":Deployment", ":StatefulSet", ":DaemonSet"),
    parameters={"exempt": ["grafana"]},
)
def scraped(server: Resource, parameters: Parameters) -> Findings:
    """Prometheus scrapes every server; `exempt` lists those without metrics."""
    if server.system in parameters["exempt"]:
        return
    annotation = dig(server.pod_template, "metadata", "annotations", "prometheus.io/scrape")
    ports = {dig(port, "name") for container in server.containers(init=False) for port in dig(container, "ports") or ()}
    if annotation != "true":
        yield Finding("its pods aren't annotated for scraping", server)
    if "metrics" not in ports:
        yield Finding("it has no port named metrics", server)


@rule(
    "prometheus-keeps-data",
    severity=Severity.MEDIUM,
    protects="After a restart there would be nothing to compare with, and no burn rates for days.",
    fix="Give Prometheus a volume claim.",
    link=f"{_PROMETHEUS}/prometheus/latest/storage/",
)
def keeps_data(stack: Stack, _: Parameters) -> Findings:
    """Prometheus keeps its data over a restart."""
    for server in stack.of(":Deployment", ":StatefulSet"):
        if server.system == "prometheus" and not server.get("spec", "volumeClaimTemplates"):
            yield Finding("its data is lost at a restart", server)
