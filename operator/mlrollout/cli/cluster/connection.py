"""The way to an API server: its address, a proxy in between, encryption."""

import os
import ssl
from http.client import HTTPConnection
from urllib.parse import SplitResult, urlsplit

from .kubeconfig import KubeContext, unusable

_PORTS = {"http": 80, "https": 443}


def address(context: KubeContext) -> SplitResult:
    """Where the API server is.

    Raises:
        CommandError: The kubeconfig does not say so.
    """
    server = str(context.cluster.get("server") or "")
    found = _split(server if "://" in server else f"https://{server}")
    if found is None or found.scheme not in _PORTS:
        raise unusable(f"the context {context.name} has no server that can be used: {server or 'it names none'}")
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
    if proxy is None:
        return ApiConnection(host, port, deadline, encryption, name)
    made = ApiConnection(proxy.hostname or "", proxy.port or _PORTS["http"], deadline, encryption, name)
    made.set_tunnel(host, port)
    return made


class ApiConnection(HTTPConnection):
    """A connection that may be encrypted, also through a proxy, and for another name than it was opened by."""

    def __init__(self, host: str, port: int, deadline: float, encryption: ssl.SSLContext | None, name: str) -> None:
        super().__init__(host, port, timeout=deadline)
        self._encryption = encryption
        self._name = name

    def connect(self) -> None:
        """Open it."""
        super().connect()
        if self._encryption is not None:
            # Begun only now, it can be hung up on by another thread.
            self.sock = self._encryption.wrap_socket(
                self.sock, server_hostname=self._name, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


def _proxy(context: KubeContext, to: SplitResult) -> SplitResult | None:
    """The proxy that the kubeconfig names, or else the environment."""
    named = str(context.cluster.get("proxy-url") or _of_environment(to))
    if not named:
        return None
    found = _split(named if "://" in named else f"http://{named}")
    if found is None or found.scheme != "http":
        shown = named.rpartition("@")[2]  # what stands before it is a password
        raise unusable(f"the proxy {shown} can't be used: this program knows those with http:// alone")
    return found


def _of_environment(to: SplitResult) -> str:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    from urllib.request import getproxies, proxy_bypass

    return "" if proxy_bypass(to.netloc) else getproxies().get(to.scheme, "")


def _split(text: str) -> SplitResult | None:
    try:
        found = urlsplit(text)
        _ = found.port  # which is looked at only now, and may be none
    except ValueError:
        return None
    return found if found.hostname else None
