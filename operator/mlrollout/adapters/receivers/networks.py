"""Which places of the network an address that an object names may lead to."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL = tuple(map(ip_network, ("168.63.129.16/32", "fec0::/10", "64:ff9b:1::/48")))
"""What is not public, whatever Python says: where Azure answers its own machines, the site-local range that IPv6 once
had, and the NAT64 of a network of one's own."""


@dataclass(frozen=True, slots=True)
class Networks:
    """The public internet, and what the administrator allows beside it.

    Not loopback, not link-local, where clouds keep their credentials, and no private range: a cluster's are of those.

    Attributes:
        allowed: What else is allowed.
    """

    allowed: tuple[Network, ...] = ()

    def problem(self, host: str) -> str:
        """Why nothing may be sent to this IP address; empty where it may.

        To be asked with the very address that is connected to: a name may have another one a moment later.
        """
        try:
            found = ip_address(host.partition("%")[0])
        except ValueError:
            return "its name has no address"
        if any(self._refuses(one) for one in _reached(found)):
            return "its name leads to no public address, and an administrator has not allowed that network"
        return ""

    def _refuses(self, one: IPv4Address | IPv6Address) -> bool:
        if any(one in network for network in self.allowed if network.version == one.version):
            return False
        if any(one in network for network in _LOCAL if network.version == one.version):
            return True
        return not one.is_global or one.is_multicast or one.is_reserved or one.is_unspecified


def networks(texts: tuple[str, ...]) -> Networks:
    """The networks of these ranges, as `10.20.0.0/16`.

    Raises:
        ValueError: One is none.
    """
    return Networks(tuple(ip_network(text) for text in texts))


def _reached(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """Where an address leads: an IPv6 one may stand for an IPv4 one, or for a way to it through others."""
    if not isinstance(address, IPv6Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield address.teredo[1]
