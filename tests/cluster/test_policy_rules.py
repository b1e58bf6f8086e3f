"""NetworkPolicies become rules of a node; what isn't understood is named."""

from typing import Any

import pytest

from cluster.network_policies import UnsupportedPolicy, ruleset


def pod(name: str, node: str, address: str, **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"nodeName": node},
        "status": {"podIP": address, "phase": "Running"},
        **more,
    }


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "shop", "uid": "1"}, "spec": spec}


def chains(text: str) -> dict[str, list[str]]:
    """The lines of each chain."""
    found: dict[str, list[str]] = {}
    for part in text.split("  chain ")[1:]:
        name, _, body = part.partition(" {\n")
        found[name] = [line.strip() for line in body.partition("  }")[0].splitlines()]
    return found


PODS = [pod("api", "a", "10.0.0.1"), pod("db", "a", "10.0.0.2"), pod("db", "b", "10.0.1.2")]
TO_DB = {"podSelector": {"matchLabels": {"app": "db"}}}
FROM_API = {"podSelector": {"matchLabels": {"app": "api"}}}


def test_a_selected_pod_lets_in_what_the_policy_says_and_drops_the_rest() -> None:
    rule = {"from": [FROM_API], "ports": [{"protocol": "TCP", "port": 5432}]}
    text = ruleset("a", [policy(**TO_DB, policyTypes=["Ingress"], ingress=[rule])], PODS, {})
    found = chains(text)
    assert found["ingress_10_0_0_2"] == ["ip saddr { 10.0.0.1/32 } tcp dport 5432 return", "counter drop"]
    assert found["forward"][-1] == "ip daddr 10.0.0.2 jump ingress_10_0_0_2"
    assert set(found) == {"ingress_10_0_0_2", "forward", "input"}


def test_a_node_has_rules_for_its_own_pods_alone() -> None:
    policies = [policy(**TO_DB, policyTypes=["Ingress", "Egress"])]
    found = chains(ruleset("b", policies, PODS, {}))
    assert set(found) == {"ingress_10_0_1_2", "egress_10_0_1_2", "forward", "input"}
    assert found["input"][-1] == "ip saddr 10.0.1.2 jump egress_10_0_1_2", "what a pod sends to its own node"


def test_peers_that_nobody_is_open_nothing() -> None:
    nobody = {"podSelector": {"matchLabels": {"app": "gone"}}}
    text = ruleset("a", [policy(**TO_DB, policyTypes=["Ingress"], ingress=[{"from": [nobody]}])], PODS, {})
    assert chains(text)["ingress_10_0_0_2"] == ["counter drop"]


def test_what_is_accepted_by_one_policy_is_accepted() -> None:
    one = policy(**TO_DB, policyTypes=["Ingress"], ingress=[{"ports": [{"port": 1}]}])
    two = policy(**TO_DB, policyTypes=["Ingress"], ingress=[{"ports": [{"port": 2}]}])
    two["metadata"]["uid"] = "2"
    lines = chains(ruleset("a", [one, two], PODS, {}))["ingress_10_0_0_2"]
    assert lines == ["tcp dport 1 return", "tcp dport 2 return", "counter drop"]


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"podSelector": {"matchExpressions": []}}, "matchExpressions"),
        ({**TO_DB, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}, "except"),
        ({**TO_DB, "ingress": [{"ports": [{"port": 1, "endPort": 9}]}]}, "endPort"),
        ({**TO_DB, "ingress": [{"unless": []}]}, "unless"),
    ],
)
def test_a_field_that_is_not_enforced_is_named(spec: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedPolicy, match=f"NetworkPolicy p: {named} isn't enforced here"):
        ruleset("a", [policy(policyTypes=["Ingress"], **spec)], PODS, {})
