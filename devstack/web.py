"""Small HTTP questions, asked with the standard library alone."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def get(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    ca: Path | None = None,
    timeout: float = 2,
) -> bytes | None:
    """The body of a successful answer; None for any other answer or none at all."""
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}))  # noqa: S310  (our own servers)
    try:
        with _opener(ca).open(request, timeout=timeout) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return None
    except (OSError, http.client.HTTPException):
        return None


@cache
def _opener(ca: Path | None) -> urllib.request.OpenerDirector:
    """Kept, because reading certificates again at every poll would slow the polled server."""
    # A proxy of the environment has no way to our loopback addresses.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if ca:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(ca))))
    return urllib.request.build_opener(*handlers)
