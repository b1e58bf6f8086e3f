"""IAM's statements, attached policies, firewalls and buckets."""

import fnmatch
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from review.widening.networks import Network, beyond, network
from stack.listing import few
from stack.resource import Resource, dig, listed

_BLOCK = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_FIREWALLS = (":SecurityGroup", ":SecurityGroupRule", ":SecurityGroupIngressRule", ":SecurityGroupEgressRule")
_INGRESS, _EGRESS = "lets in", "lets out to"


def widened(old: Resource | None, new: Resource | None) -> Iterator[str]:
    """Sentences on access that an AWS resource opens; policy documents: `wider_statements`."""
    type_ = (new or old or Resource(urn="", type="", name="", inputs={})).type
    if new is None:
        if type_.endswith(":BucketPublicAccessBlock"):
            yield "nothing keeps the bucket from being made public"
        for document in (old.inputs.get("policy"),) if old else ():
            if isinstance(document, str) and '"Deny"' in document:
                yield from wider_statements(json.loads(document), None)
        return
    yield from _attached(old, new)
    if type_.endswith(_FIREWALLS):
        yield from _flows(old, new)
    if type_.endswith(":BucketPublicAccessBlock"):
        for name in _BLOCK:
            if old is not None and old.inputs.get(name) is True and new.inputs.get(name) is not True:
                yield f"{name} is off, so that the bucket can be made public"
    if type_.endswith((":BucketAcl", ":BucketAclV2")) or (new.inputs.get("acl") not in (None, "private")):
        was = old.inputs.get("acl") if old else None
        if was != new.inputs.get("acl"):
            yield f"its ACL is {new.inputs.get('acl') or 'of its own'}"
    if old is not None and old.inputs.get("permissionsBoundary") not in (None, new.inputs.get("permissionsBoundary")):
        yield f"its permissions boundary {'changes' if new.inputs.get('permissionsBoundary') else 'is taken off'}"
    if type_.endswith(":Permission") and (old is None or old.inputs != new.inputs):
        yield f"{new.get('principal')} may call {new.get('function')}"


def _attached(old: Resource | None, new: Resource) -> Iterator[str]:
    """Sentences on newly attached managed policies."""
    before, after = (_managed(side) if side else set[str]() for side in (old, new))
    whom = next((new.inputs[name] for name in ("role", "user", "group", "name") if new.inputs.get(name)), new.name)
    for arn in sorted(after - before):
        yield f"{whom} gets the policy {arn}"


def _managed(resource: Resource) -> set[str]:
    found = [
        resource.get("policyArn"),
        *listed(resource.get("policyArns")),
        *listed(resource.get("managedPolicyArns")),
    ]
    return {str(arn) for arn in found if arn}


@dataclass(frozen=True)
class _Grant:
    """One principal, action and resource of a statement. With `not_…` all but these."""

    principal: str
    action: str
    resource: str
    condition: str

    def holds(self, other: "_Grant") -> bool:
        """Whether this grants everything that the other grants."""
        return (
            _covers(self.principal, other.principal)
            and _covers(self.action.lower(), other.action.lower())
            and _covers(self.resource, other.resource)
            and self.condition in ("", other.condition)
        )

    def __str__(self) -> str:
        of = "" if self.resource in ("*", "") else f" on {self.resource}"
        to = f" to {self.principal}" if self.principal else ""
        where = " under another condition" if self.condition else ""
        return f"{self.action}{of}{to}{where}"


_ALL_BUT = "all but "


def _covers(pattern: str, text: str) -> bool:
    """Whether an element with wildcards covers another. A wildcard in the other counts as a letter, which `*`
    covers.
    """
    if pattern in (text, "*"):
        return True
    if pattern.startswith(_ALL_BUT) or text.startswith(_ALL_BUT):
        return False
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _grants(document: Mapping[str, Any] | None, effect: str) -> list[_Grant]:
    found = dig(document, "Statement") or ()
    statements = [found] if isinstance(found, Mapping) else found
    grants: list[_Grant] = []
    for statement in statements:
        if dig(statement, "Effect") != effect:
            continue
        condition = dig(statement, "Condition")
        told = json.dumps(_normal(condition), sort_keys=True) if condition else ""
        parts = (
            _elements(statement, "Principal", _principals),
            _elements(statement, "Action", listed),
            _elements(statement, "Resource", listed),
        )
        grants += [_Grant(principal, action, on, told) for principal, action, on in itertools.product(*parts)]
    return grants


def _elements(statement: Mapping[str, Any], name: str, listed: Any) -> Sequence[str]:
    if (inverted := dig(statement, f"Not{name}")) is not None:
        return [_ALL_BUT + ", ".join(sorted(map(str, listed(inverted))))]
    return [str(one) for one in listed(dig(statement, name))] or [""]


def _principals(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value)
        return [("*" if one == "*" else f"{kind} {one}") for kind, given in named.items() for one in listed(given)]
    return listed(value)


def _normal(condition: Any) -> Any:
    """A condition in which one value and a list of one are the same, and the order of a list says nothing."""
    if isinstance(condition, Mapping):
        return {key: _normal(value) for key, value in cast("Mapping[str, Any]", condition).items()}
    return sorted(map(str, listed(condition)))


def wider_statements(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
    """What the new policy document allows, or no longer denies, that the old one didn't."""
    allowed = _beyond(_grants(new, "Allow"), _grants(old, "Allow"))
    if allowed:
        yield f"it allows {few(allowed, between='; ')}"
    denied = _beyond(_grants(old, "Deny"), _grants(new, "Deny"))
    if denied:
        yield f"it no longer denies {few(denied, between='; ')}"


def _beyond(these: Sequence[_Grant], those: Sequence[_Grant]) -> list[str]:
    return [str(one) for one in these if not any(held.holds(one) for held in those)]


def same_meaning(old: str, new: str) -> bool:
    """Whether two policy documents grant and deny the same, however they are written."""
    documents = [json.loads(text) for text in (old, new)]
    return all(
        not _beyond(_grants(one, effect), _grants(other, effect))
        for effect in ("Allow", "Deny")
        for one, other in (documents, documents[::-1])
    )


@dataclass(frozen=True)
class _Flow:
    """What a firewall lets through: a protocol, ports, and from or to which networks or group."""

    way: str
    protocol: str
    first: int
    last: int
    networks: tuple[str, ...] = ()
    group: str = ""

    def ports_held_by(self, other: "_Flow") -> bool:
        return (
            self.way == other.way
            and other.protocol in ("-1", self.protocol)
            and (other.protocol == "-1" or other.first <= self.first <= self.last <= other.last)
        )


def _flows(old: Resource | None, new: Resource) -> Iterator[str]:
    before = [*_read_flows(old)] if old else []
    for flow in _read_flows(new):
        holding = [other for other in before if flow.ports_held_by(other)]
        held: list[Network] = [part for other in holding for text in other.networks for part in network(text)]
        more = beyond([part for text in flow.networks for part in network(text)], held)
        if flow.group and flow.group not in {other.group for other in holding}:
            more.append(flow.group)
        if more:
            ports = "every port" if flow.protocol == "-1" else f"port {flow.first}"
            ports += f" to {flow.last}" if flow.last != flow.first and flow.protocol != "-1" else ""
            yield f"it {flow.way} {', '.join(more)}, on {ports}"


def _read_flows(firewall: Resource) -> Iterator[_Flow]:
    egress = firewall.type.endswith(":SecurityGroupEgressRule") or firewall.get("type") == "egress"
    if not firewall.type.endswith(":SecurityGroup"):
        yield from _entry(firewall.inputs, _EGRESS if egress else _INGRESS)
    for way, name in ((_INGRESS, "ingress"), (_EGRESS, "egress")):
        for entry in firewall.get(name) or ():
            yield from _entry(entry, way)


def _entry(entry: Mapping[str, Any], way: str) -> Iterator[_Flow]:
    protocol = str(dig(entry, "ipProtocol") or dig(entry, "protocol") or "-1").lower()
    ends = [dig(entry, name) for name in ("fromPort", "toPort")]
    first, last = (0, 65535) if None in ends or -1 in ends else (int(end) for end in ends)
    networks = tuple(
        str(one)
        for name in ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
        for one in listed(dig(entry, name))
    )
    ports = (way, "-1" if protocol == "all" else protocol, first, last)
    if networks:
        yield _Flow(*ports, networks=networks)
    names = ("referencedSecurityGroupId", "sourceSecurityGroupId", "securityGroups", "prefixListId", "prefixListIds")
    for group in (one for name in names for one in listed(dig(entry, name))):
        yield _Flow(*ports, group=str(group))
    if dig(entry, "self"):
        yield _Flow(*ports, group="the group itself")
