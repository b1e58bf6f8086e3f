"""Cloudflare's GraphQL analytics of one zone (https://developers.cloudflare.com/analytics/graphql-api/).

The data set `httpRequestsAdaptiveGroups` is there on every plan; its percentiles are on paid ones only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import urllib3

from app.operations.regions import COUNTRIES, ELSEWHERE, region_of
from app.operations.settings import OperationError

LIMIT = 10_000
"""The most groups that a query returns; beyond it the rarest are left out."""
TIMEOUT_SECONDS = 30

_TRAFFIC = f"""\
query ($zone: string, $filter: filter) {{
  viewer {{ zones(filter: {{zoneTag: $zone}}) {{
    groups: httpRequestsAdaptiveGroups(limit: {LIMIT}, filter: $filter, orderBy: [count_DESC]) {{
      count
      sum {{ edgeResponseBytes }}
      dimensions {{ cacheStatus clientCountryName edgeResponseContentTypeName edgeResponseStatus }}
    }}
  }} }}
}}"""

_QUANTILES = {"0.5": "edgeTimeToFirstByteMsP50", "0.95": "edgeTimeToFirstByteMsP95", "0.99": "edgeTimeToFirstByteMsP99"}
_REGIONS = (*COUNTRIES, ELSEWHERE)


def _latency_query() -> str:
    """All regions in one query: percentiles of countries can't be combined afterwards."""
    variables = ", ".join(f"${region}: filter" for region in _REGIONS)
    groups = "\n    ".join(
        f"{region}: httpRequestsAdaptiveGroups(limit: 1, filter: ${region}) "
        f"{{ count quantiles {{ {' '.join(_QUANTILES.values())} }} }}"
        for region in _REGIONS
    )
    return (
        f"query ($zone: string, {variables}) {{\n"
        f"  viewer {{ zones(filter: {{zoneTag: $zone}}) {{\n    {groups}\n  }} }}\n}}"
    )


class AnalyticsError(OperationError):
    """Cloudflare returned no figures. `code` is Cloudflare's, such as `authz`; empty where it sent none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Traffic:
    """Requests with these values in common. `cache_status` is Cloudflare's, `content` a short name of the type."""

    region: str
    cache_status: str
    content: str
    status: int
    requests: float
    bytes: float


class ZoneAnalytics:
    """Queries one zone's traffic of one host name. Its methods raise `AnalyticsError`."""

    def __init__(self, zone_id: str, hostname: str, token: str, api_url: str) -> None:
        self._zone, self._hostname, self._token = zone_id, hostname, token
        self._url = f"{api_url}/graphql"
        self._http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)

    def traffic(self, since: datetime, until: datetime) -> list[Traffic]:
        """Visitors' requests of `[since, until)`; figures are scaled up where Cloudflare sampled."""
        zone = self._ask(_TRAFFIC, {"filter": self._filter(since, until)})
        return [_traffic(group) for group in zone.get("groups") or ()]

    def latency(self, since: datetime, until: datetime) -> dict[str, dict[str, float]]:
        """Time to first byte in seconds by region and quantile; regions without a request are left out."""
        given = self._filter(since, until)
        known = [country for countries in COUNTRIES.values() for country in countries]
        filters = {
            region: {**given, "clientCountryName_in": list(countries)} for region, countries in COUNTRIES.items()
        }
        filters[ELSEWHERE] = {**given, "clientCountryName_notin": known}
        zone = self._ask(_latency_query(), filters)
        return {
            region: {quantile: groups[0]["quantiles"][field] / 1000 for quantile, field in _QUANTILES.items()}
            for region in _REGIONS
            if (groups := zone.get(region)) and groups[0]["count"]
        }

    def _filter(self, since: datetime, until: datetime) -> dict[str, Any]:
        return {
            "datetime_geq": since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "datetime_lt": until.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "clientRequestHTTPHost": self._hostname,
            "requestSource": "eyeball",
        }

    def _ask(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = self._http.request(
                "POST",
                self._url,
                json={"query": query, "variables": {"zone": self._zone, **variables}},
                headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            )
        except urllib3.exceptions.HTTPError as error:
            raise AnalyticsError(f"Cloudflare's API doesn't answer: {error}") from None
        try:
            document = answer.json()
        except ValueError:
            raise AnalyticsError(f"Cloudflare's API answered {answer.status} without JSON") from None
        for error in _errors(document):
            code = str((error.get("extensions") or {}).get("code", ""))
            message = error.get("message", "no message")
            raise AnalyticsError(f"Cloudflare's API: {message} ({code or answer.status})", code)
        zones = ((document.get("data") or {}).get("viewer") or {}).get("zones") or []
        if not zones:
            raise AnalyticsError(f"Cloudflare's API knows no zone {self._zone} for this token ({answer.status})")
        return zones[0]


def _errors(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for error in document.get("errors") or ():
        yield error if isinstance(error, Mapping) else {"message": str(error)}


def _traffic(group: Mapping[str, Any]) -> Traffic:
    dimensions = group["dimensions"]
    return Traffic(
        region=region_of(dimensions["clientCountryName"]),
        cache_status=dimensions["cacheStatus"],
        content=dimensions["edgeResponseContentTypeName"],
        status=int(dimensions["edgeResponseStatus"]),
        requests=float(group["count"]),
        bytes=float(group["sum"]["edgeResponseBytes"]),
    )
