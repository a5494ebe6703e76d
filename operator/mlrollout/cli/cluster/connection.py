"""The way to an API server: its address, a proxy in between, encryption."""

import base64
import os
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import SplitResult, unquote, urlsplit

from .kubeconfig import KubeContext, unusable

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
    made.set_tunnel(host, port, _shown_to(proxy))
    return made


class ProxyRefusalError(OSError):
    """The proxy in between lets nobody through; the text says what it answered, and what to do."""


class ApiConnection(HTTPConnection):
    """A connection that may be encrypted, also through a proxy, and for another name than it was opened by."""

    def __init__(self, host: str, port: int, deadline: float, encryption: ssl.SSLContext | None, name: str) -> None:
        super().__init__(host, port, timeout=deadline)
        self._encryption = encryption
        self._name = name

    def connect(self) -> None:
        """Open it."""
        try:
            super().connect()
        except OSError as error:
            told = str(error)
            if error.errno is not None or not told.startswith(_REFUSED):
                raise
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
