"""The guide names what the Cloudflare token must be allowed, from what is declared."""

import re

import pytest

from review.capacity import capacity
from stack.environments import ROOT
from stack.render import render
from tools.docs import deploy_page
from tools.docs.deploy_page import UnknownPermissionError, table


def test_every_declared_resource_of_the_zone_has_its_permission_in_the_table() -> None:
    made = table(["prod"])
    types = {each.type.rpartition(":")[2] for each in render("prod").resources if each.type.startswith("cloudflare:")}
    assert {name for name in types - {"Ruleset"} if f"`{name}`" not in made} == set()
    for permission in (
        "Load Balancing: Monitors and Pools",
        "Notifications",
        "SSL and Certificates",
        "Transform Rules",
    ):
        assert f"{permission}: Edit" in made


def test_a_resource_whose_permission_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {kind: found for kind, found in deploy_page.PERMISSIONS.items() if kind != "NotificationPolicy"}
    monkeypatch.setattr(deploy_page, "PERMISSIONS", fewer)
    with pytest.raises(UnknownPermissionError, match="NotificationPolicy is declared at Cloudflare"):
        table(["prod"])


def test_the_costs_add_up_and_the_nodes_hold_what_is_declared() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    *amounts, together = (
        int(amount.replace(",", "")) for amount in re.findall(r"^\|.*\| \**\$([\d,]+)\** \|$", page, re.MULTILINE)
    )
    assert sum(amounts) == together
    (nodes,) = re.findall(
        r"^\| Nodes \| (\d) \S+ at \$(\d+) each: (\d+) cores, (\d+) GiB \| \$([\d,]+) \|$", page, re.MULTILINE
    )
    count, price, cores, memory, amount = (int(number.replace(",", "")) for number in nodes)
    assert count * price == amount
    asked = {figure.name: figure.after or 0 for figure in capacity((), tuple(render("prod").resources))}
    # Kubernetes keeps some of each node, and one of them may be away.
    share = 0.9 * (count - 1) / count
    assert asked["CPU requested"] < share * cores
    assert asked["memory requested"] < share * memory
    said = re.search(r"at its minimum, ([\d.]+) cores and ([\d.]+) GiB", page)
    assert said is not None
    assert [float(number) for number in said.groups()] == [
        round(asked[name], 1) for name in ("CPU requested", "memory requested")
    ]
