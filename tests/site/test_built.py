"""What readers get: every page, with links that lead somewhere, and nothing fetched from anybody else."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.site import pages

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


@dataclass
class Page(HTMLParser):
    """What a page has: its anchors, what it leads to, and what a browser loads with it."""

    anchors: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if found := given.get("id"):
            self.anchors[found] += 1
        if tag == "a" and (target := given.get("href")):
            self.links.append(target)
        if address := given.get(LOADED.get(tag, "")):
            self.loaded.append(address)


@pytest.fixture(scope="session")
def read(built: Path) -> dict[Path, Page]:
    found = {}
    for file in built.rglob("*.html"):
        found[file] = Page()
        found[file].feed(file.read_text())
    return found


def test_every_page_of_the_repository_is_a_page_of_the_site(built: Path, read: dict[Path, Page]) -> None:
    expected = {built / page.with_suffix(".html") for page in pages() if page.name != "README.md"}

    assert expected <= set(read)


def test_every_link_leads_to_a_page_and_its_anchor(built: Path, read: dict[Path, Page]) -> None:
    broken = []
    for file, page in read.items():
        if file.name == "404.html":  # its links begin at the site's root, wherever that will be
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            led = target in read and (not parts.fragment or unquote(parts.fragment) in read[target].anchors)
            if not led and not (target.is_file() and target.suffix != ".html"):
                broken.append(f"{file.relative_to(built)}: {link}")
    assert not broken


def test_an_anchor_stands_once_on_its_page(built: Path, read: dict[Path, Page]) -> None:
    twice = {
        str(file.relative_to(built)): [one for one, times in page.anchors.items() if times > 1]
        for file, page in read.items()
    }

    assert not {file: anchors for file, anchors in twice.items() if anchors}


def test_a_reader_loads_nothing_from_anybody_else(built: Path, read: dict[Path, Page]) -> None:
    foreign = {address for page in read.values() for address in page.loaded if urlsplit(address).netloc}

    assert foreign == set()
    assert not [
        sheet.name
        for sheet in built.rglob("*.css")
        if "@import" in sheet.read_text() or "url(http" in sheet.read_text()
    ]
