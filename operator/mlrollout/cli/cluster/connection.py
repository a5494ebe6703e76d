"""The way to an API server: its address, a proxy in between, encryption."""

import base64
import os
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from .kubeconfig import KubeContext, unusable

if TYPE_CHECKING:  # loaded only where there is a proxy
    from ipaddress import IPv4Address, IPv6Address

_PORTS = {"http": 80, "https": 443}
_REFUSED = "Tunnel connection failed:"
"""How Python's own words begin for a proxy that does not let through."""
_LOG_IN = "Write a user and a password that it takes into its address: proxy-url in the kubeconfig, or HTTPS_PROXY"


def address(context: KubeContext) -> SplitResult:
    """Where the API server is.

    Raises:
        CommandError: The kubeconfig does not say so.
    """
    server = str(context.cluster.get("server") or "")
    found = _split(server if "://" in server else f"https://{server}")
    if found is None or found.scheme not in _PORTS:
        shown = server.rpartition("@")[2]  # what stands before it is a password
        raise unusable(f"the context {context.name} has no server that can be used: {shown or 'it names none'}")
    return found


def connection(
    context: KubeContext, to: SplitResult, encryption: ssl.SSLContext | None, deadline: float
) -> HTTPConnection:
    """A connection that is opened with the first request.

    Raises:
        CommandError: The proxy that it should go through can't be used.
    """
    host, port, proxy = to.hostname or "", to.port or _PORTS[to.scheme], _proxy(context, to)
    name = str(context.cluster.get("tls-server-name") or host)
    if not _is_name(name):
        raise unusable(f"the tls-server-name of the context {context.name} is no name of a host: {name}")
    if proxy is None:
        return ApiConnection(host, port, deadline, encryption, name)
    made = ApiConnection(proxy.hostname or "", proxy.port or _PORTS["http"], deadline, encryption, name)
    made.set_tunnel(host.encode("idna").decode(), port, _shown_to(proxy))
    return made


class ProxyRefusalError(OSError):
    """The proxy in between lets nobody through, or can't be reached; the text says why, and what to do."""


class ApiConnection(HTTPConnection):
    """A connection that may be encrypted, also through a proxy, and for another name than it was opened by."""

    def __init__(self, host: str, port: int, deadline: float, encryption: ssl.SSLContext | None, name: str) -> None:
        super().__init__(host, port, timeout=deadline)
        self._encryption = encryption
        self._name = name
        self._tunnelled = False

    def set_tunnel(self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Have it go through a proxy, at the address that it was made for."""
        super().set_tunnel(host, port, headers)
        self._tunnelled = True

    def connect(self) -> None:
        """Open it."""
        try:
            super().connect()
        except (OSError, HTTPException) as error:
            told = str(error)
            if not self._tunnelled:
                raise
            if not told.startswith(_REFUSED):
                why = getattr(error, "strerror", None) or told or type(error).__name__
                raise ProxyRefusalError(f"the proxy {self.host}:{self.port} can't be worked with ({why})") from None
            advice = f". {_LOG_IN}" if f" {HTTPStatus.PROXY_AUTHENTICATION_REQUIRED.value}" in told else ""
            raise ProxyRefusalError(f"the proxy {self.host} answered{told.removeprefix(_REFUSED)}{advice}") from None
        if self._encryption is not None:
            # Begun only now, it can be hung up on by another thread.
            self.sock = self._encryption.wrap_socket(
                self.sock, server_hostname=self._name, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


def _shown_to(proxy: SplitResult) -> Mapping[str, str]:
    """What the proxy is shown of who asks: the user and the password in its address."""
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}


def _proxy(context: KubeContext, to: SplitResult) -> SplitResult | None:
    """The proxy that the kubeconfig names, or else the environment."""
    named = str(context.cluster.get("proxy-url") or of_environment(to))
    if not named:
        return None
    found = _split(named if "://" in named else f"http://{named}")
    if found is None or found.scheme != "http":
        shown = named.rpartition("@")[2]  # what stands before it is a password
        raise unusable(f"the proxy {shown} can't be used: this program knows those with http:// alone")
    return found


def of_environment(to: SplitResult) -> str:
    """The proxy for an address that the environment names; empty for none.

    By the rules of kubectl, which are those of Go. They differ from Python's own: the loopback is never asked through a
    proxy, and `NO_PROXY` may name networks.
    """
    name = f"{to.scheme}_proxy"
    found = os.environ.get(name.upper()) or os.environ.get(name) or ""
    kept = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return "" if not found or _is_direct(to, kept) else found


def _is_direct(to: SplitResult, kept: str) -> bool:
    """Whether an address is asked without a proxy."""
    host, port = (to.hostname or "").lower(), to.port or _PORTS[to.scheme]
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, address, port) for entry in kept.split(","))


def _matches(entry: str, host: str, address: "IPv4Address | IPv6Address | None", port: int) -> bool:
    """Whether an entry of `NO_PROXY` means a host: `*`, a network, an address or a domain, these two with a port."""
    if entry == "*":
        return True
    if "/" in entry:
        return address is not None and _is_within(address, entry)
    name, found, ending = entry.rpartition(":")
    if found and ending.isdecimal() and (":" not in name or name.startswith("[")):
        if int(ending) != port:
            return False
        entry = name
    entry = entry.removeprefix("[").removesuffix("]")
    if (own := _address(entry)) is not None:
        return own == address
    domain = entry.removeprefix("*")  # `*.example.com` and `.example.com` mean what lies below it alone
    if not domain.strip("."):
        return False
    return host.endswith(domain) if domain.startswith(".") else host == domain or host.endswith(f".{domain}")


def _is_within(address: "IPv4Address | IPv6Address", network: str) -> bool:
    from ipaddress import ip_network

    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _address(text: str) -> "IPv4Address | IPv6Address | None":
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        return None


def _split(text: str) -> SplitResult | None:
    try:
        found = urlsplit(text)
        _ = found.port  # which is looked at only now, and may be none
    except ValueError:
        return None
    return found if found.hostname and _is_name(found.hostname) else None


def _is_name(host: str) -> bool:
    """Whether a host can be called so: Python fails on two dots in a row, among others, only once it connects."""
    try:
        return bool(host.encode("idna")) and host.isprintable()
    except UnicodeError:
        return False
