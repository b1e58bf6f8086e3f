"""docs/deploy.md as it is, with the table of what the Cloudflare token must be allowed, made from what is declared."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.environments import ROOT, deployed_environments
from stack.render import render
from stack.resource import Resource

PAGE: Path = ROOT / "docs" / "deploy.md"
_TABLE = re.compile(r"(?<=<!-- token: made by make docs -->\n).*?(?=<!-- end -->)", re.DOTALL)
ZONE, ACCOUNT = "zone", "account"
_SETTINGS = (ZONE, "Zone Settings")

PERMISSIONS: Mapping[str, tuple[str, str]] = {
    "ArgoSmartRouting": _SETTINGS,
    "ArgoTieredCaching": _SETTINGS,
    "AuthenticatedOriginPullsCertificate": (ZONE, "SSL and Certificates"),
    "AuthenticatedOriginPullsSettings": (ZONE, "SSL and Certificates"),
    "DnsRecord": (ZONE, "DNS"),
    "LoadBalancer": (ZONE, "Load Balancers"),
    "LoadBalancerMonitor": (ACCOUNT, "Load Balancing: Monitors and Pools"),
    "LoadBalancerPool": (ACCOUNT, "Load Balancing: Monitors and Pools"),
    "LogpushJob": (ZONE, "Logs"),
    "NotificationPolicy": (ACCOUNT, "Notifications"),
    "RegionalHostname": (ZONE, "DNS"),
    "RegionalTieredCache": _SETTINGS,
    "TieredCache": _SETTINGS,
    "ZoneCacheReserve": _SETTINGS,
    "ZoneCacheVariants": _SETTINGS,
    "ZoneSetting": _SETTINGS,
    "http_request_cache_settings": (ZONE, "Cache Rules"),
    "http_request_dynamic_redirect": (ZONE, "Single Redirect"),
    "http_request_late_transform": (ZONE, "Transform Rules"),
    "http_request_transform": (ZONE, "Transform Rules"),
    "http_response_cache_settings": (ZONE, "Cache Rules"),
    "http_response_compression": (ZONE, "Response Compression"),
    "http_response_headers_transform": (ZONE, "Transform Rules"),
}
"""The permission (Edit) by resource type, and by phase of a ruleset; as the dashboard names them
(https://developers.cloudflare.com/fundamentals/api/reference/permissions/).
"""


class UnknownPermissionError(Exception):
    """A declared resource has no entry in `PERMISSIONS`."""


def page() -> str:
    """The page. Raises `UnknownPermissionError`."""
    return _TABLE.sub(lambda _: table(deployed_environments()), PAGE.read_text())


def table(environments: Iterable[str]) -> str:
    """Each permission with what needs it, over all environments."""
    needed: dict[tuple[str, str], set[str]] = {}
    for environment in environments:
        for resource in render(environment).resources:
            if resource.type.startswith("cloudflare:"):
                kind = _kind(resource)
                needed.setdefault(_permission(kind), set()).add(kind)
    rows = "".join(
        f"| {scope} | {permission}: Edit | {', '.join(f'`{kind}`' for kind in sorted(kinds))} |\n"
        for (scope, permission), kinds in sorted(needed.items(), reverse=True)
    )
    return f"\n| Scope | Permission | Needed by |\n|---|---|---|\n{rows}\n"


def _kind(resource: Resource) -> str:
    name = resource.type.rpartition(":")[2]
    return str(resource.inputs["phase"]) if name == "Ruleset" else name


def _permission(kind: str) -> tuple[str, str]:
    try:
        return PERMISSIONS[kind]
    except KeyError:
        raise UnknownPermissionError(
            f"{kind} is declared at Cloudflare, and nobody says which permission it needs: add it to PERMISSIONS in "
            "tools/docs/deploy_page.py"
        ) from None
