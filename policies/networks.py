"""How much of the internet a list of networks lets in."""

import ipaddress
from collections.abc import Sequence


def wide(networks: Sequence[str], shortest: int) -> str | None:
    """What is too wide: a network with a prefix shorter than `shortest`, alone or put together out of several.

    Of IPv6 the bound is twice as long: a provider has a /32 there, as it may have a /16 of IPv4. None where all is
    narrow. Raises ValueError for what is no network.
    """
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]
    for network in parsed:
        if network.prefixlen < _shortest(network, shortest):
            return str(network)
    merged = [
        *ipaddress.collapse_addresses(network for network in parsed if isinstance(network, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(network for network in parsed if isinstance(network, ipaddress.IPv6Network)),
    ]
    for network in merged:
        if network.prefixlen < _shortest(network, shortest):
            return f"{network}, together"
    return None


def _shortest(network: ipaddress.IPv4Network | ipaddress.IPv6Network, shortest: int) -> int:
    return shortest if network.version == 4 else 2 * shortest
