"""Purges the storefront, by a signed webhook that makes Next.js drop pages and fetched data by tag."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from time import time
from typing import Final

import httpx
import orjson
from pydantic import SecretStr

from app.api.invalidation.layers import PurgeFailed

TIMEOUT_SECONDS: Final = 5.0


class Storefront:
    """`POST <url>/revalidate`, signed `X-Signature: t=<unix seconds>,v1=<HMAC-SHA-256 of "<t>.<body>">`."""

    name: str = "storefront"
    tags_at_once: int = 1000

    def __init__(self, http: httpx.AsyncClient, url: str, key: SecretStr) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/revalidate"
        self._key = key

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge everything with one of the tags. Raises PurgeFailed."""
        for start in range(0, len(tags), self.tags_at_once):
            body = orjson.dumps({"tags": tags[start : start + self.tags_at_once]})
            headers = {"content-type": "application/json", "x-signature": self.signature(body, int(time()))}
            try:
                answer = await self._http.post(self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                raise PurgeFailed(f"storefront: {error or type(error).__name__}") from error

    def signature(self, body: bytes, moment: int) -> str:
        """The header that proves that a body is ours and recent."""
        key = self._key.get_secret_value().encode()
        digest = hmac.new(key, str(moment).encode() + b"." + body, sha256).hexdigest()
        return f"t={moment},v1={digest}"
