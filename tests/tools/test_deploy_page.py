"""The guide names what the Cloudflare token must be allowed, from what is declared."""

import pytest

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
