"""Translates NetworkPolicies into nftables rules of each node (why: docs/decisions/cluster.md), for the fields that the
stack uses.

A policy with any other field is refused by name: without that field it would allow or block the wrong traffic.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
_KNOWN = {
    "spec": {"podSelector", "policyTypes", "ingress", "egress"},
    "rule": {"from", "to", "ports"},
    "peer": {"podSelector", "namespaceSelector", "ipBlock"},
    "block": {"cidr"},
    "port": {"port", "protocol"},
    "selector": {"matchLabels"},
}
_ENDED = ("Succeeded", "Failed")


class UnsupportedPolicy(Exception):
    """A policy has a field that isn't supported here; the message names both."""


def _only(kind: str, value: Object, policy: str) -> None:
    unknown = set(value) - _KNOWN[kind]
    if unknown:
        raise UnsupportedPolicy(f"NetworkPolicy {policy}: {', '.join(sorted(unknown))} isn't enforced here")


def _matches(selector: Object | None, labels: Object, policy: str) -> bool:
    _only("selector", selector or {}, policy)
    return all(labels.get(key) == value for key, value in ((selector or {}).get("matchLabels") or {}).items())


def _labels(item: Object) -> Object:
    return item["metadata"].get("labels") or {}


def _addresses(peer: Object, policy: Object, pods: Sequence[Object], namespaces: Mapping[str, Object]) -> list[str]:
    """The addresses that a peer selects."""
    name = policy["metadata"]["name"]
    _only("peer", peer, name)
    if "ipBlock" in peer:
        _only("block", peer["ipBlock"], name)
        return [str(peer["ipBlock"]["cidr"])]
    found: list[str] = []
    for pod in pods:
        namespace = pod["metadata"]["namespace"]
        if "namespaceSelector" in peer:
            if not _matches(peer["namespaceSelector"], namespaces.get(namespace, {}), name):
                continue
        elif namespace != policy["metadata"]["namespace"]:
            continue
        address = pod["status"].get("podIP")
        if address and _matches(peer.get("podSelector"), _labels(pod), name):
            found.append(str(address))
    return found


def _rules(policy: Object, side: str, pods: Sequence[Object], namespaces: Mapping[str, Object]) -> Iterable[str]:
    """What one policy accepts on one side, as nftables conditions."""
    name = policy["metadata"]["name"]
    peers, address = ("from", "saddr") if side == "ingress" else ("to", "daddr")
    for rule in policy["spec"].get(side) or ():
        _only("rule", rule, name)
        where = ""
        if rule.get(peers):
            found = [each for peer in rule[peers] for each in _addresses(peer, policy, pods, namespaces)]
            if not found:
                continue
            networks = ipaddress.collapse_addresses(ipaddress.IPv4Network(each) for each in found)
            where = f"ip {address} {{ {', '.join(map(str, networks))} }} "
        for port in rule.get("ports") or ({},):
            _only("port", port, name)
            what = f"{port.get('protocol', 'TCP').lower()} dport {int(port['port'])} " if port else ""
            yield f"{where}{what}return"


def ruleset(node: str, policies: Sequence[Object], pods: Sequence[Object], namespaces: Mapping[str, Object]) -> str:
    """A node's whole nftables table. `namespaces`: labels by name. Raises UnsupportedPolicy."""
    chains: list[str] = []
    jumps: dict[str, list[str]] = {"ingress": [], "egress": []}
    alive = [pod for pod in pods if pod["status"].get("phase") not in _ENDED and not pod["spec"].get("hostNetwork")]
    here = [pod for pod in alive if pod["spec"].get("nodeName") == node and pod["status"].get("podIP")]
    for policy in policies:
        _only("spec", policy["spec"], policy["metadata"]["name"])
    for side, address in (("ingress", "daddr"), ("egress", "saddr")):
        rules = {
            policy["metadata"]["uid"]: list(_rules(policy, side, alive, namespaces))
            for policy in policies
            if side.capitalize() in policy["spec"].get("policyTypes", ("Ingress",))
        }
        for pod in sorted(here, key=lambda each: each["status"]["podIP"]):
            mine = [
                policy
                for policy in policies
                if policy["metadata"]["uid"] in rules
                and policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                and _matches(policy["spec"]["podSelector"], _labels(pod), policy["metadata"]["name"])
            ]
            if not mine:
                continue
            ip = pod["status"]["podIP"]
            chain = f"{side}_{ip.replace('.', '_')}"
            lines = dict.fromkeys(line for policy in mine for line in rules[policy["metadata"]["uid"]])
            body = "\n".join(f"    {line}" for line in (*lines, "counter drop"))
            chains.append(f"  chain {chain} {{\n{body}\n  }}")
            jumps[side].append(f"    ip {address} {ip} jump {chain}")
    # A pod's packets to its own node aren't forwarded; a node's to its pods (the kubelet's probes) are always allowed.
    hooks = {"forward": [*jumps["ingress"], *jumps["egress"]], "input": jumps["egress"]}
    accepted = "policy accept;\n    ct state established,related accept"
    for hook, lines in hooks.items():
        start = f"    type filter hook {hook} priority 10; {accepted}"
        chains.append("\n".join([f"  chain {hook} {{", start, *lines, "  }"]))
    return "\n".join(["add table inet simone", "delete table inet simone", "table inet simone {", *chains, "}"])
