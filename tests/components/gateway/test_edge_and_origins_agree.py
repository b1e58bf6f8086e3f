"""For whatever is asked: the edge's rendered rules, the real gateway and the real API do what the policy says of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.caching_policy import Policy, Route, load
from app.database.catalogue import DEMO_PASSWORD
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes.flows import GATEWAY_PORT
from explain.zone import EdgeVerdict, OriginResponse, Request, Zone
from stack.environments import deployed_environments
from stack.render import Rendered
from testing.api_stack import ADMIN_TOKEN, Api, running_stack
from testing.gateway_server import Gateway, Seen, StubResponse, running_gateway

POLICY: Policy = load(Path("app/caching.yaml"))
GENEROUS = Limits.model_validate({"requests_per_second": 100_000, "burst": 100_000, "connections": 10_000})
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOOD, MISSING = (200, 301, 308), (404, 410)
USER = 3
SIGNED_IN = Request(path="/", headers={"cookie": "sid=SESSION; tier=premium"})
SAID_BY_THE_POLICY = ("cache-control", "cloudflare-cdn-cache-control")


@dataclass(frozen=True)
class Shop:
    """What answers: a gateway before a real API and a scripted storefront, and somebody who is signed in."""

    gateway: Gateway
    api: Api
    session: str
    email: str


def page(seen: Seen) -> StubResponse:
    """Stands for the storefront: a page tells all that it was made from."""
    told = {name: seen.headers.get(name, "") for name in ("x-country", "x-device", "rsc", "accept", "cookie")}
    return StubResponse(f"{seen.target} {told}", status=404 if "none" in seen.target else 200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_stack(sentinels=1) as stack:
        api = stack.api(COOKIE_SECURE="0", WARM_PRODUCTS="0", REDIS_TIMEOUT_SECONDS="2", PURGE_SECONDS="5")
        stack.sql(f"UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = 1) WHERE id = {USER}")
        email = stack.sql(f"SELECT email FROM users WHERE id = {USER}")
        signed_in = httpx.post(f"{api.url}/api/session", json={"email": email, "password": DEMO_PASSWORD})
        with running_gateway(
            tmp_path_factory.mktemp("gateway"), POLICY, GatewaySettings(limits=GENEROUS), api_address=api.url[7:]
        ) as gateway:
            gateway.storefront.answer = page
            yield Shop(gateway, api, signed_in.cookies["sid"], email)


@pytest.fixture(scope="module", params=deployed_environments())
def zone(request: pytest.FixtureRequest, rendered: Callable[[str], Rendered]) -> Zone:
    return Zone.of(rendered(request.param).resources)


values = st.sampled_from(["1", "3", "11", "12", "999999", "none", "a%2Fb", "0", "x.css", "%C3%A4"])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    route: Route = draw(st.sampled_from(POLICY.routes))
    segments = [draw(values) if part.startswith("{") else part for part in route.segments]
    headers = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "authorization": st.sampled_from([f"Bearer {ADMIN_TOKEN}", "Bearer wrong"]),
                "x-admin-update": st.just("1"),
                "cookie": st.sampled_from(["sid=SESSION", "tier=premium", "sid=SESSION; tier=premium", "a=b"]),
                "accept-encoding": st.sampled_from(["br", "gzip", "identity"]),
                "accept": st.sampled_from(["image/avif", "text/html"]),
                "rsc": st.just("1"),
                "x-country": st.sampled_from(["US", "XX"]),
                "x-device": st.just("mobile"),
            },
        )
    )
    return Request(
        path="/" + "/".join(segments) + draw(st.sampled_from(["", "", "", "", "/", "/x"])),
        query=draw(st.sampled_from(["", "limit=5", "utm_source=m", "q=lamp&x=1", "sort=price&limit=5", "limit=x"])),
        method=draw(st.sampled_from(["GET", "GET", "GET", "HEAD"])),
        headers=headers,
        country=draw(st.sampled_from(["DE", "AT", "US"])),
        device=draw(st.sampled_from(["desktop", "mobile"])),
    )


def ask(shop: Shop, zone: Zone, given: Request) -> tuple[httpx.Response, EdgeVerdict]:
    """Through the edge, which decides what is sent, to the gateway; and what the edge does with the answer."""
    headers = {name: value.replace("SESSION", shop.session) for name, value in given.headers.items()}
    request = replace(given, headers=headers)
    sent = {**zone.judge(request, OriginResponse()).sent, "cf-device-type": request.device}
    sent.setdefault("accept-encoding", "identity")
    target = request.path + (f"?{request.query}" if request.query else "")
    answer = shop.gateway.client.request(
        request.method, f"http://{shop.gateway.address}:{GATEWAY_PORT}{target}", headers=sent
    )
    told = {name.lower(): value for name, value in answer.headers.items()}
    return answer, zone.judge(request, OriginResponse(status=answer.status_code, headers=told))


def is_personal(request: Request) -> bool:
    cookies = {part.split("=")[0].strip() for part in request.headers.get("cookie", "").split(";")}
    headers = {name.lower() for name in POLICY.bypass.request_headers}
    return bool(headers & request.headers.keys()) or bool(set(POLICY.bypass.request_cookies) & cookies)


def public_route(request: Request) -> Route | None:
    found = POLICY.match("GET", unquote(request.path))
    return found.route if found and found.route.audience == "public" else None


def asks_for_data_unlike_a_router(route: Route, request: Request) -> bool:
    """Next.js's router puts `_rsc` into the address, which a request for a page's data without it lacks."""
    return "rsc" in route.vary and "rsc" in request.headers and "_rsc=" not in request.query


def is_only_written(request: Request) -> bool:
    """Whether something listens at the address, but nothing that reads."""
    path = unquote(request.path)
    return POLICY.match("GET", path) is None and any(route.expression.fullmatch(path) for route in POLICY.routes)


@given(request=requests())
@EXAMPLES
def test_edge_and_gateway_keep_what_the_policy_calls_public_and_as_long_as_it_says(
    shop: Shop, zone: Zone, request: Request
) -> None:
    answer, verdict = ask(shop, zone, request)
    route = public_route(request)
    assert answer.status_code < 500
    if route is None or is_personal(request) or asks_for_data_unlike_a_router(route, request):
        assert not verdict.stored
        # nginx merges slashes, so what is everybody's under one is answered from its cache under two.
        if is_personal(request) or "//" not in request.path:
            assert "gateway; hit" not in answer.headers["cache-status"]
            assert "private" in answer.headers["cache-control"] or "no-store" in answer.headers["cache-control"]
        return
    if answer.status_code in GOOD and "%2F" not in request.path:
        assert (verdict.ttl, verdict.stale_while_revalidate, verdict.stale_if_error) == (
            (route.edge_ttl, route.stale_while_revalidate, route.stale_if_error) if route.edge_ttl else (0, 0, 0)
        )
        assert answer.headers["cache-control"] == route.cache_control
        assert answer.headers.get("cloudflare-cdn-cache-control") == route.cdn_cache_control
        again, _ = ask(shop, zone, request)
        assert ("gateway; hit" in again.headers["cache-status"]) == (route.shield_ttl > 0)
    elif answer.status_code in MISSING and route.edge_ttl:
        assert verdict.ttl in (0, POLICY.errors.not_found_ttl)
    elif answer.status_code >= 400:
        assert not verdict.stored


@given(request=requests())
@EXAMPLES
def test_the_api_says_the_same_as_the_gateway_before_it(shop: Shop, zone: Zone, request: Request) -> None:
    if not request.path.startswith("/api/"):
        return
    answer, verdict = ask(shop, zone, request)
    target = request.path + (f"?{request.query}" if request.query else "")
    direct = httpx.request(request.method, f"{shop.api.url}{target}", headers=dict(verdict.sent))
    assert direct.status_code == answer.status_code
    if public_route(request) and not is_personal(request):
        for name in SAID_BY_THE_POLICY:
            assert direct.headers.get(name) == answer.headers.get(name)
    elif "private" not in direct.headers["cache-control"] and "no-store" not in direct.headers["cache-control"]:
        # A member's mark without a member's session: the API knows better than the layers before it, and shows what
        # everybody is shown.
        assert set(request.headers) & {"authorization", "x-admin-update"} == set()
        plain = {name: value for name, value in verdict.sent.items() if name != "cookie"}
        assert direct.text == httpx.request(request.method, f"{shop.api.url}{target}", headers=plain).text


@given(before=st.lists(requests(), min_size=1, max_size=3), request=requests())
@example(before=[SIGNED_IN], request=Request(path=f"/api/users/{USER}"))
@example(before=[SIGNED_IN], request=Request(path=f"/api/users/{USER}/orders"))
@example(before=[SIGNED_IN], request=Request(path=f"/api/users/{USER}/sessions"))
@EXAMPLES
def test_nobody_is_given_what_somebody_else_asked_for(
    shop: Shop, zone: Zone, before: list[Request], request: Request
) -> None:
    # The same address, first asked for by others: signed in, as administrator, from elsewhere.
    for other in before:
        ask(shop, zone, replace(request, headers=other.headers, country=other.country, device=other.device))
    anonymous = replace(request, method="GET", headers={})
    answer, verdict = ask(shop, zone, anonymous)
    assert shop.email not in answer.text
    assert shop.session not in answer.text
    assert "set-cookie" not in answer.headers
    if request.path.startswith("/api/users/"):
        assert not verdict.stored
        assert answer.status_code in ((405,) if is_only_written(request) else (401, 404, 422))


def test_a_renewed_session_signs_in_nobody_else(shop: Shop, zone: Zone) -> None:
    """A session is renewed once a minute, with its cookie: the checks above see that one in a hundred examples."""
    shop.gateway.storefront.answer = lambda seen: StubResponse(
        seen.headers.get("cookie", "nobody"), headers={"Set-Cookie": f"sid={shop.session}; Path=/"}
    )
    try:
        seen = [ask(shop, zone, replace(one, path="/cart"))[0].text for one in (SIGNED_IN, Request(path="/cart"))]
    finally:
        shop.gateway.storefront.answer = page
    assert shop.session in seen[0]
    assert seen[1] == "nobody"


@given(first=requests(), second=requests(), same=st.booleans())
@EXAMPLES
def test_what_shares_a_copy_at_the_edge_is_the_same_answer(
    shop: Shop, zone: Zone, first: Request, second: Request, same: bool
) -> None:
    second = replace(first, headers=second.headers, country=second.country, device=second.device) if same else second
    one, kept = ask(shop, zone, replace(first, method="GET"))
    other, also_kept = ask(shop, zone, replace(second, method="GET"))
    if kept.stored and also_kept.stored and kept.key == also_kept.key:
        assert one.text == other.text


def test_a_wrong_word_about_storing_would_be_noticed(shop: Shop, zone: Zone) -> None:
    """The checks above can fail: an origin that calls a profile public is believed by nobody."""
    numbers = count()
    shop.gateway.storefront.answer = lambda _: StubResponse(
        f"account {next(numbers)}", headers={"Cache-Control": "public, max-age=600", "Set-Cookie": "sid=1"}
    )
    try:
        seen = [ask(shop, zone, Request(path="/account/orders")) for _ in range(2)]
    finally:
        shop.gateway.storefront.answer = page
    assert seen[0][0].text != seen[1][0].text
    assert not any(verdict.stored for _, verdict in seen)
