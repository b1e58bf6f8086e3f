"""Routes of the cache policy as expressions of Cloudflare's rules language, without regular expressions, and what
Cloudflare's own parser says of an expression.

`matches` needs the Business plan, so a parameter is a `*` of `strict wildcard`. A `*` also matches nothing and
slashes; both are excluded where a parameter is one segment.
"""

from collections.abc import Iterable, Sequence

from octorules_wirefilter import parse_expression

from app.caching_policy import Route

PATH = "http.request.uri.path"
QUERY = "http.request.uri.query"
EVERYTHING = "true"
"""Matches every request: Cloudflare's "All incoming requests", which its published parser doesn't know."""
ANSWER_FIELDS = "http.response."


def refusal(expression: str, phase: str) -> str | None:
    """Why Cloudflare refuses the expression in a phase, by its own parser (wirefilter: fields, types, functions); None
    where it takes it. A phase of the request knows no field of the answer.
    https://developers.cloudflare.com/ruleset-engine/rules-language/fields/
    """
    if expression == EVERYTHING:
        return None
    if not expression.strip():
        return "it is empty"
    parsed = parse_expression(expression)
    if "error" in parsed:
        return " ".join(str(parsed["error"]).split())
    early = [field for field in parsed["fields"] if field.startswith(ANSWER_FIELDS)]
    if phase.startswith("http_request_") and early:
        return f"{', '.join(early)}: not known yet in {phase}"
    return None


def value_refusal(expression: str, phase: str) -> str | None:
    """The same of an expression that is a value, as a header is set by one."""
    return refusal(f'{expression} ne ""', phase)


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_of(field: str, values: Iterable[str | int]) -> str:
    """`field` has one of the values."""
    members = [str(value) if isinstance(value, int) else quoted(value) for value in values]
    return f"{field} eq {members[0]}" if len(members) == 1 else f"{field} in {{{' '.join(members)}}}"


def any_route(routes: Sequence[Route]) -> str:
    """The request's path belongs to one of the routes."""
    exact = [route.route for route in routes if not route.parameters]
    alternatives = [one_of(PATH, exact)] if exact else []
    alternatives += [_pattern(route) for route in routes if route.parameters]
    return alternatives[0] if len(alternatives) == 1 else " or ".join(alternatives)


def chunks(routes: Sequence[Route], limit: int) -> list[list[Route]]:
    """Routes in groups whose `any_route` has at most `limit` characters each (one alone may be longer)."""
    groups: list[list[Route]] = []
    for route in routes:
        if groups and len(any_route([*groups[-1], route])) <= limit:
            groups[-1].append(route)
        else:
            groups.append([route])
    return groups


def _pattern(route: Route) -> str:
    segments = [_star(segment) for segment in route.segments]
    terms = [f"{PATH} strict wildcard {quoted(_join(segments))}"]
    for position, segment in enumerate(route.segments):
        if not segment.startswith("{"):
            continue
        empty = [*segments[:position], "", *segments[position + 1 :]]
        terms.append(f"not {PATH} strict wildcard {quoted(_join(empty))}")
        if not segment.endswith("*}"):
            longer = [*segments[:position], "*", "*", *segments[position + 1 :]]
            terms.append(f"not {PATH} strict wildcard {quoted(_join(longer))}")
    return f"({' and '.join(terms)})"


def _star(segment: str) -> str:
    return "*" if segment.startswith("{") else segment


def _join(segments: Sequence[str]) -> str:
    return "/" + "/".join(segments)
