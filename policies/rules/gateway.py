"""The gateway's nginx, read as nginx reads it."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import crossplane
from crossplane.analyzer import DIRECTIVES

from policies.networks import wide
from policies.routes import PERSONAL, PUBLIC
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig

_DOCS = "https://nginx.org/en/docs/http"
_OLD_PROTOCOLS = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
_WEAK_CIPHERS = re.compile(
    r"(?<![!-])\b(?:aNULL|eNULL|NULL|EXP(?:ORT)?|LOW|RC4|MD5|3?DES|ADH|AECDH|ALL|COMPLEMENTOFALL)\b"
)
_OF_VALUES = ("charset_map", "geo", "map", "split_clients", "types")
"""Blocks that hold values, not directives."""

Directive = Mapping[str, Any]


@lru_cache(maxsize=4)
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
    protects="A gateway that can't read it doesn't start, in the middle of an update.",
    fix="Correct components/gateway/config.py; `make test` starts a real nginx with it.",
    link="https://nginx.org/en/docs/beginners_guide.html#conf_structure",
)
def configuration_read(stack: Stack, _: Parameters) -> Findings:
    """nginx can read its configuration, all of which the stack declares."""
    for holder, directives, errors in _configurations(stack):
        for error in errors:
            yield Finding(f"nginx.conf, {error}", holder)
        for line, name in _unknown(directives):
            yield Finding(f"nginx.conf, line {line}: nginx knows no directive {name}", holder)
        for include in _all(directives, "include"):
            if include["args"] != ["mime.types"] and not str(include["args"][0]).endswith("/mime.types"):
                yield Finding(
                    f"line {include['line']} includes {include['args'][0]}, which these rules don't read", holder
                )


def _unknown(directives: Sequence[Directive]) -> Iterator[tuple[int, str]]:
    """The directives that neither nginx has nor its Lua module."""
    for directive in directives:
        name = str(directive["directive"])
        if name not in DIRECTIVES and not re.fullmatch(r"lua_\w+|\w+_by_lua(?:_block|_file)", name):
            yield directive["line"], name
        if name not in _OF_VALUES:
            yield from _unknown(directive.get("block") or ())


@rule(
    "gateway-hardened",
    severity=Severity.CRITICAL,
    protects="Visitors could bypass Cloudflare, be overheard, or receive somebody else's response.",
    fix="Leave TLS, the edge's certificate and networks and the cookie rule as components/gateway has them.",
    link=f"{_DOCS}/ngx_http_ssl_module.html",
    parameters={"edge_speaks_tls": True},
)
def hardened(stack: Stack, parameters: Parameters) -> Findings:
    """The gateway verifies the edge's certificate, speaks current TLS only, and stores no response with a cookie."""
    edge = parameters["edge_speaks_tls"] and any(True for _ in stack.of("ruleset:Ruleset"))
    for holder, directives, _errors in _configurations(stack):
        cas = {f"/etc/gateway/{name}" for name in holder.get("data") or {}}
        faults = (
            *_of_visitors(directives, cas, edge=edge),
            *_of_trust(directives),
            *_of_origins(directives),
            *_faults(directives, banned_cookies=_bans_cookies(holder)),
        )
        for fault in faults:
            yield Finding(fault, holder)


def _of_visitors(directives: Sequence[Directive], cas: set[str], *, edge: bool) -> Iterator[str]:
    """Faults in how visitors reach it: who is admitted, and by which TLS."""
    for server in _all(directives, "server"):
        inside: Sequence[Directive] = server.get("block") or ()
        where = f"the server at line {server['line']}"
        around = [*_outside(directives), *inside]
        if not any("ssl" in listen["args"] for listen in _all(inside, "listen")):
            if edge and any(True for _ in _all(inside, "proxy_pass")):
                yield f"{where} answers visitors without TLS"
            continue
        if _last(around, "ssl_verify_client") != ["on"]:
            yield f"{where} asks visitors for no certificate of the edge"
        elif (given := _last(around, "ssl_client_certificate")) and given[0] not in cas:
            yield f"{where} lets in clients whose certificate {given[0]} signed, which isn't the edge's CA"
        if not _last(around, "ssl_protocols"):
            yield f"{where} has no ssl_protocols, so nginx's defaults apply, old ones among them"
        if any(True for _ in _all(inside, "content_by_lua_block")):
            yield f"{where} lets visitors purge, or see its metrics"
    for protocols in _all(directives, "ssl_protocols"):
        if old := _OLD_PROTOCOLS & set(protocols["args"]):
            yield f"it speaks {', '.join(sorted(old))}"
    for ciphers in _all(directives, "ssl_ciphers"):
        if weak := _WEAK_CIPHERS.findall(" ".join(ciphers["args"])):
            yield f"it takes weak ciphers: {', '.join(dict.fromkeys(weak))}"


def _last(directives: Sequence[Directive], name: str) -> list[str]:
    """The arguments of the last of these directives, at every depth."""
    return next((one["args"] for one in reversed([*_all(directives, name)])), [])


def _of_trust(directives: Sequence[Directive]) -> Iterator[str]:
    """Faults in whose word it takes for a visitor's identity."""
    for given in _all(directives, "real_ip_header"):
        if given["args"] != ["CF-Connecting-IP"]:
            yield f"it takes a visitor's address from {given['args'][0]}, which anybody can set"
    networks = [one["args"][0] for one in _all(directives, "set_real_ip_from") if one["args"] != ["unix:"]]
    for geo in _all(directives, "geo"):
        if geo["args"][:1] == ["$realip_remote_addr"]:
            listed = [one for one in geo.get("block") or () if one["args"][:1] not in (["0"], [""])]
            networks += [one["directive"] for one in listed if one["directive"] != "default"]
            if any(one["directive"] == "default" for one in listed):
                yield "everybody is believed to be the edge"
    if too_wide := wide(networks, 8):
        yield f"whoever is in {too_wide} is believed to be the edge"
    for header in _all(directives, "proxy_set_header"):
        name, value = header["args"][:2]
        if name in _OF_THE_VISITOR and re.search(r"\$(?:http_(?!host\b)|proxy_add_x_forwarded_for)", value):
            yield f"it passes its origins the visitor's own {name}: {value}"


_OF_THE_VISITOR = ("Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""Headers that the shop believes. The Host is one of the shop's names: to others the gateway answers 421."""


def _of_origins(directives: Sequence[Directive]) -> Iterator[str]:
    """Faults in where it sends requests."""
    upstreams = {one["args"][0]: one.get("block") or () for one in _all(directives, "upstream")}
    for name, block in upstreams.items():
        for server in (one for one in block if one["directive"] == "server"):
            if not re.fullmatch(r"@\w+@", server["args"][0]):
                yield f"{name} is {server['args'][0]}, which isn't filled in from the cluster's own Services"
    for passed in _all(directives, "proxy_pass"):
        host = re.sub(r"^https?://", "", passed["args"][0]).partition("/")[0]
        if host not in upstreams:
            yield f"line {passed['line']} passes requests to {passed['args'][0]}, which is no upstream"


def _bans_cookies(holder: Resource) -> bool:
    """Whether the shield's script, which sets $unkept, is configured to keep no response with Set-Cookie."""
    routes, script = holder.get("data", "routes.json"), holder.get("data", "shield.lua")
    if not routes or "config.unkept_headers" not in str(script):
        return False
    return "set-cookie" in (str(name).lower() for name in dig(json.loads(str(routes)), "unkept_headers") or ())


def _faults(directives: Sequence[Directive], *, banned_cookies: bool) -> Iterator[str]:
    for name, wrong, why in (
        ("autoindex", "on", "it lists directories"),
        ("proxy_ssl_verify", "off", "it doesn't check its origins' certificates"),
        ("server_tokens", "on", "it publishes its version"),
    ):
        if any(one["args"][:1] == [wrong] for one in _all(directives, name)):
            yield why
    stored = any(one["args"] != ["off"] for one in _all(directives, "proxy_cache"))
    bans = {"$upstream_http_set_cookie", *(["$unkept"] if banned_cookies else [])}
    cookies = [one for one in _all(directives, "proxy_no_cache") if bans & set(one["args"])]
    if stored and not cookies:
        yield "it stores responses with Set-Cookie"
    if any("Set-Cookie" in one["args"] for one in _all(directives, "proxy_ignore_headers")) and not cookies:
        yield "it ignores Set-Cookie and stores the response"


@rule(
    "gateway-keeps-nothing-personal",
    severity=Severity.CRITICAL,
    protects="The next visitor would see one visitor's cart, orders or profile.",
    fix="Let app/caching.yaml say what is public; keep only that, and request it without the visitor's headers.",
    link=f"{_DOCS}/ngx_http_proxy_module.html#proxy_cache",
    parameters={"routes": list(PERSONAL), "paths": list(PUBLIC), "seconds": 86400},
)
def keeps_nothing_personal(stack: Stack, parameters: Parameters) -> Findings:
    """The gateway keeps no personal response, none longer than `seconds`, and none that depends on one visitor's
    headers.
    """
    for holder, directives, _errors in _configurations(stack):
        for server in _all(directives, "server"):
            inside: Sequence[Directive] = server.get("block") or ()
            for fault in _kept(inside, [*_outside(directives), *inside], parameters):
                yield Finding(fault, holder)


def _kept(inside: Sequence[Directive], around: Sequence[Directive], parameters: Parameters) -> Iterator[str]:
    locations = [one for one in inside if one["directive"] == "location"]
    top = [one for one in around if one["directive"] != "location"]
    for route in parameters["routes"]:
        for path in (route, f"{route}/1"):
            found = location_of(locations, path)
            if found and _keeps(top, found):
                yield f"it keeps {path}, by the location {' '.join(found['args'])}"
    for path in parameters["paths"]:
        found = location_of(locations, path)
        for valid in _all(found["block"], "proxy_cache_valid") if found and _keeps(top, found) else ():
            if (seconds := _seconds(valid["args"][-1])) > parameters["seconds"]:
                yield f"it keeps {path} for {seconds} s"
    for location in locations:
        if not _keeps(top, location):
            continue
        where = f"the location {' '.join(location['args'])}"
        if _last([*top, location], "proxy_pass_request_headers") != ["off"]:
            yield f"{where} keeps what may depend on a visitor's own headers"
        if not any("$" in part for part in _last([*top, location], "proxy_cache_key")):
            yield f"{where} keeps all responses under one key"
        if any("any" in valid["args"] for valid in _all(location["block"], "proxy_cache_valid")):
            yield f"{where} keeps responses of every status"


def _keeps(top: Sequence[Directive], location: Directive) -> bool:
    return _last([*top, location], "proxy_cache") not in ([], ["off"])


def _seconds(text: str) -> int:
    """A time of nginx: 300s, 1h 30m, 365d (nginx.org/en/docs/syntax.html)."""
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
    found = re.findall(r"(\d+)(ms|[smhdwMy]?)", text)
    return sum(int(number) * units.get(unit, 0) for number, unit in found)


def location_of(locations: Sequence[Directive], path: str) -> Directive | None:
    """The location that answers a path (nginx.org/en/docs/http/ngx_http_core_module.html#location): an exact one, the
    longest prefix that rules regular expressions out, the first of these, or the longest prefix.
    """
    prefixes = [one for one in locations if one["args"][0] not in ("=", "~", "~*") and path.startswith(one["args"][-1])]
    longest = max(prefixes, key=lambda one: len(one["args"][-1]), default=None)
    for one in locations:
        if one["args"] == ["=", path]:
            return one
    if longest and longest["args"][0] == "^~":
        return longest
    for one in locations:
        if one["args"][0] in ("~", "~*"):
            pattern = re.sub(r"\(\?<(?=\w)", "(?P<", one["args"][1]).replace(r"\z", r"\Z")
            if re.search(pattern, path, re.IGNORECASE if one["args"][0] == "~*" else 0):
                return one
    return longest


@rule(
    "gateway-limits",
    severity=Severity.HIGH,
    protects="One address could stop the shop; the log would tell what visitors ask for.",
    fix="Keep limit_req, limit_conn and client_max_body_size; keep queries, cookies and addresses out of log_format.",
    link=f"{_DOCS}/ngx_http_limit_req_module.html",
    parameters={"rate": 1000, "body": 10485760},
)
def limits(stack: Stack, parameters: Parameters) -> Findings:
    """A visitor's requests, connections and bodies are limited; nothing personal is logged."""
    edge = any(True for _ in stack.of("ruleset:Ruleset"))
    for holder, directives, _errors in _configurations(stack):
        for fault in (*(_unlimited(directives, parameters) if edge else ()), *_told(directives)):
            yield Finding(fault, holder)


def _unlimited(directives: Sequence[Directive], parameters: Parameters) -> Iterator[str]:
    for server in _all(directives, "server"):
        inside: Sequence[Directive] = server.get("block") or ()
        if not any(True for _ in _all(inside, "proxy_pass")):
            continue
        for name in ("limit_req", "limit_conn"):
            if not _last([*_outside(directives), *inside], name):
                yield f"the server at line {server['line']} has no {name}"
    for zone in _all(directives, "limit_req_zone"):
        for rate in (part.removeprefix("rate=") for part in zone["args"] if part.startswith("rate=")):
            number, _, unit = rate.partition("r/")
            if int(number) / (60 if unit == "m" else 1) > parameters["rate"]:
                yield f"an address may send {rate}"
    for size in _all(directives, "client_max_body_size"):
        if not 0 < _bytes(size["args"][0]) <= parameters["body"]:
            yield f"a body may have {size['args'][0]} bytes" + (", which is no limit" if size["args"] == ["0"] else "")


def _bytes(text: str) -> int:
    return int(text.rstrip("kKmMgG")) * {"k": 1024, "m": 1024**2, "g": 1024**3}.get(text[-1].lower(), 1)


_PERSONAL_FACTS = re.compile(
    r"\$(?:request|request_uri|args|query_string|arg_\w+|remote_addr|realip_remote_addr|http_cookie|cookie_\w+"
    r"|http_authorization|http_referer|http_x_forwarded_for|request_body)\b"
)


def _told(directives: Sequence[Directive]) -> Iterator[str]:
    for form in _all(directives, "log_format"):
        if personal := _PERSONAL_FACTS.findall(" ".join(form["args"][1:])):
            yield f"its log holds {', '.join(dict.fromkeys(personal))}"
    if any(log["args"][1:2] in (["debug"], ["info"]) for log in _all(directives, "error_log")):
        yield "its error log holds whole requests"


def _outside(directives: Sequence[Directive]) -> list[Directive]:
    """What is set for all servers."""
    return [
        inner
        for directive in directives
        if directive["directive"] == "http"
        for inner in directive.get("block") or ()
        if inner["directive"] != "server"
    ]


_KNOWN = frozenset(
    """
    access_by_lua_block access_log add_header client_body_buffer_size client_body_temp_path client_body_timeout
    client_header_buffer_size client_header_timeout client_max_body_size content_by_lua_block daemon default_type
    error_log error_page events expires fastcgi_temp_path geo gzip gzip_comp_level gzip_min_length gzip_types gzip_vary
    header_filter_by_lua_block http http2 if if_modified_since include init_by_lua_block init_worker_by_lua_block
    internal keepalive keepalive_requests keepalive_timeout large_client_header_buffers limit_conn limit_conn_status
    limit_conn_zone limit_req limit_req_status limit_req_zone listen load_module location log_by_lua_block log_format
    log_subrequest lua_package_path lua_shared_dict map multi_accept open_file_cache pcre_jit pid proxy_buffer_size
    proxy_buffers proxy_cache proxy_cache_background_update proxy_cache_key proxy_cache_lock proxy_cache_lock_age
    proxy_cache_lock_timeout proxy_cache_methods proxy_cache_path proxy_cache_use_stale proxy_cache_valid
    proxy_connect_timeout proxy_hide_header proxy_http_version proxy_ignore_headers proxy_next_upstream proxy_no_cache
    proxy_pass proxy_pass_request_body proxy_pass_request_headers proxy_read_timeout proxy_send_timeout proxy_set_header
    proxy_ssl_verify proxy_temp_path real_ip_header reset_timedout_connection return scgi_temp_path send_timeout
    sendfile server server_name server_tokens set set_real_ip_from ssl_certificate ssl_certificate_key ssl_ciphers
    ssl_client_certificate ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_tickets
    ssl_session_timeout ssl_verify_client ssl_verify_depth tcp_nodelay tcp_nopush uninitialized_variable_warn upstream
    uwsgi_temp_path worker_connections worker_processes worker_rlimit_nofile worker_shutdown_timeout
    """.split()  # noqa: SIM905
)
"""The directives of a gateway that serves only its origins' responses. alias and root serve files, stub_status shows
its load, rewrite and sub_filter change what visitors get, dav_methods writes, env, user and perl reach the machine.
"""
_MODULES = re.compile(r"/usr/lib/nginx/modules/(?:ndk_http|ngx_http_lua)_module\.so")
_GIVEN = r'(?:"[^"]*"|\d+)'
_OWN_LUA = re.compile(
    rf"""\s*(?:(?:(?:shield|metrics)\.\w+\((?:{_GIVEN}(?:,\s*{_GIVEN})*)?\)"""
    r"""|(shield|metrics)\s*=\s*require\s*"\1")\s*;?\s*)*"""
)
_LUA_PATH = "/etc/gateway/?.lua;;"
_LUA_CALLS = re.compile(
    r"\b(?:os\s*[.\[]\s*\w*|io\.(?!open\b)\w+|debug\.\w+|package\.\w+|ngx\.(?:socket|pipe|redirect|eof|log)\b[.\w]*"
    r"|ngx\.req\.(?:socket|set_uri|set_header|set_method|set_body_\w+)\b|ffi\.(?!cdef\b|new\b|string\b|C\b)\w+"
    r"|ffi\.C\.(?!SHA256\b)\w+|load(?:string|file)?\s*[(\"'{\[]|dofile\b|[gs]etfenv\b|collectgarbage\b|_G\b|_ENV\b)"
)
_LUA_MODULES = frozenset({"cjson.safe", "ffi", "metrics", "shield"})


@rule(
    "gateway-runs-its-own",
    severity=Severity.CRITICAL,
    protects="Every visitor can reach whatever else nginx serves, past all other rules.",
    fix="Pass requests to an origin; list what else the gateway needs in _KNOWN of policies/rules/gateway.py.",
    link="https://github.com/openresty/lua-nginx-module#directives",
)
def runs_its_own(stack: Stack, _: Parameters) -> Findings:
    """nginx serves only its origins' responses, redirects nobody, and runs only the shield's and the metrics' Lua."""
    for holder, directives, _errors in _configurations(stack):
        for fault in (*_foreign(directives), *_foreign_lua(holder)):
            yield Finding(fault, holder)


def _foreign(directives: Sequence[Directive]) -> Iterator[str]:
    for directive in directives:
        name, given = str(directive["directive"]), [str(part) for part in directive["args"]]
        where = f"line {directive['line']}: {name}"
        if name not in _KNOWN:
            yield f"{where} is a directive that a gateway doesn't need"
        elif name.endswith("_by_lua_block") and not _OWN_LUA.fullmatch(given[0] if given else ""):
            yield f"{where} runs more than the shield and the metrics"
        elif name == "lua_package_path" and given != [_LUA_PATH]:
            yield f"{where} takes Lua from {' '.join(given)}"
        elif name == "load_module" and not _MODULES.fullmatch(given[0]):
            yield f"{where} loads {given[0]}"
        elif name == "return" and (given[0] in ("301", "302", "303", "307", "308") or not given[0].isdigit()):
            yield f"{where} sends visitors elsewhere: {' '.join(given)}"
        elif name == "error_page" and "://" in given[-1]:
            yield f"{where} sends visitors elsewhere: {given[-1]}"
        elif name == "add_header" and given[0].lower() not in ("retry-after", "cache-control"):
            yield f"{where} sends visitors {' '.join(given[:2])}, which only the origins should"
        if name not in _OF_VALUES:
            yield from _foreign(directive.get("block") or ())


def _foreign_lua(holder: Resource) -> Iterator[str]:
    texts: Mapping[str, Any] = holder.get("data") or {}
    for file, text in texts.items():
        if not file.endswith(".lua"):
            continue
        code = re.sub(r"--\[\[.*?\]\]|--[^\n]*", "", str(text), flags=re.DOTALL)
        calls = [found[0].strip("([{\"' ") for found in _LUA_CALLS.finditer(re.sub(r'"[^"\n]*"', '""', code))]
        calls += [
            f"require {found[1] or found[2] or 'of what it works out'}"
            for found in re.finditer(r"""\brequire\b\s*\(?\s*(?:"([^"]*)"|'([^']*)')?""", code)
            if (found[1] or found[2]) not in _LUA_MODULES
        ]
        if calls:
            yield f"{file} calls {', '.join(dict.fromkeys(calls))}"
