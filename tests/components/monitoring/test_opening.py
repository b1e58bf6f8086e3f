"""People reach the tools: by `kubectl port-forward`, and through a sign-in where one is set."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.kubernetes.flows import BALANCER, ROUTE_FLOWS
from components.settings.environment import SettingsError, parse
from policies.rules.kubernetes import no_ingress
from stack.environments import deployed_environments, stack_config
from stack.render import Rendered, render
from stack.resource import Stack
from stack.secret_placeholders import with_placeholders

TOOLS = ("prometheus", "alertmanager", "grafana")
ROUTE = {
    "domain": "tools.example.com",
    "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/0",
    "issuer": "https://id.example.com",
    "authorization_endpoint": "https://id.example.com/authorize",
    "token_endpoint": "https://id.example.com/token",
    "user_info_endpoint": "https://id.example.com/me",
    "client_id": "shop",
}


def _monitoring(**changes: Any) -> dict[str, Any]:
    return {"simone:monitoring": {**stack_config("prod")["simone:monitoring"], **changes}}


def _container(stack: Rendered, tool: str) -> Mapping[str, Any]:
    (found,) = [
        workload.inputs["spec"]["template"]["spec"]["containers"][0]
        for kind in (":StatefulSet", ":Deployment")
        for workload in stack.of(kind)
        if workload.inputs["metadata"]["name"] == tool
    ]
    return found


@pytest.fixture(scope="module")
def routed() -> Rendered:
    url = "https://grafana.tools.example.com"
    return render("prod", config=_monitoring(route=ROUTE, grafana_url=url))


@pytest.mark.parametrize("environment", deployed_environments())
@pytest.mark.parametrize("tool", TOOLS)
def test_it_listens_where_port_forward_dials(rendered: Any, environment: str, tool: str) -> None:
    container = _container(rendered(environment), tool)
    told = [*container.get("args", []), *(entry.get("value", "") for entry in container["env"])]
    port = container["ports"][0]["containerPort"]
    assert f"--web.listen-address=0.0.0.0:{port}" in told or "0.0.0.0" in told


def test_grafana_without_its_address_is_refused() -> None:
    config = stack_config("prod") | _monitoring(grafana_url=None)
    config["simone:secrets"] = with_placeholders(None, None, config)
    with pytest.raises(SettingsError, match=r"simone:monitoring: grafana runs but grafana_url isn't set"):
        parse(config, "prod")


def test_an_alert_links_to_no_grafana_where_there_is_none() -> None:
    stack = render("prod", config=_monitoring(grafana=None, grafana_url=None))
    (rules,) = [found.inputs["data"] for found in stack.of(":ConfigMap") if found.name.endswith("prometheus-rules")]
    assert "runbook_url" in rules["redis.yml"]
    assert not [name for name, text in rules.items() if "dashboard_url" in text]


def test_nothing_leads_to_the_tools_from_outside_unless_it_is_set(rendered: Any) -> None:
    assert not rendered("prod").of(":Ingress")


def test_a_route_asks_who_is_there_before_it_leads_to_a_tool(routed: Rendered) -> None:
    (ingress,) = routed.of(":Ingress")
    said = {name.rpartition("/")[2]: value for name, value in ingress.inputs["metadata"]["annotations"].items()}
    assert (said["auth-type"], said["auth-on-unauthenticated-request"]) == ("oidc", "authenticate")
    provider = json.loads(said["auth-idp-oidc"])
    assert provider["issuer"] == ROUTE["issuer"]
    (client,) = [one for one in routed.of("v1:Secret") if one.inputs["metadata"]["name"] == provider["secretName"]]
    assert client.inputs["stringData"].keys() == {"clientID", "clientSecret"}
    led = {rule["host"]: rule["http"]["paths"][0]["backend"]["service"] for rule in ingress.inputs["spec"]["rules"]}
    assert led.keys() == {f"{tool}.tools.example.com" for tool in TOOLS}
    services = {one.inputs["metadata"]["name"]: one.inputs["spec"]["ports"][0]["port"] for one in routed.of(":Service")}
    assert {service["name"]: service["port"]["number"] for service in led.values()} == {
        tool: services[tool] for tool in TOOLS
    }


def test_the_load_balancer_may_reach_the_tools_only_where_a_route_is_set(rendered: Any, routed: Rendered) -> None:
    def ports(stack: Rendered, tool: str) -> set[int]:
        (spec,) = [one.inputs["spec"] for one in stack.of(":NetworkPolicy") if one.inputs["metadata"]["name"] == tool]
        return {
            port["port"]
            for rule in spec.get("ingress", [])
            if any("ipBlock" in peer for peer in rule["from"])
            for port in rule["ports"]
        }

    for flow in ROUTE_FLOWS:
        assert flow.source == BALANCER
        assert ports(routed, flow.target) == {flow.port}
        assert not ports(rendered("prod"), flow.target)


def test_links_of_notifications_lead_to_the_route(rendered: Any, routed: Rendered) -> None:
    for tool in ("prometheus", "alertmanager"):
        assert f"--web.external-url=https://{tool}.tools.example.com" in _container(routed, tool)["args"]
        port = _container(rendered("prod"), tool)["ports"][0]["containerPort"]
        assert f"--web.external-url=http://127.0.0.1:{port}" in _container(rendered("prod"), tool)["args"]


@pytest.mark.parametrize(("annotation", "value"), [("auth-type", "none"), ("auth-on-unauthenticated-request", "allow")])
def test_the_policy_catches_a_route_without_sign_in(routed: Rendered, annotation: str, value: str) -> None:
    (ingress,) = routed.of(":Ingress")
    parameters = dict(no_ingress.parameters)
    assert not list(no_ingress.check(Stack((ingress,)), parameters))
    changed = copy.deepcopy(ingress)
    changed.inputs["metadata"]["annotations"][f"alb.ingress.kubernetes.io/{annotation}"] = value
    assert list(no_ingress.check(Stack((changed,)), parameters))
