"""Who may talk to whom, judged from the rendered NetworkPolicies as a cluster would judge them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.kubernetes.flows import (
    API_PORT,
    BALANCER,
    DNS,
    EDGE,
    FLOWS,
    HTTPS,
    KUBELET,
    MAIL,
    OUTSIDE,
    POSTGRES,
    systems,
)
from stack.environments import environments, stack_config
from stack.render import Rendered, render

NAME = "app.kubernetes.io/name"


def _policies(rendered: Rendered) -> list[Mapping[str, Any]]:
    return [policy.inputs["spec"] for policy in rendered.of(":NetworkPolicy")]


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _labels(system: str) -> dict[str, str]:
    return {NAME: system, "app.kubernetes.io/part-of": "simone"}


def _allows(rule: Mapping[str, Any], side: str, system: str, port: int) -> bool:
    if port not in [entry["port"] for entry in rule.get("ports", [])]:
        return False
    return any(
        "podSelector" in peer and "namespaceSelector" not in peer and _selects(peer["podSelector"], _labels(system))
        for peer in rule[side]
    )


def _may(rendered: Rendered, source: str, target: str, port: int) -> bool:
    """Both ends must allow it: the source's egress and the target's ingress."""
    outgoing = [spec for spec in _policies(rendered) if _selects(spec["podSelector"], _labels(source))]
    incoming = [spec for spec in _policies(rendered) if _selects(spec["podSelector"], _labels(target))]
    return any(_allows(rule, "to", target, port) for spec in outgoing for rule in spec.get("egress", [])) and any(
        _allows(rule, "from", source, port) for spec in incoming for rule in spec.get("ingress", [])
    )


def _pods(rendered: Rendered) -> Iterator[Mapping[str, Any]]:
    """Every pod template, with its labels as `labels`."""
    for kind in (":StatefulSet", ":Deployment", ":Job", ":CronJob"):
        for workload in rendered.of(kind):
            spec = workload.inputs["spec"]
            template = spec["jobTemplate"]["spec"]["template"] if kind == ":CronJob" else spec["template"]
            yield {**template["spec"], "labels": template["metadata"]["labels"]}


def test_exactly_the_table_s_flows_are_allowed_between_systems(environment: Rendered) -> None:
    ports = {flow.port for flow in FLOWS}
    allowed = {
        (source, target, port)
        for source in systems()
        for target in systems()
        for port in ports
        if _may(environment, source, target, port)
    }
    wanted = {(flow.source, flow.target, flow.port) for flow in FLOWS if not {flow.source, flow.target} & OUTSIDE}
    assert allowed == wanted


def test_nobody_but_the_gateway_and_the_storefront_reaches_the_api(environment: Rendered) -> None:
    """Both say a visitor's address as they know it, or nothing: X-Real-IP is believed (app.api.routes.parameters)."""
    assert {system for system in systems() if _may(environment, system, "api", API_PORT)} == {"gateway", "storefront"}


def test_what_the_table_does_not_name_is_denied_in_both_directions(environment: Rendered) -> None:
    deny = [spec for spec in _policies(environment) if spec["podSelector"] == {}]
    assert [spec["policyTypes"] for spec in deny] == [["Ingress", "Egress"]]
    assert "ingress" not in deny[0]
    assert "egress" not in deny[0]


def test_the_outside_is_reached_only_as_the_table_says(environment: Rendered) -> None:
    services = {"ipBlock": {"cidr": stack_config(environment.environment)["simone:aws"].get("service_cidr")}}
    reached = {
        (policy.inputs["metadata"]["name"], rule["ports"][0]["port"])
        for policy in environment.of(":NetworkPolicy")
        for rule in policy.inputs["spec"].get("egress", [])
        if any("ipBlock" in peer and peer != services for peer in rule["to"])
    }
    mail = stack_config(environment.environment)["simone:api"]["mail"]
    to_mail = {(flow.source, mail.get("port", flow.port)) for flow in FLOWS if flow.target == MAIL}
    by_address = {(flow.source, flow.port) for flow in FLOWS if flow.target in (HTTPS, KUBELET, POSTGRES)}
    assert reached == to_mail | by_address
    entered = {
        policy.inputs["metadata"]["name"]
        for policy in environment.of(":NetworkPolicy")
        for rule in policy.inputs["spec"].get("ingress", [])
        if any("ipBlock" in peer for peer in rule["from"])
    }
    assert entered == {flow.target for flow in FLOWS if flow.source in (EDGE, BALANCER)}
    assert DNS not in {flow.target for flow in FLOWS}, "every system may resolve names"


def test_the_gateway_is_entered_by_cloudflare_and_by_its_load_balancer_s_health_checks(
    rendered: Callable[[str], Rendered],
) -> None:
    prod = rendered("prod")
    door = next(service for service in prod.of(":Service") if service.inputs["spec"].get("type") == "LoadBalancer")
    policy = next(p for p in prod.of(":NetworkPolicy") if p.inputs["metadata"]["name"] == "gateway")
    entered = {
        peer["ipBlock"]["cidr"]
        for rule in policy.inputs["spec"]["ingress"]
        for peer in rule["from"]
        if "ipBlock" in peer
        and rule["ports"] == [{"protocol": "TCP", "port": door.inputs["spec"]["ports"][0]["targetPort"]}]
    }
    vpc = stack_config("prod")["simone:aws"]["vpc_cidr"]
    assert entered == {vpc, *door.inputs["spec"]["loadBalancerSourceRanges"]}


def test_a_gateway_s_pod_is_ready_only_when_the_load_balancer_has_taken_it_in(environment: Rendered) -> None:
    (namespace,) = environment.of(":Namespace")
    assert namespace.inputs["metadata"]["labels"]["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_every_pod_has_a_policy_of_its_own(environment: Rendered) -> None:
    without = {pod["labels"][NAME] for pod in _pods(environment)} - set(systems())
    assert not without, f"add the flows of {without} to components/kubernetes/flows.py: all else is denied"


def test_every_system_of_the_table_is_declared_somewhere(rendered: Any) -> None:
    declared = {pod["labels"][NAME] for env in environments() for pod in _pods(rendered(env))}
    gone = set(systems()) - declared
    assert not gone, f"no environment declares {gone}, which a flow of components/kubernetes/flows.py names"


def test_every_address_that_a_pod_is_given_is_one_that_it_may_call(environment: Rendered) -> None:
    services = {
        service.inputs["metadata"]["name"].upper().replace("-", "_"): service.inputs["spec"]["selector"][NAME]
        for service in environment.of(":Service")
    }
    denied: list[str] = []
    for pod in _pods(environment):
        source = pod["labels"][NAME]
        texts = [
            str(variable.get("value", ""))
            for container in [*pod["containers"], *pod.get("initContainers", [])]
            for variable in container.get("env", [])
        ]
        for name in re.findall(r"\$\((\w+)_SERVICE_HOST\)", " ".join(texts)):
            target = services[name]
            if not any((flow.source, flow.target) == (source, target) for flow in FLOWS):
                denied.append(f"{source} is given the address of {target}, which no flow lets it call")
    assert denied == []


def test_only_the_worker_reaches_the_mail_server_and_nobody_where_there_is_none() -> None:
    def openings(mail: Mapping[str, Any] | None) -> set[tuple[str, str, int]]:
        api = {key: value for key, value in stack_config("prod")["simone:api"].items() if key != "mail"}
        made = render("prod", config={"simone:api": api | ({"mail": mail} if mail else {})})
        return {
            (policy.inputs["metadata"]["name"], peer["ipBlock"]["cidr"], rule["ports"][0]["port"])
            for policy in made.of(":NetworkPolicy")
            for rule in policy.inputs["spec"].get("egress", [])
            for peer in rule["to"]
            if "ipBlock" in peer
        }

    server = {"host": "mail.example.com", "port": 465, "security": "tls", "sender": "a@b.c", "cidrs": ["192.0.2.0/28"]}
    assert openings(server) - openings(None) == {("api-worker", "192.0.2.0/28", 465)}


def test_services_of_single_pods_are_reached_by_address_too() -> None:
    """A policy by labels alone has dropped what Redis sent to Redis through such a Service (VPC CNI)."""
    given = stack_config("prod")["simone:aws"]
    rendered = render("prod", config={"simone:aws": given | {"service_cidr": "10.100.0.0/16"}})
    block = {"ipBlock": {"cidr": "10.100.0.0/16"}}
    by_address = {
        (policy.inputs["metadata"]["name"], entry["port"])
        for policy in rendered.of(":NetworkPolicy")
        for rule in policy.inputs["spec"].get("egress", [])
        if block in rule["to"]
        for entry in rule["ports"]
    }
    own = {"redis", "redis-sentinel", "gateway"}
    assert by_address == {
        (flow.source, flow.port) for flow in FLOWS if flow.target in own and flow.source not in OUTSIDE
    }
    selectors = [each.inputs["spec"].get("selector") or {} for each in rendered.of("core/v1:Service")]
    assert {each[NAME] for each in selectors if "statefulset.kubernetes.io/pod-name" in each} == own
    without = render("prod", config={"simone:aws": {key: text for key, text in given.items() if key != "service_cidr"}})
    assert not [policy for policy in without.of(":NetworkPolicy") if "10.100" in str(policy.inputs)]
