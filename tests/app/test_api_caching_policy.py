"""The cache policy says what it means, and a mistake in it is refused with its line and the reason."""

import re
from pathlib import Path

import pytest

from app import caching_policy
from app.api.application import check_named, make_routes
from app.api.responses.target import CURRENCIES
from app.caching_policy import EVENTS, LISTED_AT_MOST, VARY_HEADERS, Policy, PolicyError, Route, load, parse

FILE = Path("app/caching.yaml")
LISTED = 'lists: {tag: "listed:{product_id}"'


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(FILE)


@pytest.mark.parametrize(
    ("path", "cache_control", "cdn"),
    [
        (
            "/api/products",
            "public, max-age=300, stale-if-error=3600",
            "max-age=300, stale-while-revalidate=600, stale-if-error=3600",
        ),
        ("/api/users/7", "private, no-cache", None),
        ("/api/cart", "private, no-store", None),
        (
            "/_next/static/chunks/a.js",
            "public, max-age=31536000, immutable",
            "max-age=31536000, stale-while-revalidate=86400, stale-if-error=3600",
        ),
        ("/sw.js", "public, no-cache", "no-store"),
    ],
)
def test_headers_follow_from_the_ttls(policy: Policy, path: str, cache_control: str, cdn: str | None) -> None:
    match = policy.match("GET", path)
    assert match is not None
    assert match.route.cache_control == cache_control
    assert match.route.cdn_cache_control == cdn


def test_no_header_holds_s_maxage_which_would_switch_stale_while_revalidate_off(policy: Policy) -> None:
    assert not [
        route.route for route in policy.routes if "s-maxage" in f"{route.cache_control}{route.cdn_cache_control}"
    ]


@pytest.mark.parametrize("path", ["/nope", "/api/products/1/nope", "/api/products/", "//api/products", "/api"])
def test_an_unlisted_path_has_no_route(policy: Policy, path: str) -> None:
    assert policy.match("GET", path) is None


def test_writes_are_never_stored(policy: Policy) -> None:
    writes = [route for route in policy.routes if set(route.methods) - {"GET", "HEAD"}]
    assert writes
    assert {route.audience for route in writes} == {"never"}


def test_a_product_update_purges_that_product_and_the_listings_but_no_other_product(policy: Policy) -> None:
    purge = policy.purge("product.updated", {"product_id": "5"})
    assert {"product:5", "products", "page-product:5", "page-products"} <= set(purge)
    assert "catalogue" not in purge


def test_a_new_catalogue_purges_every_product(policy: Policy) -> None:
    assert {"catalogue", "products", "categories", "pages-product"} <= set(policy.purge("catalogue.loaded", {}))


def test_stock_that_a_listing_shows_purges_the_listings_that_show_it_and_no_others(policy: Policy) -> None:
    purge = policy.purge("availability.changed", {"product_id": "5", "category_id": "3"})
    assert {"listed:5", "listed", "product:5", "inventory:5", "page-category:3", "page-products"} <= set(purge)
    assert not {"products", "catalogue", "pages-category"} & set(purge)


@pytest.mark.parametrize("about", [{}, {"product_id": "5"}, {"product_id": "5", "category_id": "3", "user_id": "7"}])
def test_an_event_is_announced_with_all_its_parameters_and_no_others(policy: Policy, about: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"availability\.changed. has category_id, product_id, but was given"):
        policy.purge("availability.changed", about)


def test_an_event_whose_parameters_nobody_has_written_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {event: parameters for event, parameters in EVENTS.items() if event != "user.updated"}
    monkeypatch.setattr(caching_policy, "EVENTS", declared)
    with pytest.raises(PolicyError, match=r"EVENTS in app/caching_policy\.py lacks the parameters of user\.updated"):
        load(FILE)


def test_an_answer_has_a_tag_for_each_thing_that_it_lists_and_one_for_too_many(policy: Policy) -> None:
    match = policy.match("GET", "/api/products")
    assert match is not None
    assert match.route.lists is not None
    assert match.route.lists.tags(["5", "7", "5"]) == ("listed:5", "listed:7")
    assert match.route.lists.tags([str(number) for number in range(LISTED_AT_MOST)])[-1] == "listed:99"
    assert match.route.lists.tags([str(number) for number in range(LISTED_AT_MOST + 1)]) == ("listed",)


def test_a_user_update_purges_that_user_only(policy: Policy) -> None:
    assert policy.purge("user.updated", {"user_id": "7"}) == ("user:7",)


def test_the_countries_with_answers_of_their_own_are_those_with_a_currency_of_their_own(policy: Policy) -> None:
    assert set(policy.countries.own) == set(CURRENCIES)
    assert policy.countries.others not in CURRENCIES
    markets = Path("app/storefront/src/shop/market.ts").read_text()
    lists = " ".join(re.findall(r"countries: \[([^\]]*)\]", markets))
    listed = set(re.findall(r'"([A-Z]{2})"', lists))
    assert listed == {*policy.countries.own, policy.countries.others}


def test_prices_vary_by_country_and_say_so(policy: Policy) -> None:
    match = policy.match("GET", "/api/products/5")
    assert match is not None
    assert match.route.vary_header == "Accept-Encoding, X-Country"
    assert "tier" not in VARY_HEADERS, "the tier must come from the session, never from a header"


@pytest.mark.parametrize(
    ("change", "at", "reason"),
    [
        (
            ("browser_ttl: 300", "browser_tl: 300"),
            "browser_tl:",
            "browser_tl: unknown field; allowed are route, methods",
        ),
        (("browser_ttl: 300", "browser_ttl: 5m"), "5m", "valid integer, not '5m'"),
        (("browser_ttl: 300", "browser_ttl: -1"), "-1", "greater than or equal to 0, not -1"),
        (("route: /api/search\n", "route: /api/products  # again\n"), "# again", "overlap"),
        (("route: /api/search\n", 'route: "/api/{anything}"\n'), "{anything}", "overlap"),
        (("audience: user", "audience: never"), "/api/users/{user_id}\n", "api_ttl is 120"),
        (("audience: user", "audience: user\n    edge_ttl: 5"), "/api/users/{user_id}\n", "edge_ttl is 5"),
        (("purged_by: [user.updated]", "purged_by: [user.update]"), "user.update]", "not 'user.update'"),
        (("errors:", "erors:"), "erors:", "erors: unknown field"),
        (("own: [US, GB]", "own: [US, UK, DE]"), "own: [US, UK, DE]", "each country once"),
        (("own: [US, GB]", "own: [US, gb]"), "gb]", "pattern"),
        (('"user:{user_id}"', '"user:{id}"'), "/api/users/{user_id}\n", "has no parameter id"),
        (("tags: [products]", "tags: [products]\n    tags: [more]"), "tags: [more]", "'tags' is given twice"),
        (("audience: public", "audience: [public"), "browser_ttl", "not YAML"),
        ((LISTED, 'lists: {tag: "listed"'), 'lists: {tag: "listed"', "must be words and, last, one parameter"),
        ((LISTED, 'lists: {tag: "products:{product_id}"'), "/api/products\n", "would purge 'products' too"),
        ((LISTED, f"{LISTED}, tags: [x]"), ", tags: [x]", "tags: unknown field; allowed are tag, purged_by"),
        (("purged_by: [availability.changed]}", "purged_by: []}"), "[]", "at least 1 item"),
        (("[availability.changed]}", "[product.updated]}"), "/api/products\n", "product.updated stands in purged_by"),
        (
            ("[availability.changed]}", "[catalogue.loaded]}"),
            "/api/products\n",
            "event 'catalogue.loaded' has no parameters, which doesn't fill lists.tag 'listed:{product_id}'",
        ),
        (
            ("purged_by: [user.updated]", "purged_by: [product.updated]"),
            "/api/users/{user_id}\n",
            "event 'product.updated' has product_id, which fills none of the tags user:{user_id}",
        ),
        (
            (
                '"reviews:{product_id}", catalogue]\n    purged_by: [review.created, ',
                '"reviews:{product_id}", catalogue]\n    purged_by: [',
            ),
            "/api/reviews/{product_id}\n",
            "no event of purged_by fills the tag 'reviews:{product_id}', so nothing purges it: catalogue.loaded has no",
        ),
        (("    purged_by: [user.updated]\n", ""), "/api/users/{user_id}\n", "so nothing purges it: it is empty"),
        (
            ("api_ttl: 120\n    vary: [encoding]", "api_ttl: 120\n    vary: [country]"),
            "/api/users/{user_id}\n",
            "add 'encoding' to vary",
        ),
        (('prefetch: ["/api/products/{product_id}"]', "prefetch: [/nowhere]"), "/api/products\n", "is no GET route"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_the_reason(change: tuple[str, str], at: str, reason: str) -> None:
    text = FILE.read_text("utf-8")
    assert change[0] in text
    wrong = text.replace(*change, 1)
    entries = 0 if at.startswith(("erors", "own", "gb")) else wrong.index("\nroutes:")
    line = wrong.count("\n", 0, wrong.index(at, entries)) + 1
    with pytest.raises(PolicyError) as refused:
        parse(wrong, "caching.yaml")
    assert f"caching.yaml, line {line}:" in str(refused.value)
    assert reason in str(refused.value)


def with_routes(policy: Policy, routes: tuple[Route, ...]) -> Policy:
    return Policy(version=1, errors=policy.errors, bypass=policy.bypass, countries=policy.countries, routes=routes)


def test_a_route_of_the_api_that_the_policy_does_not_name_is_refused_with_the_entry_that_is_missing(
    policy: Policy,
) -> None:
    routes = make_routes()
    check_named(policy, routes)
    without = tuple(route for route in policy.routes if route.methods != ("PATCH",))
    with pytest.raises(PolicyError, match=r"names no PATCH /api/products/\{product_id\}/inventory.*audience: never"):
        check_named(with_routes(policy, without), routes)


def test_a_query_parameter_that_the_policy_does_not_name_is_refused(policy: Policy) -> None:
    forgotten = tuple(
        route.model_copy(update={"query": ("sort", "limit")}) if route.route == "/api/reviews/{product_id}" else route
        for route in policy.routes
    )
    with pytest.raises(PolicyError, match=r"no query parameter cursor of /api/reviews"):
        check_named(with_routes(policy, forgotten), make_routes())


def test_an_entity_without_a_ttl_is_refused_with_the_entry_that_is_missing(policy: Policy) -> None:
    with pytest.raises(PolicyError, match=r"no TTL for the entity product.*entities: \{product: \{ttl: 300\}\}"):
        check_named(with_routes(policy, policy.routes), make_routes())


def test_the_route_that_the_documentation_shows_is_purged_by_its_events() -> None:
    shown = re.search(r"```yaml\n(  - route: .*?)```", Path("docs/api-caching.md").read_text(), re.DOTALL)
    assert shown is not None
    extended = parse(FILE.read_text() + shown[1])
    added = extended.routes[-1]
    assert added.tags
    for event in added.purged_by:
        purged = extended.purge(event, dict.fromkeys(EVENTS[event], "5"))
        assert set(purged) & set(added.rendered_tags(dict.fromkeys(added.parameters, "5"))), event


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"cannot read the cache policy .*none\.yaml"):
        load(tmp_path / "none.yaml")
