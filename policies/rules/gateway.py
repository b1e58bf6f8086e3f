"""The gateway's nginx, read as nginx reads it."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import crossplane

from policies.networks import wide
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig

_DOCS = "https://nginx.org/en/docs/http"
_OLD_PROTOCOLS = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
Directive = Mapping[str, Any]


def parse(text: str) -> tuple[Sequence[Directive], tuple[str, ...]]:
    """The directives of a nginx.conf, and what is wrong with it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "nginx.conf"
        path.write_text(text)
        read = cast("Mapping[str, Any]", crossplane.parse(str(path), single=True))  # pyright: ignore[reportUnknownMemberType]
    errors = tuple(f"line {error['line']}: {str(error['error']).split(' in /')[0]}" for error in read["errors"])
    return read["config"][0]["parsed"], errors


def _configurations(stack: Stack) -> Iterator[tuple[Resource, Sequence[Directive], tuple[str, ...]]]:
    for holder, _name, text in stack.files("nginx.conf"):
        yield (holder, *parse(text))


def _all(directives: Sequence[Directive], *names: str) -> Iterator[Directive]:
    """All directives of these names, at every depth, in order."""
    for directive in directives:
        if directive["directive"] in names:
            yield directive
        yield from _all(directive.get("block") or (), *names)


@rule(
    "gateway-configuration-read",
    severity=Severity.HIGH,
    protects="A gateway that can't read its configuration doesn't start, in the middle of an update.",
    fix="Mend components/gateway/config.py; `make test` starts the real nginx with the text.",
    link="https://nginx.org/en/docs/beginners_guide.html#conf_structure",
)
def configuration_read(stack: Stack, _: Parameters) -> Findings:
    """nginx reads its configuration, and all of it is here."""
    for holder, directives, errors in _configurations(stack):
        for error in errors:
            yield Finding(f"nginx.conf, {error}", holder)
        for include in _all(directives, "include"):
            if include["args"] != ["mime.types"] and not str(include["args"][0]).endswith("/mime.types"):
                yield Finding(f"line {include['line']} includes {include['args'][0]}, which nobody reads here", holder)


@rule(
    "gateway-hardened",
    severity=Severity.CRITICAL,
    protects="Visitors could reach the shop past Cloudflare, be read on the way, or be given somebody else's answer.",
    fix="Leave TLS, the edge's certificate and networks and the ban on storing cookies as components/gateway has them.",
    link=f"{_DOCS}/ngx_http_ssl_module.html",
)
def hardened(stack: Stack, _: Parameters) -> Findings:
    """The gateway knows the edge by its certificate, speaks new TLS only, and stores no answer with a cookie."""
    for holder, directives, _errors in _configurations(stack):
        for fault in _faults(directives, banned_cookies=_bans_cookies(holder)):
            yield Finding(fault, holder)


def _bans_cookies(holder: Resource) -> bool:
    """Whether the shield's script, which sets $unkept, is told to keep no answer with Set-Cookie."""
    routes, script = holder.get("data", "routes.json"), holder.get("data", "shield.lua")
    if not routes or "config.unkept_headers" not in str(script):
        return False
    return "set-cookie" in (str(name).lower() for name in dig(json.loads(str(routes)), "unkept_headers") or ())


def _faults(directives: Sequence[Directive], *, banned_cookies: bool) -> Iterator[str]:
    for server in _all(directives, "server"):
        inside: Sequence[Directive] = server.get("block") or ()
        encrypted = any("ssl" in listen["args"] for listen in _all(inside, "listen"))
        verified = [one["args"][0] for one in _all([*_outside(directives), *inside], "ssl_verify_client")]
        if encrypted and verified[-1:] != ["on"]:
            yield f"the server at line {server['line']} asks visitors for no certificate of the edge"
    for protocols in _all(directives, "ssl_protocols"):
        if old := _OLD_PROTOCOLS & set(protocols["args"]):
            yield f"it speaks {', '.join(sorted(old))}"
    if too_wide := wide(
        [one["args"][0] for one in _all(directives, "set_real_ip_from") if one["args"] != ["unix:"]], 8
    ):
        yield f"whoever is in {too_wide} is believed to be the edge"
    for name, wrong, why in (
        ("autoindex", "on", "it lists directories"),
        ("proxy_ssl_verify", "off", "it doesn't check its origins' certificates"),
        ("server_tokens", "on", "it tells its version"),
    ):
        if any(one["args"][:1] == [wrong] for one in _all(directives, name)):
            yield why
    stored = any(one["args"] != ["off"] for one in _all(directives, "proxy_cache"))
    bans = {"$upstream_http_set_cookie", *(["$unkept"] if banned_cookies else [])}
    cookies = [one for one in _all(directives, "proxy_no_cache") if bans & set(one["args"])]
    if stored and not cookies:
        yield "it stores answers with Set-Cookie"
    if any("Set-Cookie" in one["args"] for one in _all(directives, "proxy_ignore_headers")) and not cookies:
        yield "it ignores Set-Cookie and stores the answer"


def _outside(directives: Sequence[Directive]) -> list[Directive]:
    """What is set for all servers."""
    return [
        inner
        for directive in directives
        if directive["directive"] == "http"
        for inner in directive.get("block") or ()
        if inner["directive"] != "server"
    ]
