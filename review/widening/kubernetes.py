"""Roles and bindings, network policies, Services, Ingresses and service accounts."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from review.widening.networks import Network, beyond, network
from stack.listing import few
from stack.resource import Resource, dig

_ROLE_ARN = "eks.amazonaws.com/role-arn"
_ROUTES = (":Ingress", ":HTTPRoute", ":GRPCRoute", ":TCPRoute", ":TLSRoute", ":UDPRoute", ":Gateway")


def widened(old: Resource | None, new: Resource | None) -> Iterator[str]:
    """Sentences on access that a Kubernetes object opens."""
    kind = (new or old or Resource(urn="", type="", name="", inputs={})).kind
    if new is None:
        if kind == "NetworkPolicy":
            yield "the pods that it selected are limited by it no more"
        return
    if kind in _KINDS:
        yield from _KINDS[kind](old, new)
    elif new.type.endswith(_ROUTES):
        yield from _routes(old, new)
    elif new.is_workload:
        yield from _pods(old, new)


def _account(old: Resource | None, new: Resource) -> Iterator[str]:
    arn, before = _annotation(new), _annotation(old) if old else None
    if arn and arn != before:
        yield f"its pods may use the role {arn}"
    held_back = old is not None and old.get("automountServiceAccountToken") is False
    if held_back and new.get("automountServiceAccountToken") is not False:
        yield "its pods get a token for the cluster's API"


def _annotation(account: Resource) -> Any:
    return account.get("metadata", "annotations", _ROLE_ARN)


def _pods(old: Resource | None, new: Resource) -> Iterator[str]:
    if old is None:
        return
    names = [dig(side.pod, "serviceAccountName") or "default" for side in (old, new)]
    if names[0] != names[1]:
        yield f"its pods run as {names[1]}, with what that account may do, instead of {names[0]}"
    tokens = [dig(side.pod, "automountServiceAccountToken") is not False for side in (old, new)]
    if tokens[1] and not tokens[0]:
        yield "its pods get a token for the cluster's API"


_Permission = tuple[str, str, str, str]


def _permissions(role: Resource | None) -> list[_Permission]:
    """API group, resource, object's name and verb; for a non-resource rule its URL."""
    found: list[_Permission] = []
    for entry in (role.get("rules") or ()) if role else ():
        verbs = dig(entry, "verbs") or ()
        for verb in verbs:
            found += [("", f"{address} (address)", "*", verb) for address in dig(entry, "nonResourceURLs") or ()]
            found += [
                (group, resource, name, verb)
                for group in dig(entry, "apiGroups") or ("",)
                for resource in dig(entry, "resources") or ()
                for name in dig(entry, "resourceNames") or ("*",)
            ]
    return found


def _rules(old: Resource | None, new: Resource) -> Iterator[str]:
    before = _permissions(old)
    more = [
        one
        for one in _permissions(new)
        if not any(all(was in ("*", is_) for was, is_ in zip(other, one, strict=True)) for other in before)
    ]
    if more:
        told = (f"{verb} {what}{'' if name == '*' else f' {name}'}" for _, what, name, verb in more)
        yield f"it allows {few(told, 8)}"
    if (now := new.get("aggregationRule")) and (old is None or old.get("aggregationRule") != now):
        yield "it takes over the rules of other roles"


def _subjects(old: Resource | None, new: Resource) -> Iterator[str]:
    role = new.get("roleRef", "name")
    before = _bound(old) if old and old.get("roleRef") == new.get("roleRef") else set[tuple[str, ...]]()
    for subject in sorted(_bound(new) - before):
        yield f"{' '.join(part for part in subject if part)} gets the role {role}"


def _bound(binding: Resource) -> set[tuple[str, ...]]:
    return {
        tuple(str(dig(subject, part) or "") for part in ("kind", "namespace", "name"))
        for subject in binding.get("subjects") or ()
    }


def _flows(old: Resource | None, new: Resource) -> Iterator[str]:
    if old is not None:
        if _canonical(old.get("spec", "podSelector")) != _canonical(new.get("spec", "podSelector")):
            yield "it selects other pods, so that those from before are limited by it no more"
            old = None
        elif lost := sorted(_limits(old) - _limits(new)):
            yield f"it no longer limits {' and '.join(part.lower() for part in lost)}"
    for side, peers, word in (("ingress", "from", "lets in"), ("egress", "to", "lets its pods out to")):
        before = (old.get("spec", side) or ()) if old else ()
        for entry in new.get("spec", side) or ():
            if more := [*_beyond(entry, before, peers)]:
                yield f"it {word} {', '.join(more)}, on {_ports_told(entry)}"


def _limits(policy: Resource) -> set[str]:
    given = policy.get("spec", "policyTypes")
    return set(given) if given else {"Ingress", *(["Egress"] if policy.get("spec", "egress") else [])}


def _beyond(entry: Mapping[str, Any], before: Sequence[Mapping[str, Any]], peers: str) -> Iterator[str]:
    """The entry's peers that no earlier entry admitted on these ports."""
    holding = [other for other in before if _ports_hold(other, entry)]
    if any(not dig(other, peers) for other in holding):
        return
    if not dig(entry, peers):
        yield "everybody"
    known = [peer for other in holding for peer in dig(other, peers) or ()]
    held = [part for peer in known for part in _block(peer)]
    selectors = {_selector(peer) for peer in known}
    for peer in dig(entry, peers) or ():
        if dig(peer, "ipBlock") is not None:
            yield from beyond(_block(peer), held)
        elif _selector(peer) not in selectors:
            yield f"pods of {_told(peer)}"


def _block(peer: Mapping[str, Any]) -> list[Network]:
    block = dig(peer, "ipBlock")
    return network(str(dig(block, "cidr")), dig(block, "except") or ()) if block is not None else []


def _selector(peer: Mapping[str, Any]) -> str:
    return _canonical([dig(peer, "podSelector"), dig(peer, "namespaceSelector")])


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _told(peer: Mapping[str, Any]) -> str:
    pods, spaces = dig(peer, "podSelector"), dig(peer, "namespaceSelector")
    labels: Mapping[str, Any] = {**(dig(spaces, "matchLabels") or {}), **(dig(pods, "matchLabels") or {})}
    named = ", ".join(str(value) for value in labels.values())
    anywhere = spaces is not None and not (dig(spaces, "matchLabels") or dig(spaces, "matchExpressions"))
    return " ".join(part for part in (named or "any label", "in all namespaces" if anywhere else "") if part)


def _ports_hold(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether each of the new entry's ports is among the old one's; no list means all ports."""
    before, after = dig(old, "ports") or (), dig(new, "ports") or ()
    if not before:
        return True
    return bool(after) and all(any(_port_holds(other, port) for other in before) for port in after)


def _port_holds(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if (dig(old, "protocol") or "TCP") != (dig(new, "protocol") or "TCP"):
        return False
    first, last = dig(old, "port"), dig(old, "endPort") or dig(old, "port")
    wanted, end = dig(new, "port"), dig(new, "endPort") or dig(new, "port")
    if first is None or (first, last) == (wanted, end):
        return True
    numbers = (first, last, wanted, end)
    return all(isinstance(number, int) for number in numbers) and first <= wanted <= end <= last


def _ports_told(entry: Mapping[str, Any]) -> str:
    ports = [
        f"{dig(port, 'port') or 'every port'}{'-' + str(dig(port, 'endPort')) if dig(port, 'endPort') else ''}"
        for port in dig(entry, "ports") or ()
    ]
    return f"{'port' if len(ports) == 1 else 'ports'} {', '.join(ports)}" if ports else "every port"


_REACH = ("ClusterIP", "NodePort", "LoadBalancer")


def _service(old: Resource | None, new: Resource) -> Iterator[str]:
    before, after = ((side.get("spec", "type") or "ClusterIP") if side else "ClusterIP" for side in (old, new))
    ranges, was = (_ranges(side) if side else [] for side in (new, old))
    if after in _REACH and _REACH.index(after) > (_REACH.index(before) if before in _REACH else 0):
        yield f"it is of type {after}: reachable from outside the cluster, from {', '.join(map(str, ranges))}"
    elif after == "LoadBalancer" and (more := beyond(ranges, was)):
        yield f"it lets in {', '.join(more)}"
    if after == "ExternalName" and (old is None or old.get("spec", "externalName") != new.get("spec", "externalName")):
        yield f"its name leads out of the cluster, to {new.get('spec', 'externalName')}"
    addresses = [set(side.get("spec", "externalIPs") or ()) if side else set[str]() for side in (old, new)]
    if taken := sorted(map(str, addresses[1] - addresses[0])):
        yield f"it claims the addresses {', '.join(taken)} on every node"
    if old is not None and after != "ClusterIP":
        ports = [{dig(port, "port") for port in side.get("spec", "ports") or ()} for side in (old, new)]
        if opened := sorted(map(str, ports[1] - ports[0])):
            yield f"it opens the ports {', '.join(opened)} to the outside"


def _ranges(service: Resource) -> list[Network]:
    if (service.get("spec", "type") or "ClusterIP") == "ClusterIP":
        return []
    given = service.get("spec", "loadBalancerSourceRanges") or ("0.0.0.0/0", "::/0")
    return [part for text in given for part in network(str(text))]


def _routes(old: Resource | None, new: Resource) -> Iterator[str]:
    before = _canonical(old.get("spec")) if old else None
    if before == _canonical(new.get("spec")):
        return
    if new.kind == "Ingress":
        hosts = [str(dig(entry, "host") or "every host") for entry in new.get("spec", "rules") or ()]
    else:
        hosts = [str(host) for host in new.get("spec", "hostnames") or ()]
    yield f"it lets requests for {', '.join(hosts) or 'every host'} into the cluster"


_KINDS: Mapping[str, Callable[[Resource | None, Resource], Iterator[str]]] = {
    "Role": _rules,
    "ClusterRole": _rules,
    "RoleBinding": _subjects,
    "ClusterRoleBinding": _subjects,
    "NetworkPolicy": _flows,
    "Service": _service,
    "ServiceAccount": _account,
}
