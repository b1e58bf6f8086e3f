"""The zone's records, redirects, promises and certificates, as they are declared."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError
from test_edge_rules import settings

from components.edge.zone import zone_settings
from components.gateway.settings import GatewaySettings
from components.settings.environment import SettingsError, parse
from explain.zone import OriginResponse, Request, Zone
from stack.environments import stack_config
from stack.render import Rendered
from stack.resource import Resource
from stack.secret_placeholders import with_placeholders

BALANCED = {"zone": "example.com", "origins": {"eu": ["eu.example.com"]}}


def _one(stack: Rendered, name: str) -> Resource:
    (found,) = [resource for resource in stack.resources if resource.name == name]
    return found


def _hsts(**changed: Any) -> Mapping[str, Any]:
    value: Any = zone_settings(settings("enterprise", **changed))["security_header"]
    return value["strict_transport_security"]


def test_a_stack_that_owns_one_host_promises_https_for_that_host_alone() -> None:
    assert (_hsts()["include_subdomains"], _hsts()["preload"]) == (False, False)
    wide = _hsts(hsts_include_subdomains=True, hsts_preload=True)
    assert (wide["include_subdomains"], wide["preload"]) == (True, True)


@pytest.mark.parametrize("short", [{}, {"hsts_include_subdomains": True, "hsts_max_age": "30d"}])
def test_preload_is_refused_where_no_browser_would_take_it(short: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="hsts_preload is taken only with hsts_include_subdomains"):
        settings("enterprise", hsts_preload=True, **short)


def test_prefetch_is_switched_on_only_where_it_finds_what_is_kept() -> None:
    assert "prefetch_preload" not in zone_settings(settings("enterprise"))
    assert zone_settings(settings("enterprise", without=["query_keys"]))["prefetch_preload"] == "on"


def test_a_stand_in_for_the_edge_is_spoken_to_without_tls(rendered: Callable[[str], Rendered]) -> None:
    local, prod = rendered("local"), rendered("prod")

    def variables(stack: Rendered, deployment: str) -> Mapping[str, str]:
        (container, *_) = _one(stack, deployment).inputs["spec"]["template"]["spec"]["containers"]
        return {each["name"]: each.get("value") for each in container["env"]}

    for name in ("api-worker-deployment", "monitoring-cdn-exporter-deployment"):
        assert variables(local, name)["CLOUDFLARE_API_URL"] == "http://127.0.0.1:8883/client/v4"
        assert "CLOUDFLARE_API_URL" not in variables(prod, name)
    assert variables(local, "monitoring-cdn-exporter-deployment")["EDGE_HAS_TLS"] == "0"
    assert "PUBLIC_ORIGIN" not in variables(local, "api-worker-deployment")
    assert variables(prod, "api-worker-deployment")["PUBLIC_ORIGIN"] == "https://www.simone-webshop.com"


def test_the_apex_leads_to_the_shop(rendered: Callable[[str], Rendered]) -> None:
    prod = rendered("prod")
    record = _one(prod, "edge-redirect-simone-webshop-com").inputs
    assert (record["name"], record["proxied"]) == ("simone-webshop.com", True)
    (rule,) = _one(prod, "edge-request-dynamic-redirect").inputs["rules"]
    told = rule["actionParameters"]["fromValue"]
    assert (told["statusCode"], told["preserveQueryString"]) == (301, True)
    assert told["targetUrl"]["expression"] == 'concat("https://www.simone-webshop.com", http.request.uri.path)'
    zone = Zone.of(prod.resources)
    said = {
        host: zone.judge(Request(path="/", host=host), OriginResponse()).rules[0]
        for host in ("simone-webshop.com", "www")
    }
    assert said["simone-webshop.com"].startswith("request_dynamic_redirect: other-names")
    assert "redirect" not in said["www"]


def test_a_shop_that_would_lead_to_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="which would lead to itself for ever"):
        settings("enterprise", redirects=["shop.example.com"])


def test_the_origin_has_a_record_before_a_pool_looks_it_up(rendered: Callable[[str], Rendered]) -> None:
    prod = rendered("prod")
    record = _one(prod, "edge-origin")
    assert (record.inputs["name"], record.inputs["proxied"]) == ("origin-eu.simone-webshop.com", False)
    assert record.inputs["content"] == prod.exports["gateway_host"]
    pools = prod.of(":LoadBalancerPool")
    addresses = {origin["address"] for pool in pools for origin in pool.inputs["origins"]}
    assert addresses == {record.inputs["name"]}, "an example names an origin that no stack declares"
    assert all(record.urn in pool.dependencies for pool in pools)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"own": "us.example.com"}, "own is us.example.com, which is none of origins"),
        ({"zone": "example.org"}, "eu.example.com isn't in the zone example.org"),
    ],
)
def test_an_origin_that_can_t_be_declared_is_refused(changed: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings("enterprise", load_balancing={**BALANCED, **changed})


def test_the_zone_has_its_certificate_before_it_is_told_to_show_one(rendered: Callable[[str], Rendered]) -> None:
    for environment in ("dev", "prod"):
        stack = rendered(environment)
        certificate = _one(stack, "edge-client-certificate")
        assert certificate.urn in _one(stack, "edge-origin-pulls").dependencies
        assert {"certificate", "privateKey"} <= certificate.secret_paths


def test_without_the_certificate_that_the_gateway_asks_for_nothing_is_declared() -> None:
    config = stack_config("prod")
    secrets = with_placeholders(None, None, config)
    del secrets["edge"]["client_key"]
    with pytest.raises(SettingsError, match=r"secrets\.edge\.client_certificate and \.client_key must hold"):
        parse({**config, "simone:secrets": secrets}, "prod")


def test_the_gateway_takes_two_cas_so_that_one_can_replace_the_other() -> None:
    old, new = (stack_config(environment)["simone:gateway"]["edge_ca"] for environment in ("dev", "prod"))
    assert GatewaySettings.model_validate({"edge_ca": old + new}).edge_ca == old + new
    for wrong, told in ((old + new + old, "holds 3 certificates"), ("no PEM", "needs one or two certificates as PEM")):
        with pytest.raises(ValidationError, match=told):
            GatewaySettings.model_validate({"edge_ca": wrong})


def test_the_ends_of_both_certificates_are_watched(rendered: Callable[[str], Rendered]) -> None:
    prod = rendered("prod")
    (files,) = [
        secret.inputs["stringData"]
        for secret in prod.of("v1:Secret")
        if secret.inputs["metadata"]["name"] == "cdn-exporter-secrets"
    ]
    assert {"client.pem", "client-authority.pem"} <= files.keys()
