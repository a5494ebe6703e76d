"""The address that a request counts for; behind a proxy, the one that the proxy names."""

import ipaddress
from collections.abc import Iterable

from aiohttp import web

ADDRESS = web.RequestKey("address", str)
"""The address that a request counts for."""

_SITE = 64  # bits of an IPv6 address that are one customer's: the rest they choose freely

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The proxies in front of the server. Each passes on requests of many clients, and says whose.

    Args:
        networks: Where they are.
    """

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __contains__(self, host: object) -> bool:
        found = _read(str(host))
        return found is not None and any(found in network for network in self._networks)

    def client(self, request: web.Request) -> str:
        """The address of the client that a request comes from.

        `X-Forwarded-For` counts only from a proxy, and of it only what the proxies themselves have added: whatever
        stands before that, anybody can have written.
        """
        remote = str(request.remote)
        if not self._networks or remote not in self:
            return site(remote)
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for one in reversed([remote, *(one.strip() for one in forwarded)][1:]):
            if _read(one) is None:
                break
            remote = one
            if remote not in self:
                break
        return site(remote)


def site(host: str) -> str:
    """The address that limits are counted by: for IPv6 the whole network that one customer has."""
    found = _read(host)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(found), _SITE), strict=False))
    return host if found is None else str(found)


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found
