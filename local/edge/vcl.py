"""A zone's rendered rulesets as VCL, so that Varnish keeps what Cloudflare would keep, under the same key and as long.

Tests compare it with `explain.zone`, which evaluates the same rules by Cloudflare's documentation, for generated
requests (tests/local/test_edge_vcl.py); no rule was tried at Cloudflare itself. A rule that Varnish can't follow is
refused by name. Compression (`LEFT_OUT`) and TLS are left out.

VCL keeps what it knows of a request in headers that begin with `Edge-`; visitors' own are dropped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from explain.expression import (
    Comparison,
    Conjunction,
    Constant,
    Disjunction,
    ExpressionError,
    Negation,
    Test,
    wildcard,
)
from explain.zone import DEFAULT_TTLS, Rule, ZoneError

LEFT_OUT: Final = ("http_response_compression",)
"""Phases that the stand-in leaves out: bodies travel as the origin coded them."""
COUNTRY_HEADER: Final = "Stand-In-Country"
"""A request header: the visitor's country (ISO 3166), instead of the place's own."""
KEEP_SECONDS: Final = 3600
"""Seconds that a copy is kept for revalidation after it may be served no more."""
UNKEPT_SECONDS: Final = 10
"""Seconds for which requests for an uncacheable response don't wait for each other."""

_REQUEST: Final = {
    "http.host": "req.http.host",
    "http.request.method": "req.method",
    "http.request.uri.path": "req.http.Edge-Path",
    "http.request.uri.query": "req.http.Edge-Query",
    "http.cookie": "req.http.Cookie",
    "http.user_agent": "req.http.User-Agent",
    "ip.src.country": "req.http.CF-IPCountry",
}
_ANSWER: Final = {
    "http.request.method": "bereq.method",
    "http.request.uri.path": 'regsub(bereq.url, "\\?.*", "")',
    "http.response.code": "beresp.status",
}
_NAMES: Final = {"http.request.headers.names": "req.http.", "http.response.headers.names": "beresp.http."}
_NUMBERS: Final = {"eq": "==", "==": "==", "ne": "!=", "!=": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_SETTINGS: Final[Mapping[str, Any]] = {
    "edgeTtl": {"mode": "respect_origin"},
    "browserTtl": {"mode": "respect_origin"},
    "serveStale": {"disableStaleWhileUpdating": False},
    "respectStrongEtags": True,
    "originErrorPagePassthru": True,
}
"""Further settings of a cache rule, with the only values that are supported here."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A Varnish's place. `origin` and `upper` are (host, port); the upper tier itself has no `upper`."""

    name: str
    country: str
    origin: tuple[str, int]
    upper: tuple[str, int] | None


def program(rules: Sequence[Rule], place: Place) -> str:
    """The VCL of one place. Raises `ZoneError` for a rule that it can't follow, by phase and name."""
    phases: dict[str, list[Rule]] = {}
    for rule in rules:
        phases.setdefault(rule.phase, []).append(rule)
    known = (*_REQUEST_PHASES, *_RESPONSE_PHASES, "http_request_dynamic_redirect", *LEFT_OUT)
    for phase in phases.keys() - set(known):
        raise ZoneError(f"the stand-in for the edge knows no phase {phase}, in which {phases[phase][0].ref!r} is")
    upper, origin = place.upper, place.origin
    return _PROGRAM.format(
        name=place.name,
        origin=_backend("origin", origin),
        upper=_backend("upper", upper, probed=True) if upper else "",
        choose=_CHOOSE_UPPER if upper else "  set bereq.backend = origin;\n  call leave_for_the_origin;",
        visitor=_indented(_VISITOR.format(country=place.country, header=COUNTRY_HEADER)) if upper else "",
        rules=_indented("".join(_request(phases)) + _DEVICE, 4) if upper else "",
        vary=_indented(_normalised(phases.get("http_request_cache_settings", ())), 4) if upper else "",
        directives=_indented("".join(_directives(phases.get("http_response_cache_settings", ())))),
        allowed=_allowed(phases.get("http_request_cache_settings", ())),
        defaults=_indented(_defaults(), 4),
        shown=_indented("".join(_shown(phases.get("http_response_headers_transform", ())))) if upper else "",
        last=_LAST.format(name=place.name) if upper else "",
        keep=KEEP_SECONDS,
        unkept=UNKEPT_SECONDS,
    )


# ------------------------------------------------------------------ rules


def _request(phases: Mapping[str, Sequence[Rule]]) -> Iterator[str]:
    for rule in phases.get("http_request_dynamic_redirect", ()):
        yield _if(rule, _redirect(rule))
    for phase, action in _REQUEST_PHASES.items():
        for rule in phases.get(phase, ()):
            yield _if(rule, action(rule))


def _directives(rules: Sequence[Rule]) -> Iterator[str]:
    names = {"maxAge": "Edge-Ttl", "staleWhileRevalidate": "Edge-Swr", "staleIfError": "Edge-Sie"}
    for rule in rules:
        lines = ""
        for key, change in rule.parameters.items():
            if key == "noStore" and change["operation"] == "set":
                lines += 'set beresp.http.Edge-No = "1";\n'
            elif key in names and change["operation"] == "set":
                lines += f'set beresp.http.{names[key]} = "{int(change["value"])}";\n'
            else:
                raise _unfollowed(rule, f"{key}: {change}")
        yield _if(rule, lines, answer=True)


def _shown(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        yield _if(rule, _headers(rule, "resp"))


def _if(rule: Rule, lines: str, *, answer: bool = False) -> str:
    try:
        condition = _condition(rule.test, answer=answer)
    except ExpressionError as error:
        raise _unfollowed(rule, str(error)) from None
    return f"# {rule.ref}\nif ({condition}) {{\n{_indented(lines)}}}\n"


def _unfollowed(rule: Rule, what: str) -> ZoneError:
    return ZoneError(f"rule {rule.ref!r} of {rule.phase}: the stand-in for the edge can't follow {what}")


def _redirect(rule: Rule) -> str:
    value = rule.parameters.get("fromValue", {})
    found = re.fullmatch(
        r'concat\("([^"\\\s]+)", http\.request\.uri\.path\)', value.get("targetUrl", {}).get("expression", "")
    )
    if rule.action != "redirect" or found is None or value.get("statusCode") != 301:
        raise _unfollowed(rule, f"{rule.action} {value}")
    query = "req.url" if value.get("preserveQueryString") else "req.http.Edge-Path"
    return f'set req.http.Edge-Location = "{found[1]}" + {query};\nreturn (synth(301));\n'


def _query_rewrite(rule: Rule) -> str:
    parameters = dict(rule.parameters)
    uri = parameters.pop("uri", {})
    if rule.action != "rewrite" or parameters or uri != {"query": {"value": ""}}:
        raise _unfollowed(rule, f"{rule.action} {dict(rule.parameters)}")
    return 'set req.http.Edge-Query = "";\nset req.url = req.http.Edge-Path;\n'


def _header_rewrite(rule: Rule) -> str:
    return _headers(rule, "req")


def _headers(rule: Rule, of: str) -> str:
    if rule.action != "rewrite" or set(rule.parameters) != {"headers"}:
        raise _unfollowed(rule, f"{rule.action} {dict(rule.parameters)}")
    lines = ""
    for name, change in rule.parameters["headers"].items():
        if change["operation"] == "remove":
            lines += f"unset {of}.http.{name};\n"
        elif change["operation"] != "set":
            raise _unfollowed(rule, f"{change['operation']} of {name}")
        elif "expression" in change:
            field = _REQUEST.get(change["expression"])
            if field is None or of != "req":
                raise _unfollowed(rule, f"the value {change['expression']}")
            lines += f"set {of}.http.{name} = {field};\n"
        else:
            lines += f"set {of}.http.{name} = {_text(change['value'])};\n"
    return lines


def _cache_settings(rule: Rule) -> str:
    lines = ""
    for key, value in rule.parameters.items():
        match key:
            case "cache":
                lines += f'set req.http.Edge-Cache = "{int(value)}";\n'
            case "cacheKey":
                lines += _key(rule, value)
            case "vary":
                pass  # one for all rules: _vary
            case _ if _SETTINGS.get(key) == value:
                pass
            case _:
                raise _unfollowed(rule, f"{key}: {value}")
    return lines


def _key(rule: Rule, given: Mapping[str, Any]) -> str:
    custom = dict(given.get("customKey") or {})
    query = custom.pop("queryString", {})
    if custom or given.keys() - {"cacheByDeviceType", "ignoreQueryStringsOrder", "customKey"}:
        raise _unfollowed(rule, f"the cache key {dict(given)}")
    if query.get("exclude", {}).get("all"):
        text = '""'
    else:
        text = "req.http.Edge-Query"
        if given.get("ignoreQueryStringsOrder"):
            text = 'regsub(std.querysort("/?" + req.http.Edge-Query), "^/\\??", "")'
        if "include" in query:
            names = "|".join(re.escape(name) for name in query["include"]["lists"])
            text = f'regsub(regsuball({text}, "(?:^|&)(?!(?:{names})(?:=|&|$))[^&]*", ""), "^&", "")'
        elif query:
            raise _unfollowed(rule, f"the cache key's query {dict(query)}")
    device = "req.http.Edge-Device" if given.get("cacheByDeviceType") else '""'
    return f"set req.http.Edge-Key-Query = {text};\nset req.http.Edge-Key-Device = {device};\n"


_REQUEST_PHASES: Final = {
    "http_request_transform": _query_rewrite,
    "http_request_late_transform": _header_rewrite,
    "http_request_cache_settings": _cache_settings,
}
_RESPONSE_PHASES: Final = ("http_response_cache_settings", "http_response_headers_transform")


# ------------------------------------------------------------------- Vary


def _vary(rules: Sequence[Rule]) -> Mapping[str, Mapping[str, Any]]:
    """The effect of each header in an origin's Vary, the same in all rules. Other headers make a response
    uncacheable.
    """
    said = [(rule, rule.parameters["vary"]) for rule in rules if "vary" in rule.parameters]
    for rule, vary in said:
        if vary != said[0][1] or vary.get("default") != {"action": "bypass"}:
            raise _unfollowed(rule, "a Vary of its own, or another default than bypass")
        for name, action in vary["headers"].items():
            if action["action"] not in ("bypass", "normalize", "passthrough"):
                raise _unfollowed(rule, f"vary by {name}: {dict(action)}")
    return said[0][1]["headers"] if said else {}


def _normalised(rules: Sequence[Rule]) -> str:
    """Varnish compares the headers themselves, so normalised ones are rewritten in the request."""
    lines = ""
    for name, action in _vary(rules).items():
        if action["action"] != "normalize":
            continue
        lines += 'set req.http.Edge-Normal = "";\n'
        for value in action.get("mediaTypes") or ("br", "gzip"):
            lines += (
                f'if (req.http.{name} ~ "(?i){re.escape(value)}") {{\n'
                f'  set req.http.Edge-Normal = req.http.Edge-Normal + ",{value}";\n}}\n'
            )
        lines += f'set req.http.{name} = regsub(req.http.Edge-Normal, "^,", "");\n'
        lines += f'if (req.http.{name} == "") {{\n  unset req.http.{name};\n}}\n'
    return lines + "unset req.http.Edge-Normal;\n"


def _allowed(rules: Sequence[Rule]) -> str:
    names = [name for name, action in _vary(rules).items() if action["action"] != "bypass"]
    return "|".join(re.escape(name) for name in names) or "(?!)"


# -------------------------------------------------------------- conditions


def _condition(test: Test, *, answer: bool) -> str:
    match test:
        case Constant():
            return "true" if test.value else "false"
        case Negation():
            return f"!({_condition(test.test, answer=answer)})"
        case Conjunction():
            return " && ".join(f"({_condition(each, answer=answer)})" for each in test.tests)
        case Disjunction():
            return " || ".join(f"({_condition(each, answer=answer)})" for each in test.tests)
        case Comparison():
            return " || ".join(_compared(test, wanted, answer=answer) for wanted in test.wanted)


def _compared(test: Comparison, wanted: str | int, *, answer: bool) -> str:
    operand, operator = test.operand, test.operator
    if operand.field in _NAMES:
        if operator not in ("eq", "==") or not re.fullmatch(r"[a-z0-9-]+", str(wanted)):
            raise ExpressionError(f"{operand.field} {operator} {wanted!r}")
        return f"{_NAMES[operand.field]}{wanted}"
    if operand.field == "http.response.headers" and operand.key and operator == "contains":
        # Text is in a member of a list if it is in the list, unless it contains the list's separator.
        if re.search(r"[,\s]", str(wanted)):
            raise ExpressionError(f"contains {wanted!r}")
        return f"beresp.http.{operand.key} ~ {_text(re.escape(str(wanted)))}"
    field = (_ANSWER if answer else _REQUEST).get(operand.field)
    if field is None:
        raise ExpressionError(operand.field)
    if isinstance(wanted, int):
        if operator not in _NUMBERS or operand.field != "http.response.code":
            raise ExpressionError(f"{operand.field} {operator} {wanted}")
        return f"{field} {_NUMBERS[operator]} {wanted}"
    return _compared_text(field, operator, wanted)


def _compared_text(field: str, operator: str, wanted: str) -> str:
    match operator:
        case "eq" | "==":
            return f"{field} == {_text(wanted)}" if wanted else f'(!{field} || {field} == "")'
        case "ne" | "!=":
            return f"{field} != {_text(wanted)}" if wanted else f'({field} && {field} != "")'
        case "contains":
            return f"{field} ~ {_text(re.escape(wanted))}"
        case "wildcard" | "strict wildcard":
            flags = "(?si)" if operator == "wildcard" else "(?s)"
            return f"{field} ~ " + _text(rf"{flags}\A(?:{wildcard(wanted).pattern})\z")
        case _:
            raise ExpressionError(f"{field} {operator}")


def _text(value: str) -> str:
    """A VCL string."""
    if "\n" in value or '"}' in value:
        raise ExpressionError(f"the text {value!r}")
    return f'{{"{value}"}}' if '"' in value else f'"{value}"'


def _defaults() -> str:
    """The lifetime of a response that no rule or header gives one."""
    return "".join(
        f'if (beresp.status == {status}) {{\n  set beresp.http.Edge-Ttl = "{seconds}";\n}}\n'
        for status, seconds in DEFAULT_TTLS.items()
    )


def _indented(text: str, by: int = 2) -> str:
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.splitlines())


def _backend(name: str, address: tuple[str, int], *, probed: bool = False) -> str:
    probe = (
        '  .probe = { .url = "/edge-health"; .expected_response = 204; .interval = 1s; .timeout = 1s; .window = 2; '
        ".threshold = 1; .initial = 1; }\n"
        if probed
        else ""
    )
    return (
        f'backend {name} {{\n  .host = "{address[0]}";\n  .port = "{address[1]}";\n  .first_byte_timeout = 60s;\n'
        f"{probe}}}\n"
    )


_CHOOSE_UPPER: Final = """\
  if (bereq.uncacheable || !std.healthy(upper)) {
    set bereq.backend = origin;
    call leave_for_the_origin;
  } else {
    set bereq.backend = upper;
  }"""

# https://developers.cloudflare.com/cache/how-to/edge-browser-ttl/ … and /fundamentals/reference/http-headers/
_VISITOR: Final = """\
  unset req.http.Edge-Cache;
  unset req.http.Edge-Fetch;
  unset req.http.Edge-Failed;
  unset req.http.Edge-Status;
  set req.http.CF-Connecting-IP = client.ip;
  set req.http.CF-IPCountry = "{country}";
  if (req.http.{header} ~ "^[A-Z][A-Z]$") {{
    set req.http.CF-IPCountry = req.http.{header};
  }}
  unset req.http.{header};
  set req.http.Edge-Path = regsub(req.url, "\\?.*", "");
  set req.http.Edge-Query = regsub(req.url, "^[^?]*\\??", "");
  set req.http.Edge-Key-Query = req.http.Edge-Query;
  set req.http.Edge-Key-Device = "";
  set req.http.Edge-Device = "desktop";
  if (req.http.User-Agent ~ "(?i)ipad|tablet|android(?!.*mobile)") {{
    set req.http.Edge-Device = "tablet";
  }} elseif (req.http.User-Agent ~ "(?i)mobile|iphone|ipod|android") {{
    set req.http.Edge-Device = "mobile";
  }}
"""

_DEVICE: Final = """\
unset req.http.CF-Device-Type;
if (req.http.Edge-Key-Device != "") {
  set req.http.CF-Device-Type = req.http.Edge-Device;
}
"""

_LAST: Final = """\
  unset resp.http.Cache-Tag;
  unset resp.http.xkey;
  unset resp.http.Cloudflare-CDN-Cache-Control;
  unset resp.http.X-Varnish;
  unset resp.http.Via;
  set resp.http.CF-Ray = "0000000000000000-{name}";
"""

_PROGRAM: Final = """\
vcl 4.1;
# {name}: made from the rendered rulesets by local/edge/vcl.py.
import std;
import var;
import xkey;

{origin}{upper}
sub leave_for_the_origin {{
  unset bereq.http.Edge-Cache;
  unset bereq.http.Edge-Fetch;
  unset bereq.http.Edge-Failed;
  unset bereq.http.Edge-Status;
  unset bereq.http.Edge-Path;
  unset bereq.http.Edge-Query;
  unset bereq.http.Edge-Key-Query;
  unset bereq.http.Edge-Key-Device;
  unset bereq.http.Edge-Device;
}}

sub vcl_recv {{
  if (local.socket == "purge") {{
    if (req.method != "PURGE" || !(req.http.Xkey-Purge || req.http.Everything)) {{
      return (synth(405));
    }}
    if (req.http.Everything) {{
      ban("obj.status != 0");
      return (synth(200, "0"));
    }}
    return (synth(200, "" + xkey.purge(req.http.Xkey-Purge)));
  }}
  if (req.url == "/edge-health") {{
    return (synth(204));
  }}
  if (req.restarts == 0) {{
{visitor}{rules}  }}
  if (req.http.Edge-Cache == "1" && (req.method == "GET" || req.method == "HEAD")) {{
{vary}    set req.hash_always_miss = false;
    if (req.http.Edge-Fetch) {{
      set req.hash_always_miss = true;
    }}
    return (hash);
  }}
  set req.http.Edge-Status = "DYNAMIC";
  return (pass);
}}

sub vcl_hash {{
  hash_data(req.http.host);
  hash_data(req.http.Edge-Path);
  hash_data(req.http.Edge-Key-Query);
  hash_data(req.http.Edge-Key-Device);
  return (lookup);
}}

sub vcl_hit {{
  if (obj.ttl >= 0s) {{
    set req.http.Edge-Status = "HIT";
    return (deliver);
  }}
  if (req.http.Edge-Failed) {{
    set req.http.Edge-Status = "STALE";
    return (deliver);
  }}
  if (obj.ttl + std.duration(obj.http.Edge-Swr + "s", 0s) > 0s) {{
    set req.http.Edge-Status = "UPDATING";
    return (deliver);
  }}
  # Too old to be served at once, and good enough where the origin fails.
  set req.http.Edge-Fetch = "1";
  return (restart);
}}

sub vcl_backend_fetch {{
  if (bereq.http.Edge-Fetch) {{
    var.set("old", "1");
  }}
{choose}
  return (fetch);
}}

sub vcl_backend_response {{
  if (bereq.backend == origin) {{
    unset beresp.http.CF-Cache-Status;
    unset beresp.http.xkey;
    if (beresp.http.Cache-Tag) {{
      set beresp.http.xkey = regsuball(beresp.http.Cache-Tag, ",", " ");
    }}
  }}
  unset beresp.http.Edge-No;
  unset beresp.http.Edge-Ttl;
  unset beresp.http.Edge-Swr;
  unset beresp.http.Edge-Sie;
  if (bereq.uncacheable) {{
    return (deliver);
  }}
  if (beresp.status >= 500) {{
    # There is an old copy, which is better.
    if (bereq.is_bgfetch) {{
      return (abandon);
    }}
    if (var.get("old") == "1") {{
      set beresp.uncacheable = true;
      set beresp.ttl = 0s;
      set beresp.grace = 0s;
      return (deliver);
    }}
  }}
{directives}
  if (beresp.http.Cloudflare-CDN-Cache-Control) {{
    set beresp.http.Edge-Said = std.tolower(beresp.http.Cloudflare-CDN-Cache-Control);
  }} elseif (beresp.http.CDN-Cache-Control) {{
    set beresp.http.Edge-Said = std.tolower(beresp.http.CDN-Cache-Control);
  }} elseif (beresp.http.Cache-Control) {{
    set beresp.http.Edge-Said = std.tolower(beresp.http.Cache-Control);
  }}
  if (beresp.http.Set-Cookie) {{
    set beresp.http.Edge-No = "1";
  }}
  if (!beresp.http.Edge-Ttl && beresp.http.Edge-Said ~ "(^|[, ])(private|no-store|no-cache)([, =]|$)") {{
    set beresp.http.Edge-No = "1";
  }}
  if (bereq.http.Authorization && std.tolower(beresp.http.Cache-Control) !~ "(^|[, ])public([, ]|$)") {{
    set beresp.http.Edge-No = "1";
  }}
  if (regsuball(std.tolower(beresp.http.Vary), "(^|,)[ ]*({allowed})[ ]*(?=,|$)", "") ~ "[^, ]") {{
    set beresp.http.Edge-No = "1";
  }}
  if (!beresp.http.Edge-Ttl) {{
    unset beresp.http.Edge-Swr;
    unset beresp.http.Edge-Sie;
{defaults}    if (beresp.http.Edge-Said ~ "(^|[, ])s-maxage=[0-9]") {{
      set beresp.http.Edge-Ttl = regsub(beresp.http.Edge-Said, "^(?:.*[, ])?s-maxage=([0-9]+).*$", "\\1");
    }} else {{
      if (beresp.http.Edge-Said ~ "(^|[, ])max-age=[0-9]") {{
        set beresp.http.Edge-Ttl = regsub(beresp.http.Edge-Said, "^(?:.*[, ])?max-age=([0-9]+).*$", "\\1");
      }}
      # s-maxage implies proxy-revalidate, which rules stale answers out.
      if (beresp.http.Edge-Said ~ "(^|[, ])stale-while-revalidate=[0-9]") {{
        set beresp.http.Edge-Swr =
          regsub(beresp.http.Edge-Said, "^(?:.*[, ])?stale-while-revalidate=([0-9]+).*$", "\\1");
      }}
      if (beresp.http.Edge-Said ~ "(^|[, ])stale-if-error=[0-9]") {{
        set beresp.http.Edge-Sie = regsub(beresp.http.Edge-Said, "^(?:.*[, ])?stale-if-error=([0-9]+).*$", "\\1");
      }}
    }}
  }}
  unset beresp.http.Edge-Said;
  if (beresp.http.Edge-No || std.duration(beresp.http.Edge-Ttl + "s", 0s) <= 0s) {{
    set beresp.http.CF-Cache-Status = "BYPASS";
    set beresp.uncacheable = true;
    set beresp.ttl = {unkept}s;
    set beresp.grace = 0s;
    return (deliver);
  }}
  set beresp.ttl = std.duration(beresp.http.Edge-Ttl + "s", 0s) - beresp.age;
  if (beresp.ttl <= 0s) {{
    set beresp.ttl = 1ms;
  }}
  set beresp.grace = std.duration(beresp.http.Edge-Swr + "s", 0s);
  if (std.duration(beresp.http.Edge-Sie + "s", 0s) > beresp.grace) {{
    set beresp.grace = std.duration(beresp.http.Edge-Sie + "s", 0s);
  }}
  set beresp.keep = {keep}s;
  return (deliver);
}}

sub vcl_backend_error {{
  if (bereq.is_bgfetch) {{
    return (abandon);
  }}
  set beresp.status = 502;
  set beresp.uncacheable = true;
  set beresp.ttl = 0s;
  set beresp.http.Content-Type = "text/plain";
  set beresp.http.Cache-Control = "no-store";
  set beresp.body = "The shop can't be reached from here. Please try again in a moment.";
  return (deliver);
}}

sub vcl_deliver {{
  if (resp.status >= 500 && req.http.Edge-Fetch && !req.http.Edge-Failed) {{
    set req.http.Edge-Failed = "1";
    unset req.http.Edge-Fetch;
    return (restart);
  }}
  if (req.http.Edge-Status) {{
    set resp.http.CF-Cache-Status = req.http.Edge-Status;
  }} elseif (!resp.http.CF-Cache-Status) {{
    set resp.http.CF-Cache-Status = "MISS";
  }}
  unset resp.http.Edge-Ttl;
  unset resp.http.Edge-Swr;
  unset resp.http.Edge-Sie;
  unset resp.http.Edge-No;
{shown}{last}  return (deliver);
}}

sub vcl_synth {{
  if (resp.status == 301) {{
    set resp.http.Location = req.http.Edge-Location;
  }}
  return (deliver);
}}
"""
