"""Faults are noticed, and somebody knows what to do about them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

import promql_parser

from policies.promql import always_true, is_of_one_moment, longest_offset, metrics_in, never_true
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.configuration_texts import yaml_document
from stack.resource import Resource, Stack, dig

_PROMETHEUS = "https://prometheus.io/docs"


def rules_of(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any], Mapping[str, Any]]]:
    """Alerts and recorded expressions with their holders and groups."""
    for holder, name, text in stack.files():
        if holder.kind != "ConfigMap" or not name.endswith((".yml", ".yaml", ".rules")) or "groups" not in text:
            continue
        for group in dig(yaml_document(text), "groups") or ():
            for entry in dig(group, "rules") or ():
                yield holder, group, entry


def _alerts(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    return ((holder, entry) for holder, _group, entry in rules_of(stack) if dig(entry, "alert"))


@rule(
    "alerts-have-runbooks",
    severity=Severity.MEDIUM,
    protects="Whoever is woken at night would have to find out alone what to do.",
    fix="Add the annotation runbook_url and a severity label, and write the runbook.",
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
    "alerts-can-fire",
    severity=Severity.HIGH,
    protects="An alert that can't fire is worse than none: everybody relies on it.",
    fix="Correct the expression; `for` is {hours} hours at most.",
    link=f"{_PROMETHEUS}/prometheus/latest/querying/basics/",
    parameters={"hours": 24, "minutes": 60, "days": 15, "severities": ["page", "ticket", "heartbeat"]},
)
def can_fire(stack: Stack, parameters: Parameters) -> Findings:
    """Every rule is PromQL over the last `days`. An alert can become true, isn't always true (a heartbeat is), holds
    for `hours` at most and is evaluated at least every `minutes`.
    """
    rules = [*rules_of(stack)]
    recorded = {str(name) for _, _, entry in rules if (name := dig(entry, "record"))}
    heartbeats = [entry for _, _, entry in rules if dig(entry, "labels", "severity") == HEARTBEAT]
    if any(dig(entry, "alert") for _, _, entry in rules) and not heartbeats:
        yield Finding("there is no heartbeat alert, without which nobody notices that alerts have stopped")
    for holder, group, entry in rules:
        name = dig(entry, "alert") or dig(entry, "record")
        try:
            expression = promql_parser.parse(str(dig(entry, "expr") or ""))
            waits, keeps, pause = (
                duration(part) for part in (dig(entry, "for"), dig(entry, "keep_firing_for"), dig(group, "interval"))
            )
        except ValueError as error:
            yield Finding(f"the rule {name} is no PromQL: {error}", holder)
            continue
        if pause > timedelta(minutes=parameters["minutes"]):
            yield Finding(f"the rule {name} is evaluated only every {dig(group, 'interval')}", holder)
        yield from (Finding(f"the rule {name} {fault}", holder) for fault in _faults(expression, recorded, parameters))
        if not dig(entry, "alert"):
            continue
        if reason := never_true(expression):
            yield Finding(f"the alert {name} can never fire: {reason}", holder)
        elif always_true(expression) is not (dig(entry, "labels", "severity") == HEARTBEAT):
            always = "always fires" if always_true(expression) else "is a heartbeat and doesn't always fire"
            yield Finding(f"the alert {name} {always}: {expression}", holder)
        for told, time in (("waits for", waits), ("keeps firing for", keeps)):
            if time > timedelta(hours=parameters["hours"]):
                yield Finding(f"the alert {name} {told} {time.total_seconds() / 3600:g} hours", holder)
        severity = dig(entry, "labels", "severity")
        if severity and severity not in parameters["severities"]:
            yield Finding(f"the alert {name} has the severity {severity}, for which nobody is notified", holder)


HEARTBEAT = "heartbeat"
"""The severity of the alert that always fires, whose absence an outside service notices."""


def _faults(expression: promql_parser.Expr, recorded: Collection[str], parameters: Parameters) -> Iterator[str]:
    """Parts of an expression for which there are never values."""
    offset = longest_offset(expression)
    if offset < timedelta(0) or offset > timedelta(days=parameters["days"]):
        yield f"uses values of {abs(offset)} {'ago' if offset > timedelta(0) else 'ahead'}, which don't exist"
    if is_of_one_moment(expression):
        yield "always uses the same moment (@)"
    for metric in metrics_in(expression):
        if ":" in metric and metric not in recorded:
            yield f"uses {metric}, which no rule records"


def duration(text: Any) -> timedelta:
    """A Prometheus duration, also 0, which its parser refuses. Raises ValueError."""
    given = str(text or "0s")
    return promql_parser.parse_duration(given) if given.strip("0smhd") else timedelta(0)


@rule(
    "exporters-are-there",
    severity=Severity.HIGH,
    protects="Without its exporter a system fails unseen.",
    fix="Declare the exporter again, or take it off the list in its own commit.",
    link=f"{_PROMETHEUS}/instrumenting/exporters/",
    parameters={"exporters": ["prometheus", "alertmanager", "postgres-exporter", "backup-exporter"]},
)
def exporters(stack: Stack, parameters: Parameters) -> Findings:
    """Prometheus, Alertmanager and the exporters are declared."""
    running = {server.system for server in stack.workloads if server.is_server}
    for name in parameters["exporters"]:
        if name not in running:
            yield Finding(f"{name} isn't declared")
    if "prometheus" in running and not any(True for _ in _alerts(stack)):
        yield Finding("there is no alert")


@rule(
    "servers-are-scraped",
    severity=Severity.MEDIUM,
    protects="A server without metrics fails unseen.",
    fix='Name the metrics port `metrics`; annotate the pods prometheus.io/scrape: "true".',
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
    protects="After a restart there would be no history, and no burn rates for days.",
    fix="Give Prometheus a volume claim.",
    link=f"{_PROMETHEUS}/prometheus/latest/storage/",
)
def keeps_data(stack: Stack, _: Parameters) -> Findings:
    """Prometheus keeps its data across restarts."""
    for server in stack.of(":Deployment", ":StatefulSet"):
        if server.system == "prometheus" and not server.get("spec", "volumeClaimTemplates"):
            yield Finding("its data is lost at a restart", server)
