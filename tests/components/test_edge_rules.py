"""The zone's rules follow from the cache policy, and what a plan can't hold is refused before anything is declared."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.caching_policy import Policy, load, parse
from components.edge.expressions import refusal
from components.edge.plans import LOST, PLANS
from components.edge.rules import EdgeError, Keep, build
from components.edge.settings import EdgeSettings

POLICY = load(Path("app/caching.yaml"))


def settings(plan: str, *, without: list[str] | None = None, **more: object) -> EdgeSettings:
    """An edge on a plan that does without whatever the plan lacks."""
    lacking = [feature for feature in LOST if feature not in PLANS[plan].features]  # pyright: ignore[reportArgumentType]
    return EdgeSettings.model_validate(
        {
            "account_id": "a" * 32,
            "zone_id": "b" * 32,
            "hostname": "shop.example.com",
            "plan": plan,
            "without": lacking if without is None else without,
            **more,
        }
    )


def policy(routes: str) -> Policy:
    return parse(
        "version: 1\nerrors: {not_found_ttl: 120, server_error_ttl: 30}\n"
        "bypass: {request_headers: [Authorization], request_cookies: [tier], response_headers: [Set-Cookie]}\n"
        f"routes:\n{routes}"
    )


@pytest.mark.parametrize("plan", ["free", "business", "enterprise"])
def test_the_shops_policy_fits_the_plan(plan: str) -> None:
    for phase, rules in build(settings(plan), POLICY).items():
        assert len(rules) <= PLANS[plan].rules, phase  # pyright: ignore[reportArgumentType]
        assert all(len(rule.expression) <= 4096 and len(rule.description) <= 500 for rule in rules)
        assert len({rule.ref for rule in rules}) == len(rules)


@pytest.mark.parametrize("plan", ["free", "business", "enterprise"])
def test_nothing_is_kept_first_and_personal_requests_are_excluded_last(plan: str) -> None:
    rules = build(settings(plan), POLICY)["http_request_cache_settings"]
    assert (rules[0].expression, rules[0].action) == ("true", Keep(cache=False))
    assert rules[-1].action == Keep(cache=False)
    assert "authorization" in rules[-1].expression


def test_every_public_route_is_named_by_the_rule_that_keeps_it() -> None:
    rules = build(settings("enterprise"), POLICY)["http_request_cache_settings"]
    described = " ".join(rule.description for rule in rules if rule.ref.startswith("keep-"))
    for route in POLICY.routes:
        if route.audience == "public" and route.edge_ttl:
            assert route.route in described


def test_a_rule_keeps_its_ref_when_another_route_is_added() -> None:
    first = policy("  - {route: /b, audience: public, edge_ttl: 60}\n")
    second = policy(
        "  - {route: /a, audience: public, edge_ttl: 300, vary: [country]}\n"
        "  - {route: /b, audience: public, edge_ttl: 60}\n"
    )
    before, after = (
        {rule.ref for rule in build(settings("enterprise"), each)["http_response_cache_settings"]}
        for each in (first, second)
    )
    assert before < after


def test_a_feature_that_the_plan_lacks_must_be_given_up_in_so_many_words() -> None:
    with pytest.raises(ValidationError, match=r"plan 'business' lacks query_keys \(enterprise has it\).*without"):
        settings("business", without=[])


def test_an_unknown_plan_is_refused_with_those_there_are() -> None:
    given = {"account_id": "a" * 32, "zone_id": "b" * 32, "hostname": "shop.example.com", "plan": "gold"}
    with pytest.raises(ValidationError, match="'free', 'pro', 'business' or 'enterprise'"):
        EdgeSettings.model_validate(given)


def test_a_ttl_under_the_plans_minimum_is_refused_with_a_way_out() -> None:
    with pytest.raises(EdgeError, match=r"'lifetime-a' keeps answers 60 s.*'pro' may not go below 3600 s.*edge_ttls"):
        build(settings("pro"), policy("  - {route: /a, audience: public, edge_ttl: 60}\n"))
    build(settings("pro", without=list(LOST)), policy("  - {route: /a, audience: public, edge_ttl: 60}\n"))


def test_more_rules_than_the_plan_allows_are_refused() -> None:
    many = "".join(f"  - {{route: /r{n}, audience: public, edge_ttl: {n + 60}}}\n" for n in range(60))
    with pytest.raises(EdgeError, match="64 rules in http_response_cache_settings, and the plan 'business' allows 50"):
        build(settings("business"), policy(many))


def test_an_expression_that_is_too_long_is_refused() -> None:
    name = "a" * 2000
    long = policy(f'  - {{route: "/{name}/{{id}}", audience: public, edge_ttl: 60}}\n')
    with pytest.raises(EdgeError, match=r"has \d+ characters, and Cloudflare allows 4096"):
        build(settings("enterprise"), long)


def test_an_expression_that_cloudflares_parser_refuses_is_named_with_its_rule() -> None:
    deep = policy(f'  - {{route: "/a{"".join(f"/{{p{n}}}" for n in range(11))}", audience: public, edge_ttl: 60}}\n')
    with pytest.raises(EdgeError, match=r"refuses the rule 'keep-a.*' in http_request_cache_settings: .*wildcard"):
        build(settings("enterprise"), deep)


@pytest.mark.parametrize(
    ("expression", "phase", "said"),
    [
        ("true", "http_request_transform", None),
        ('http.request.uri.path strict wildcard "/a/*"', "http_request_cache_settings", None),
        ("http.response.code in {404 410}", "http_response_cache_settings", None),
        ("http.response.code in {404 410}", "http_request_cache_settings", "not known yet in http_request_cache"),
        ('http.response.code eq "404"', "http_response_cache_settings", "expected digit"),
        ('http.request.uri.pat eq "/a"', "http_request_transform", "unknown identifier"),
        ('http.request.headers.names[*] eq "a"', "http_request_transform", "Array"),
        (" ", "http_request_transform", "empty"),
    ],
)
def test_cloudflares_own_parser_says_what_the_language_is(expression: str, phase: str, said: str | None) -> None:
    found = refusal(expression, phase)
    assert found is None if said is None else found is not None and said in found


def test_many_routes_of_one_kind_are_split_over_expressions_that_fit() -> None:
    line = '  - {{route: "/section-{}/{{id}}", audience: public, edge_ttl: 60}}\n'
    many = "".join(line.format(number) for number in range(80))
    for rules in build(settings("enterprise"), policy(many)).values():
        assert all(len(rule.expression) <= 4096 for rule in rules)


def test_service_in_the_eu_only_is_refused_where_it_cant_be_promised() -> None:
    with pytest.raises(ValidationError, match="eu_only needs Regional Services"):
        settings("business", eu_only=True)


def test_geo_steering_needs_a_fallback() -> None:
    with pytest.raises(ValidationError, match=r"fallback is 'eu', so origins.eu needs at least one name"):
        settings("enterprise", load_balancing={"origins": {"us": ["us.example.com"]}, "zone": "example.com"})
