"""That what goes wrong is seen, and that somebody knows what to do then."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import promql_parser
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
    "alerts-can-fire",
    severity=Severity.HIGH,
    protects="An alert that can't fire is worse than none: everybody counts on it.",
    fix="Mend the expression; `for` is {hours} hours at most.",
    link=f"{_PROMETHEUS}/prometheus/latest/querying/basics/",
    parameters={"hours": 24},
)
def can_fire(stack: Stack, parameters: Parameters) -> Findings:
    """Every alert's expression is PromQL that can be true, and is waited for no longer than `hours`."""
    for holder, alert in _alerts(stack):
        name = dig(alert, "alert")
        try:
            expression = promql_parser.parse(str(dig(alert, "expr")))
            given = str(dig(alert, "for") or "0s")
            waits = promql_parser.parse_duration(given) if given.strip("0smhd") else timedelta(0)
        except ValueError as error:
            yield Finding(f"the alert {name} is no PromQL: {error}", holder)
            continue
        if reason := never_true(expression):
            yield Finding(f"the alert {name} can never fire: {reason}", holder)
        if waits > timedelta(hours=parameters["hours"]):
            yield Finding(f"the alert {name} waits for {dig(alert, 'for')}", holder)


_NEVER_NEGATIVE = {"rate", "irate", "increase", "count_over_time", "absent", "changes", "resets", "abs", "sqrt"}


def never_true(expression: promql_parser.Expr) -> str | None:
    """Why an expression gives nothing whatever is measured; None where that can't be said."""
    match expression:
        case promql_parser.ParenExpr(expr=inner):
            return never_true(inner)
        case promql_parser.AggregateExpr(expr=inner):
            return never_true(inner)
        case promql_parser.BinaryExpr(lhs=left, rhs=right):
            return _binary(str(expression.op).rpartition(".")[2].lower(), left, right)
        case _:
            return None


def _binary(operator_: str, left: promql_parser.Expr, right: promql_parser.Expr) -> str | None:
    match operator_:
        case "or":
            reason = never_true(left) and never_true(right)
        case "unless":
            reason = f"{left} unless itself" if str(left) == str(right) else never_true(left)
        case "and" if _contradict(left, right):
            reason = f"{left} and {right} contradict each other"
        case _:
            reason = _comparison(operator_, left, right) or never_true(left) or never_true(right)
    return reason


def _comparison(operator_: str, left: promql_parser.Expr, right: promql_parser.Expr) -> str | None:
    compared = _compared(operator_, left, right)
    if compared is None:
        return None
    what, low, high = compared
    if isinstance(what, promql_parser.NumberLiteral):
        return None if low <= what.val <= high else f"{left} against {right} is false whatever is measured"
    return f"{what} is never below 0" if high < 0 and _never_negative(what) else None


_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "=="}
_SYMBOLS = {"gtr": ">", "lss": "<", "gte": ">=", "lte": "<=", "eqlc": "==", "neq": "!="}


def _compared(operator_: str, left: Any, right: Any) -> tuple[Any, float, float] | None:
    """What is compared with a number, and between which bounds it must lie; a hair inside of them for < and >."""
    symbol = _SYMBOLS.get(operator_, operator_)
    bound = _constant(right)
    if bound is None and (bound := _constant(left)) is not None:
        left, symbol = right, _FLIPPED.get(symbol, symbol)
    if bound is None:
        return None
    inf = math.inf
    bounds = {
        ">": (math.nextafter(bound, inf), inf),
        ">=": (bound, inf),
        "<": (-inf, math.nextafter(bound, -inf)),
        "<=": (-inf, bound),
        "==": (bound, bound),
    }
    return (_plain(left), *bounds[symbol]) if symbol in bounds else None


def _plain(expression: Any) -> Any:
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    if isinstance(expression, promql_parser.Call) and expression.func.name == "vector":
        return _plain(expression.args[0])
    return expression


def _constant(expression: Any) -> float | None:
    plain = _plain(expression)
    if isinstance(plain, promql_parser.UnaryExpr):
        inner = _constant(plain.expr)
        return None if inner is None else -inner
    return plain.val if isinstance(plain, promql_parser.NumberLiteral) else None


def _never_negative(expression: Any) -> bool:
    plain = _plain(expression)
    if isinstance(plain, promql_parser.AggregateExpr):
        return str(plain.op).rpartition(".")[2].lower() == "count" or _never_negative(plain.expr)
    return isinstance(plain, promql_parser.Call) and plain.func.name in _NEVER_NEGATIVE


def _contradict(left: Any, right: Any) -> bool:
    """Whether both compare the same with numbers, and no value is within both bounds."""
    sides = [
        _compared(str(side.op).rpartition(".")[2].lower(), side.lhs, side.rhs)
        for side in map(_unwrapped, (left, right))
        if isinstance(side, promql_parser.BinaryExpr)
    ]
    if len(sides) != 2 or None in sides:
        return False
    (what, low, high), (other, lower, higher) = (side for side in sides if side is not None)
    return str(what) == str(other) and max(low, lower) > min(high, higher)


def _unwrapped(expression: Any) -> Any:
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    return expression


@rule(
    "exporters-are-there",
    severity=Severity.HIGH,
    protects="Without its exporter a system fails unseen: its alerts have nothing to compare.",
    fix="Declare the exporter again, or take it off the list in a commit of its own.",
    link=f"{_PROMETHEUS}/instrumenting/exporters/",
    parameters={"exporters": ["prometheus", "alertmanager", "postgres-exporter", "backup-exporter"]},
)
def exporters(stack: Stack, parameters: Parameters) -> Findings:
    """What measures the systems and raises the alarm is declared."""
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
