"""The public addresses of the API, one for each route of the cache policy."""

from app.caching_policy import Policy

QUERIES = {"/api/search": "?q=lamp", "/api/search/suggestions": "?q=la"}
"""The queries of routes that need one."""


def public_addresses(policy: Policy, product_id: int) -> list[str]:
    """Paths with their queries. Raises ValueError for a route with a parameter that isn't known here."""
    addresses: list[str] = []
    for route in policy.routes:
        if route.backend != "api" or route.audience != "public":
            continue
        if unknown := set(route.parameters) - {"product_id"}:
            raise ValueError(f"{route.route}: say here what {', '.join(sorted(unknown))} may be")
        addresses.append(route.route.format(product_id=product_id) + QUERIES.get(route.route, ""))
    return addresses
