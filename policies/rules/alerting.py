"""Prometheus's findings become alerts, and each alert reaches somebody."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import promql_parser

from policies.promql import metrics_in
from policies.rule import Finding, Findings, Parameters, Severity, rule
from policies.rules.monitoring import HEARTBEAT, duration, rules_of
from stack.configuration_texts import yaml_document
from stack.resource import Resource, Stack, dig

_DOCS = "https://prometheus.io/docs"
_MATCHER = re.compile(r'\s*"?([\w:.]+)"?\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}\s]*))\s*')
_SAID_AT_ALL_TIMES = ("mute_time_intervals", "active_time_intervals")
_URGENCY = (HEARTBEAT, "page", "ticket")
"""Severities, the most urgent first."""

Labels = Mapping[str, str]
Document = Mapping[str, Any]


class _Unsupported(Exception):
    """A part of the configuration that these rules can't judge, in its own words."""


@rule(
    "alerts-reach-somebody",
    severity=Severity.HIGH,
    protects="An alert that is muted, unsent or a day late is none.",
    fix="Leave alertmanager.yml as components/monitoring/config/alertmanager.py writes it.",
    link=f"{_DOCS}/alerting/latest/configuration/",
    parameters={"targets": 12, "wait_minutes": 5, "group_minutes": 30, "repeat_hours": 24},
)
def reach_somebody(stack: Stack, parameters: Parameters) -> Findings:
    """Every alert reaches its severity's receiver, in time and when it ends. Only a broader alert hides it, and hides
    `targets` alerts at most.
    """
    alerts = [
        {"alertname": str(name), **{key: str(value) for key, value in (dig(entry, "labels") or {}).items()}}
        for _, _, entry in rules_of(stack)
        if (name := dig(entry, "alert"))
    ]
    texts = [(holder, text) for holder, _, text in stack.files("alertmanager.yml")]
    if alerts and not texts:
        yield Finding("there is no alertmanager.yml, so no alert is sent")
    for holder, text in texts:
        document: Document = yaml_document(text) or {}
        try:
            for fault in (*_unsent(document, alerts, parameters), *_hidden(document, alerts, parameters)):
                yield Finding(fault, holder)
        except _Unsupported as what:
            yield Finding(f"these rules can't judge {what}", holder)


def _unsent(document: Document, alerts: Sequence[Labels], parameters: Parameters) -> Iterator[str]:
    receivers: dict[str, Document] = {dig(one, "name"): one for one in dig(document, "receivers") or ()}
    root: Document = dig(document, "route") or {}
    unknown = {*document} - {"global", "route", "receivers", "inhibit_rules", "templates", "time_intervals"}
    if unknown or dig(document, "global", "http_config"):
        raise _Unsupported(", ".join(sorted(unknown)) or "global.http_config")
    for severity in dict.fromkeys(alert.get("severity", "") for alert in alerts):
        of_it = [alert for alert in alerts if alert.get("severity", "") == severity]
        for alert in of_it:
            reached = [*_routes(root, alert, {})]
            names = [str(route.get("receiver")) for route in reached]
            if wrong := [name for name in names if name not in receivers]:
                yield f"{alert['alertname']} goes to the receiver {wrong[0]}, which there isn't"
            if severity not in names:
                yield f"{alert['alertname']} has the severity {severity}, but goes to {' and '.join(names) or 'nobody'}"
            for route in reached:
                yield from _late(route, alert["alertname"], parameters)
    for name, receiver in receivers.items():
        for kind, entries in receiver.items():
            if name != HEARTBEAT and any(dig(one, "send_resolved") is False for one in entries if kind != "name"):
                yield f"the receiver {name} isn't told when an alert is over"


def _routes(route: Document, alert: Labels, above: Document) -> Iterator[Document]:
    """The routes that an alert takes, each with the settings that it inherits."""
    inherited = {key: value for key, value in above.items() if key not in ("routes", "matchers", "continue")}
    merged = {**inherited, **route}
    taken = False
    for below in route.get("routes") or ():
        if _matches(below, alert, ""):
            taken = True
            own = {key: value for key, value in merged.items() if key not in ("match", "match_re")}
            yield from _routes(below, alert, own)
            if not below.get("continue"):
                break
    if not taken:
        yield merged


def _matches(holder: Document, alert: Labels, prefix: str) -> bool:
    """Whether the matchers of a route, or those of one side of an inhibition, match."""
    wanted = [(name, "=", str(value)) for name, value in (holder.get(f"{prefix}match") or {}).items()]
    wanted += [(name, "=~", str(value)) for name, value in (holder.get(f"{prefix}match_re") or {}).items()]
    for text in holder.get(f"{prefix}matchers") or ():
        for part in re.split(r",(?=\s*[\w:.]+\s*[=!])", str(text).strip().strip("{}")):
            found = _MATCHER.fullmatch(part)
            if found is None:
                raise _Unsupported(f"the matcher {text}")
            wanted.append((found[1], found[2], found[3] if found[3] is not None else found[4]))
    return all(_has(alert.get(name, ""), kind, value) for name, kind, value in wanted)


def _has(value: str, kind: str, wanted: str) -> bool:
    same = bool(re.fullmatch(wanted, value)) if kind.endswith("~") else value == wanted
    return same is not kind.startswith("!")


def _late(route: Document, alert: str, parameters: Parameters) -> Iterator[str]:
    for name in _SAID_AT_ALL_TIMES:
        if route.get(name):
            yield f"{alert} isn't sent at all times ({name})"
    for name, most in (
        ("group_wait", timedelta(minutes=parameters["wait_minutes"])),
        ("group_interval", timedelta(minutes=parameters["group_minutes"])),
        ("repeat_interval", timedelta(hours=parameters["repeat_hours"])),
    ):
        if duration(route.get(name)) > most:
            yield f"{alert} is sent late: {name} is {route.get(name)}"


def _hidden(document: Document, alerts: Sequence[Labels], parameters: Parameters) -> Iterator[str]:
    """Inhibitions that hide too much: everything, something more urgent, or always."""
    for entry in dig(document, "inhibit_rules") or ():
        sources = [alert for alert in alerts if _matches(entry, alert, "source_")]
        targets = [alert for alert in alerts if _matches(entry, alert, "target_")]
        where = f"the inhibition of {', '.join(map(str, entry.get('target_matchers') or ())) or 'everything'}"
        if len(targets) > parameters["targets"]:
            yield f"{where} hides {len(targets)} alerts"
        for source in sources:
            if source.get("severity") == HEARTBEAT:
                yield f"{where} always holds: {source['alertname']} always fires"
            for target in targets:
                if target != source and _urgency(target) < _urgency(source):
                    yield f"{where} hides {target['alertname']}, which is more urgent than {source['alertname']}"


def _urgency(alert: Labels) -> int:
    severity = alert.get("severity", "")
    return _URGENCY.index(severity) if severity in _URGENCY else len(_URGENCY)


@rule(
    "prometheus-watches",
    severity=Severity.HIGH,
    protects="What it doesn't scrape, evaluate or pass on fails unseen.",
    fix="Leave prometheus.yml as components/monitoring/config/prometheus.py writes it.",
    link=f"{_DOCS}/prometheus/latest/configuration/configuration/",
    parameters={"seconds": 60},
)
def watches(stack: Stack, parameters: Parameters) -> Findings:
    """Prometheus scrapes every server, evaluates its rules and notifies Alertmanager, at least every `seconds`."""
    for holder, _, text in stack.files("prometheus.yml"):
        document: Document = yaml_document(text) or {}
        if "scrape_configs" not in document:
            continue  # another's: Grafana calls its data sources so
        try:
            for fault in (*_unwatched(stack, document), *_seldom(document, parameters)):
                yield Finding(fault, holder)
        except (_Unsupported, re.error) as what:
            yield Finding(f"these rules can't judge {what}", holder)


def _unwatched(stack: Stack, document: Document) -> Iterator[str]:
    known = {"global", "rule_files", "alerting", "scrape_configs", "storage", "tracing"}
    if unknown := sorted({*document} - known):
        raise _Unsupported(", ".join(unknown))
    rules = [*rules_of(stack)]
    rule_files = [str(pattern) for pattern in dig(document, "rule_files") or ()]
    if rules and not any(path.endswith("/*.yml") for path in rule_files):
        yield "it reads no rules"
    if dig(document, "alerting", "alert_relabel_configs"):
        yield "it changes or drops alerts before they reach Alertmanager"
    jobs: Sequence[Document] = dig(document, "scrape_configs") or ()
    tellers = [{"relabel_configs": (), **one} for one in dig(document, "alerting", "alertmanagers") or ()]
    for server in stack.of(":Deployment", ":StatefulSet", ":DaemonSet"):
        if dig(server.pod_template, "metadata", "annotations", "prometheus.io/scrape") != "true":
            continue
        facts = _facts(server)
        asked = [job for job in jobs if _asks_pods(job) and _kept(job, facts) is not None]
        if not asked:
            yield f"it scrapes no pod of {server.name}"
        for job in asked:
            yield from _dropped(job)
        if server.system == "alertmanager" and not any(_kept(one, facts) is not None for one in tellers):
            yield "it doesn't send alerts to Alertmanager"
    asked_for = {metric for _, _, entry in rules for metric in _metrics(dig(entry, "expr"))}
    in_cluster = any(job.get("kubernetes_sd_configs") for job in jobs)
    nodes = any(dig(one, "role") == "node" for job in jobs for one in job.get("kubernetes_sd_configs") or ())
    if in_cluster and not nodes and any(metric.startswith("kubelet_") for metric in asked_for):
        yield "it scrapes no kubelet, but there are alerts on volumes"
    if not tellers and rules:
        yield "it sends alerts to no Alertmanager"


def _metrics(expression: Any) -> Iterator[str]:
    try:
        yield from metrics_in(promql_parser.parse(str(expression)))
    except ValueError:
        return  # alerts-can-fire reports it


def _asks_pods(job: Document) -> bool:
    """Whether it discovers pods: in a cluster, or by the files that stand for it on one machine."""
    return bool(job.get("file_sd_configs")) or any(
        dig(one, "role") == "pod" for one in job.get("kubernetes_sd_configs") or ()
    )


def _dropped(job: Document) -> Iterator[str]:
    for step in job.get("metric_relabel_configs") or ():
        if step.get("action") in ("drop", "keep"):
            yield f"its job {job.get('job_name')} drops metrics"


def _facts(server: Resource) -> dict[str, str]:
    """The labels that discovery gives a server's pod (prometheus.io/docs, kubernetes_sd_config)."""
    meta = "__meta_kubernetes_pod_"
    facts = {f"{meta}name": f"{server.object_name}-0", f"{meta}phase": "Running", f"{meta}node_name": "node"}
    facts[f"{meta}container_port_name"] = "metrics"
    for part, given in (
        ("label", server.pod_labels),
        ("annotation", dig(server.pod_template, "metadata", "annotations") or {}),
    ):
        facts |= {f"{meta}{part}_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": str(value) for key, value in given.items()}
    return facts


def _kept(job: Document, facts: Labels) -> Labels | None:
    """A target's labels after relabelling; None where it is dropped."""
    labels = {"job": str(job.get("job_name", "")), **facts}
    for step in job.get("relabel_configs") or ():
        action, pattern = str(step.get("action", "replace")).lower(), str(step.get("regex", "(.*)"))
        value = str(step.get("separator", ";")).join(labels.get(name, "") for name in step.get("source_labels") or ())
        found = re.fullmatch(pattern, value)
        if action in ("keep", "drop"):
            if (found is None) is (action == "keep"):
                return None
        elif action == "replace":
            if found:
                replacement = re.sub(r"\$\{?(\d+)\}?", r"\\\1", str(step.get("replacement", "$1")))
                labels[str(step.get("target_label"))] = found.expand(replacement)
        elif action not in ("labelmap", "labeldrop", "labelkeep"):
            raise _Unsupported(f"the relabelling {action}")
    return labels


def _seldom(document: Document, parameters: Parameters) -> Iterator[str]:
    most = timedelta(seconds=parameters["seconds"])
    everywhere: Document = dig(document, "global") or {}
    pauses = {f"global.{name}": everywhere.get(name, "1m") for name in ("scrape_interval", "evaluation_interval")}
    for job in dig(document, "scrape_configs") or ():
        pauses[f"scrape_interval of {job.get('job_name')}"] = job.get("scrape_interval", "0s")
    for name, pause in pauses.items():
        if duration(pause) > most:
            yield f"its {name} is {pause}"
