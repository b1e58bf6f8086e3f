"""The caching headers of the origin's responses (API and gateway), by the cache policy."""

from urllib.parse import unquote

from app.caching_policy import UNLISTED_CACHE_CONTROL, Policy
from explain.zone import Request


def policy_headers(policy: Policy, request: Request, status: int) -> dict[str, str]:
    """Header names in lower case."""
    found = policy.match(request.method, unquote(request.path))
    if found is None:
        return {"cache-control": UNLISTED_CACHE_CONTROL}
    route, errors = found.route, policy.errors
    headers = {"vary": route.vary_header} if route.vary_header else {}
    kept_errors = {404: errors.not_found_ttl, 410: errors.not_found_ttl, 500: errors.server_error_ttl}
    personal = {name.lower() for name in policy.bypass.request_headers} & request.headers.keys()
    if route.audience != "public" or personal:
        return headers | {"cache-control": "private, no-store"}
    if status in kept_errors:
        return headers | {"cache-control": "no-cache", "cloudflare-cdn-cache-control": f"max-age={kept_errors[status]}"}
    if status >= 400:
        return headers | {"cache-control": "no-store"}
    headers["cache-control"] = route.cache_control
    if route.cdn_cache_control:
        headers["cloudflare-cdn-cache-control"] = route.cdn_cache_control
    return headers
