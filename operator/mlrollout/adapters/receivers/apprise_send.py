"""Sending by Apprise, and finding out what became of it: of that, Apprise itself says no more than yes or no.

To be used in a process that does nothing else: it changes the libraries that Apprise sends with.
"""

import os
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import apprise
import requests
from apprise.common import NotifyFormat, NotifyType, PersistentStoreMode
from apprise.plugins import NotifyBase

SHORT = 500
"""Characters: a receiver that takes no more gets one line, as a phone shows it."""
_LOCAL = frozenset({"syslog", "dbus", "glib", "qt", "kde", "gnome", "macosx", "windows"})
"""Services that show something on the machine itself, where nobody looks."""
_TYPES: Mapping[str, NotifyType] = {
    "critical": NotifyType.FAILURE,
    "warning": NotifyType.WARNING,
    "info": NotifyType.INFO,
    "success": NotifyType.SUCCESS,
}
_ASSET = apprise.AppriseAsset(
    app_id="mlrollout",
    app_desc="mlrollout",
    app_url="",
    async_mode=False,
    http_redirects=False,
    storage_mode=PersistentStoreMode.MEMORY,
    pgp_autogen=False,
    pem_autogen=False,
)


class Trace:
    """What came back while something was sent; the last of it says why that failed."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after: str | None = None
        self.why = ""

    def watch(self) -> None:
        """Have the libraries that Apprise sends with tell what they see, and follow no redirect."""
        requests.Session.send = self._sending(requests.Session.send)  # type: ignore[method-assign]
        smtplib.SMTP.getreply = self._replying(smtplib.SMTP.getreply)  # type: ignore[method-assign]
        ssl.SSLSocket.do_handshake = self._noting(  # type: ignore[method-assign]
            ssl.SSLSocket.do_handshake, "can't be reached: no TLS connection could be made; check its certificate"
        )
        socket.socket.connect = self._noting(socket.socket.connect, "can't be reached")  # type: ignore[method-assign]

    def _sending(self, send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
        def sending(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 - the library's own
            try:
                response = send(session, request, **options | {"allow_redirects": False})
            except requests.RequestException as error:
                late = isinstance(error, requests.Timeout)
                self.why = self.why or (
                    "gave no answer in time" if late else "broke the connection off before its answer was complete"
                )
                raise
            self.status, self.retry_after = response.status_code, response.headers.get("Retry-After")
            return response

        return sending

    def _replying(self, getreply: Callable[[smtplib.SMTP], tuple[int, bytes]]) -> Any:  # noqa: ANN401 - a method
        def replying(server: smtplib.SMTP) -> tuple[int, bytes]:
            code, text = getreply(server)
            if code >= 400:  # noqa: PLR2004 - SMTP's failures
                self.why = f"answered with SMTP {code}"
            return code, text

        return replying

    def _noting(self, method: Callable[..., Any], why: str) -> Any:  # noqa: ANN401 - a method
        def noting(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's own
            try:
                return method(*args, **options)
            except OSError as error:
                self.why = self.why or (
                    f"{why}: {os.strerror(error.errno)}" if error.errno and not isinstance(error, ssl.SSLError) else why
                )
                raise

        return noting

    def refused(self, why: str) -> None:
        """Something was not allowed."""
        self.why = f"may not be sent to: {why}"


def preload() -> None:
    """Load every plugin, which takes a third of a second and 30 MB."""
    apprise.Apprise.instantiate("json://localhost", asset=_ASSET)


def send(message: Mapping[str, str], trace: Trace) -> str | None:
    """Have a message arrive; answers with why it did not, empty where the HTTP status says so; `None` where it did.

    Args:
        message: Its `url`, `id`, `severity`, `title`, `text`, and `line`, which is for phones.
        trace: What came back; the HTTP status stands there.
    """
    plugin = apprise.Apprise.instantiate(message["url"], asset=_ASSET)
    if plugin is None or message["url"].partition(":")[0].lower() in _LOCAL:
        return trace.why or "is no address that Apprise understands"
    _tell_apart(plugin, message["id"])
    title, body = message["title"], message["text"]
    if plugin.body_maxlen < SHORT:
        # Letters that a text message takes one of many bytes for, or as an alphabet of 70 characters.
        title, body = "", message["line"].replace("→", "->").replace("…", "...")[: plugin.body_maxlen]
    if _notify(plugin, title, body, _TYPES[message["severity"]]):
        return None
    return trace.why


def _tell_apart(plugin: NotifyBase, name: str) -> None:
    """Let a service that can, know a repeat by the message's id: PagerDuty would open a second incident."""
    for word in ("dedup", "alias"):
        if getattr(plugin, word, name) in (None, ""):
            setattr(plugin, word, name)


def _notify(plugin: NotifyBase, title: str, body: str, kind: NotifyType) -> bool:
    sender = apprise.Apprise(plugin, asset=_ASSET)
    return bool(sender.notify(body=body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT))
