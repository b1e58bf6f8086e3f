"""What each service account may do: what is declared, asked of the API server, and nothing more."""

from collections.abc import Iterator

import pytest
from running_cluster import NAMESPACE, Cluster

EVERYBODYS = ("selfsubject",)
"""What Kubernetes lets everybody do who is signed in; so are addresses that are no resources (lines without one)."""


def rights(cluster: Cluster, account: str) -> set[str]:
    """`verb resource` of all that an account may do in the namespace."""
    asked = cluster.run("auth", "can-i", "--list", f"--as=system:serviceaccount:{NAMESPACE}:{account}")
    found: set[str] = set()
    for line in asked.splitlines()[1:]:
        if not line.startswith(" ") and not any(word in line for word in EVERYBODYS):
            resource, _, rest = line.partition(" ")
            verbs = rest.rpartition("[")[2].rstrip("] ").split()
            found |= {f"{verb} {resource}" for verb in verbs}
    return found


def declared(cluster: Cluster, account: str) -> set[str]:
    """The same, out of the roles that are bound to the account."""
    return {f"{verb} {_resource(resource, group)}" for verb, resource, group in _rules(cluster, account)}


def _resource(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def _rules(cluster: Cluster, account: str) -> Iterator[tuple[str, str, str]]:
    for kind, role_kind in (("rolebindings", "role"), ("clusterrolebindings", "clusterrole")):
        for binding in cluster.items(kind):
            subjects = binding.get("subjects") or ()
            ours = any(each.get("namespace") == NAMESPACE and each["name"] == account for each in subjects)
            if ours:
                for rule in cluster.get(binding["roleRef"]["kind"] or role_kind, binding["roleRef"]["name"])["rules"]:
                    for group in rule.get("apiGroups", ()):
                        for resource in rule.get("resources", ()):
                            for verb in rule["verbs"]:
                                yield verb, resource, group


def test_each_account_may_do_what_its_roles_say_and_nothing_more(cluster: Cluster) -> None:
    accounts = [each["metadata"]["name"] for each in cluster.items("serviceaccounts")]
    assert len(accounts) > 10
    found = {account: rights(cluster, account) for account in accounts}
    assert found == {account: declared(cluster, account) for account in accounts}
    assert {account for account, may in found.items() if may} == {"prometheus", "kube-state-metrics"}


@pytest.mark.parametrize("verb", ["get secrets", "create pods", "delete pods", "create pods/exec", "patch deployments"])
def test_nobody_in_the_namespace_may(cluster: Cluster, verb: str) -> None:
    accounts = [each["metadata"]["name"] for each in cluster.items("serviceaccounts")]
    for account in accounts:
        who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
        assert cluster.run("auth", "can-i", *verb.split(), who, may_fail=True).strip() == "no", account
