"""What is declared of Cloudflare is judged by the parameters of Cloudflare's own SDK: every key is one, none that is
required is missing, and every value is of the type or among the words that the API takes.
"""

import re
from collections.abc import Mapping
from types import GenericAlias
from typing import Any

import pytest
from cloudflare.types.alerting.policy_create_params import PolicyCreateParams
from cloudflare.types.argo.smart_routing_edit_params import SmartRoutingEditParams
from cloudflare.types.argo.tiered_caching_edit_params import TieredCachingEditParams
from cloudflare.types.cache.cache_reserve_edit_params import CacheReserveEditParams
from cloudflare.types.cache.regional_tiered_cache_edit_params import RegionalTieredCacheEditParams
from cloudflare.types.cache.smart_tiered_cache_create_params import SmartTieredCacheCreateParams
from cloudflare.types.cache.variant_edit_params import VariantEditParams
from cloudflare.types.dns.record_create_params import CNAMERecord
from cloudflare.types.load_balancers.load_balancer_create_params import LoadBalancerCreateParams
from cloudflare.types.load_balancers.monitor_create_params import MonitorCreateParams
from cloudflare.types.load_balancers.pool_create_params import PoolCreateParams
from cloudflare.types.origin_tls_client_auth.setting_update_params import SettingUpdateParams
from cloudflare.types.origin_tls_client_auth.zone_certificate_create_params import ZoneCertificateCreateParams
from pydantic import ConfigDict, TypeAdapter, ValidationError

from stack.render import Rendered

Inputs = Mapping[str, Any]
PARAMETERS: Mapping[str, Any] = {
    "ArgoSmartRouting": SmartRoutingEditParams,
    "ArgoTieredCaching": TieredCachingEditParams,
    "AuthenticatedOriginPullsCertificate": ZoneCertificateCreateParams,
    "AuthenticatedOriginPullsSettings": SettingUpdateParams,
    "DnsRecord": CNAMERecord,
    "LoadBalancer": LoadBalancerCreateParams,
    "LoadBalancerMonitor": MonitorCreateParams,
    "LoadBalancerPool": PoolCreateParams,
    "NotificationPolicy": PolicyCreateParams,
    "RegionalTieredCache": RegionalTieredCacheEditParams,
    "TieredCache": SmartTieredCacheCreateParams,
    "ZoneCacheReserve": CacheReserveEditParams,
    "ZoneCacheVariants": VariantEditParams,
}
UNJUDGED: Mapping[str, str] = {
    "Ruleset": "its rules are a union of forty types by action, whose plurals the provider spells otherwise",
    "ZoneSetting": "the SDK takes any value for any setting",
}
"""Types that the SDK can't judge here, with the reason."""
SPELT = {
    "emails": "email",
    "event_sources": "event_source",
    "hosts": "host",
    "new_healths": "new_health",
    "pool_ids": "pool_id",
    "jpgs": "jpg",
    "jpegs": "jpeg",
    "pngs": "png",
    "timeout": "load_balancer_monitor_timeout",  # the SDK has a parameter of its own that is called so
}
"""What is spelt otherwise than by Pulumi's provider, which calls lists by the plural."""
BY_ITSELF = {"region_pools", "header"}
"""Mappings whose keys are data."""


def _spelt(value: Any, *, data: bool = False) -> Any:
    """Properties in the API's spelling."""
    if isinstance(value, list):
        return [_spelt(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    spelt: dict[str, Any] = {}
    for key, inner in value.items():
        name = key if data else re.sub(r"(?<!^)([A-Z])", lambda sign: f"_{sign[0].lower()}", key)
        name = name if data else SPELT.get(name, name)
        spelt[name] = _spelt(inner, data=name in BY_ITSELF and not _is_spelt(inner))
    return spelt


def _is_spelt(value: Any) -> bool:
    """A pool's origins have the header Host only, which is a parameter; a monitor's headers are data."""
    return isinstance(value, Mapping) and set(value) == {"hosts"}


def faults(type_: str, inputs: Inputs) -> list[str]:
    """What Cloudflare would refuse, one line each."""
    # The configuration reaches nested parameters only from outside the first.
    several: Any = GenericAlias(list, (PARAMETERS[type_.rpartition(":")[2]],))
    adapter = TypeAdapter[Any](several, config=ConfigDict(extra="forbid"))
    try:
        adapter.validate_python([_spelt(inputs)])
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.errors()]
    return []


def test_each_declared_type_is_judged_or_says_why_not(environment: Rendered) -> None:
    declared = {each.type.rpartition(":")[2] for each in environment.resources if each.type.startswith("cloudflare:")}
    assert declared <= PARAMETERS.keys() | UNJUDGED.keys()


def test_cloudflare_takes_what_is_declared(environment: Rendered) -> None:
    judged = [each for each in environment.resources if each.type.rpartition(":")[2] in PARAMETERS]
    refused = {resource.name: lines for resource in judged if (lines := faults(resource.type, resource.inputs))}
    assert refused == {}


ALERT = {"accountId": "a", "enabled": True, "mechanisms": {"emails": [{"id": "a@b.example"}]}, "name": "n"}


@pytest.mark.parametrize(
    ("type_", "inputs", "expected"),
    [
        (
            "cloudflare:index/x:NotificationPolicy",
            {**ALERT, "alertType": "origin_unwell"},
            "alert_type: Input should be",
        ),
        ("cloudflare:index/x:NotificationPolicy", {**ALERT}, "alert_type: Field required"),
        (
            "cloudflare:index/x:NotificationPolicy",
            {**ALERT, "alertType": "real_origin_monitoring", "filters": {"pools": ["p"]}},
            "filters.pools: Extra inputs are not permitted",
        ),
        ("cloudflare:index/x:LoadBalancerMonitor", {"accountId": "a", "type": "ftp"}, "type: Input should be"),
        ("cloudflare:index/x:LoadBalancerPool", {"accountId": "a", "name": "p"}, "origins: Field required"),
    ],
)
def test_what_cloudflare_would_refuse_is_found(type_: str, inputs: Inputs, expected: str) -> None:
    assert any(line.startswith(expected) for line in faults(type_, inputs)), faults(type_, inputs)
