"""How much of the internet a list of networks lets in."""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def merged(networks: Iterable[Network]) -> list[Network]:
    """The fewest networks that have the same addresses."""
    given = [*networks]
    return [
        *ipaddress.collapse_addresses(network for network in given if isinstance(network, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(network for network in given if isinstance(network, ipaddress.IPv6Network)),
    ]


def wide(networks: Sequence[str], shortest: int) -> str | None:
    """The network that is too large: its prefix is shorter than `shortest`, by itself or merged from several.

    IPv6 has twice the bound, because a provider's /32 corresponds to a /16 of IPv4. Returns None if all networks are
    small enough. Raises ValueError for what is no network.
    """
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]
    for network in parsed:
        if network.prefixlen < _shortest(network, shortest):
            return str(network)
    for network in merged(parsed):
        if network.prefixlen < _shortest(network, shortest):
            return f"{network}, together"
    return None


def _shortest(network: Network, shortest: int) -> int:
    return shortest if network.version == 4 else 2 * shortest
