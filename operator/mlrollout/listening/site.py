"""Whose a connection is: the address that limits are counted by."""

import ipaddress

_SITE = 64  # bits of an IPv6 address that are one customer's: the rest they choose freely


def site(host: str) -> str:
    """The address that limits are counted by: for IPv6 the whole network that one customer has."""
    found = read(host)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(found), _SITE), strict=False))
    return host if found is None else str(found)


def read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as it is written, without its zone; one of IPv4 in the clothes of IPv6 as what it is."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found
