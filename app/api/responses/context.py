"""What the cache and a handler tell each other about a request. Clients never see it."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

FREE: Final = "free"
_PLACE: Final = "shop.context"


@dataclass(slots=True)
class Context:
    """The context of one request. The cache fills in the variant, the handler what its response is made of."""

    currency: str
    tier: str = FREE
    owner_checked: bool = False
    """The cache has verified that a user's own response is requested by that user."""
    version: int | None = None
    """The version of the row behind the response: it becomes the ETag's readable part."""
    last_modified: int | None = None
    """When anything in the response last changed, in seconds since the epoch."""
    lists: tuple[str, ...] | None = ()
    """The ids that the response shows, which become its tags. None: any change may change which they are."""


def with_context(scope: Mapping[str, Any], context: Context, **changes: Any) -> dict[str, Any]:
    """An ASGI scope for the application, with a context and other changes."""
    return {**scope, **changes, _PLACE: context}


def context_of(scope: MutableMapping[str, Any]) -> Context:
    """The context of a request that has come through the cache."""
    return scope[_PLACE]
