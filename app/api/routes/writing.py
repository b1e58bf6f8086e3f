"""The one way in which endpoints write."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Final

import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from app.api.identity import Identity
from app.api.responses.context import Context
from app.api.routes.parameters import Asker, ContextHere, ShopHere
from app.api.sessions import ANONYMOUS_TTL_SECONDS
from app.api.shop import Shop
from app.api.writes import Act, Again, Once

CONDITIONS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
"""Headers that say under which condition a request counts (RFC 9110, section 13.1)."""

MOST_KEYS_OF_A_VISIT: Final = 50
"""A browser that was offline repeats its latest changes, not those of an hour ago."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="for 24 h a repetition with the same key has no effect and gets the first response",
    ),
]


@dataclass(frozen=True, slots=True)
class Write:
    """Runs writes for one request, once for its Idempotency-Key. A visitor without a session has no keys."""

    request: Request
    response: Response
    shop: Shop
    asker: Identity
    prices: Context
    key: str | None

    @property
    def scope(self) -> str:
        """The owner of the keys."""
        return scope_of(self.asker)

    async def __call__(
        self, act: Act, body: BaseModel, *, also: object = None, kept: bool = True, again: Again | None = None
    ) -> Response:
        """Run `act` as `Writer.write` does. Returns its response, with the cookies that were set meanwhile.

        `body` is the request's, `also` what else the request means (JSON). Without `kept` the key doesn't count.
        `again` makes the response to a repetition where that needn't be the first response.
        """
        once = None
        nobody = self.asker.role == "anonymous" and self.asker.session is None
        if self.key is not None and kept and not nobody:
            once = Once(self.scope, self.key, self.meaning(body, also))
            if self.asker.role == "anonymous":
                once = replace(once, seconds=ANONYMOUS_TTL_SECONDS, most=MOST_KEYS_OF_A_VISIT)
        answer = await self.shop.writer.write(act, once, again)
        response = Response(answer.body, status_code=answer.status, headers=dict(answer.headers))
        for cookie in self.response.headers.getlist("set-cookie"):
            response.headers.append("set-cookie", cookie)
        return response

    def meaning(self, body: BaseModel, also: object = None) -> bytes:
        """What the request means, as bytes: the same JSON in another spelling is the same request."""
        return orjson.dumps(
            [
                self.request.method,
                self.request.url.path,
                body.model_dump(mode="json"),
                [self.request.headers.getlist(name) for name in CONDITIONS],
                self.prices.currency,
                self.asker.tier,
                also,
            ],
            option=orjson.OPT_SORT_KEYS,
        )


def scope_of(asker: Identity) -> str:
    """The owner of Idempotency-Keys and orders: a user, a visit, or all callers with the role."""
    if asker.user_id is not None:
        return f"user:{asker.user_id}"
    if asker.session is not None:
        return f"session:{sha256(asker.session.id.encode()).hexdigest()[:32]}"
    return asker.role


def write(
    request: Request,
    response: Response,
    shop: ShopHere,
    asker: Asker,
    prices: ContextHere,
    idempotency_key: IdempotencyKey = None,
) -> Write:
    """The request's `Write`."""
    return Write(request, response, shop, asker, prices, idempotency_key)


WriteHere = Annotated[Write, Depends(write)]
