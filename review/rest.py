"""A code host's REST API, as far as a report needs it: one call, and all pages of a list."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

_PAGE = 100


class RestError(Exception):
    """A host refused, can't be reached, or doesn't have the resource."""

    host = ""


class Rest:
    """An API below an address. The token in `headers` is sent there and nowhere else."""

    def __init__(
        self,
        error: type[RestError],
        address: str,
        headers: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`error` is what is raised, and names the host in its messages."""
        self._error = error
        self._host = error.host
        self._client = httpx.Client(base_url=address, headers=headers, timeout=30, transport=transport)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The response's content. Raises the host's RestError."""
        try:
            response = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise self._error(f"{self._host} can't be reached: {error}") from None
        if response.is_error:
            raise self._error(f"{self._host} refused {method} {path}: {response.status_code} {response.reason_phrase}")
        try:
            return response.json()
        except ValueError:
            raise self._error(f"{self._host} answered {method} {path} with something else than JSON") from None

    def all(self, path: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
        """The elements of a list, page after page."""
        page = 1
        while True:
            given = {**parameters, "per_page": str(_PAGE), "page": str(page)}
            found: list[Mapping[str, Any]] = self.call("GET", path, params=given)
            yield from found
            if len(found) < _PAGE:
                return
            page += 1
