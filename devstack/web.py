"""Small HTTP questions, asked with the standard library alone."""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from collections.abc import Mapping
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
    # A proxy of the environment has no way to our loopback addresses.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if ca:
        context = ssl.create_default_context(cafile=str(ca))
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, http.client.HTTPException):
        return None
