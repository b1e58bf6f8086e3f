"""Sets of addresses compared."""

import ipaddress
from collections.abc import Iterable

from policies.networks import Network, merged


def network(text: str, excluded: Iterable[str] = ()) -> list[Network]:
    """A network without the excluded ones. Raises ValueError if it isn't a network."""
    left: list[Network] = [ipaddress.ip_network(text, strict=False)]
    for hole in (ipaddress.ip_network(one, strict=False) for one in excluded):
        rest: list[Network] = []
        for part in left:
            if part.version == hole.version and hole.supernet_of(part):  # pyright: ignore[reportArgumentType]
                continue
            if part.version == hole.version and part.supernet_of(hole):  # pyright: ignore[reportArgumentType]
                rest += part.address_exclude(hole)  # pyright: ignore[reportArgumentType]
            else:
                rest.append(part)
        left = rest
    return left


def beyond(new: Iterable[Network], old: Iterable[Network]) -> list[str]:
    """The new networks that the old ones together don't contain."""
    before = merged(old)
    return [
        str(one)
        for one in new
        if not any(one.version == held.version and held.supernet_of(one) for held in before)  # pyright: ignore[reportArgumentType]
    ]
