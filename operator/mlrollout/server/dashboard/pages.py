"""The page itself: files of the package, built from ui/dashboard by `make page`, held in memory.

Whoever asks gets them: they hold nothing of any rollout. What is served is what was found at the start, by its name and
no other way, so that no path leads anywhere else.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from mlrollout.server.http.problem import HttpProblem

FOLDER = Path(__file__).parent / "page"
PREFIX = "/dashboard/"
INDEX = "index.html"

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; other files are none of the page's."""
_PACKED = frozenset({".html", ".js", ".css", ".json", ".webmanifest", ".svg", ".txt"})
_NO_WEIGHT = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
_HASHED = "assets/"
"""Where files lie whose names change with their content."""

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer below `/dashboard/`: nothing runs there but what the server itself has, and in no frame."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        content: What is in it.
        packed: The same by gzip; empty where that saves nothing.
        kind: Its media type.
        tag: Names exactly this content; packed it is other bytes, and has another `ETag`.
    """

    content: bytes
    packed: bytes
    kind: str
    tag: str


def read(folder: Path = FOLDER) -> Mapping[str, PageFile]:
    """The files of the page, by their paths in its folder; none where it was not built."""
    found = {}
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        kind = TYPES.get(file.suffix)
        if kind and file.is_file():
            content = file.read_bytes()
            packed = gzip.compress(content, mtime=0) if file.suffix in _PACKED else b""
            tag = hashlib.sha256(content).hexdigest()[:32]
            found[file.relative_to(folder).as_posix()] = PageFile(content, packed, kind, tag)
    return found


def add(app: web.Application, files: Mapping[str, PageFile]) -> None:
    """Add the routes."""

    async def to_index(_request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": PREFIX})

    async def show(request: web.Request) -> web.Response:
        name = request.match_info.get("file", "") or INDEX
        file = files.get(name)
        if file is None:
            raise _missing(name)
        packs = bool(file.packed) and takes_gzip(request.headers.get("Accept-Encoding", ""))
        tag = f'"{file.tag}-gzip"' if packs else f'"{file.tag}"'
        headers = {"ETag": tag, "Vary": "Accept-Encoding", "Content-Type": file.kind}
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if name.startswith(_HASHED) else "no-cache"
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if packs:
            return web.Response(body=file.packed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=file.content, headers=headers)

    app.router.add_get(PREFIX.rstrip("/"), to_index)
    app.router.add_get(PREFIX, show)
    app.router.add_get(PREFIX + "{file:(?!api/).+}", show)


def takes_gzip(accepted: str) -> bool:
    """Whether a client takes what is packed by gzip, as its `Accept-Encoding` says (RFC 9110, 12.5.3)."""
    wanted = {}
    for one in accepted.lower().split(","):
        coding, _, weight = one.partition(";")
        wanted[coding.strip()] = not _NO_WEIGHT.fullmatch(weight)
    return wanted.get("gzip", wanted.get("*", False))


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every answer of the dashboard."""
    if request.path.startswith(PREFIX):
        response.headers.update(SECURITY)


def _missing(name: str) -> HttpProblem:
    if name == INDEX:
        return HttpProblem(
            501,
            "The dashboard's page is not in this installation. In a checkout, `make page` builds it (with Node); "
            "the wheel and the image carry it.",
        )
    return HttpProblem(404, "The dashboard has no such file. Load the page anew: it may have been updated.")
