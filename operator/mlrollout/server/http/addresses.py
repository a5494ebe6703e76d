"""The address that a request counts for; behind a proxy, the one that the proxy names."""

import ipaddress
import re
from collections.abc import Iterable

from aiohttp import web

from mlrollout.listening.site import read, site

ADDRESS = web.RequestKey("address", str)
"""The address that a request counts for."""

_WITH_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:]*))(?::[0-9]{1,5})?")
"""An address with or without a port, as some proxies add it; one of IPv6 stands in brackets then."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The proxies in front of the server. Each passes on requests of many clients, and says whose.

    Args:
        networks: Where they are.
    """

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __contains__(self, host: object) -> bool:
        found = read(str(host))
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
        for one in reversed([_without_port(one.strip()) for one in forwarded]):
            if read(one) is None:
                break
            remote = one
            if remote not in self:
                break
        return site(remote)


def _without_port(address: str) -> str:
    found = _WITH_PORT.fullmatch(address)
    return address if found is None else found[1] or found[2] or ""
