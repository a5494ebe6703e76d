"""How the site of the documentation is laid out, without building it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.site import ROOT, lay_out, pages


class Loader(yaml.SafeLoader):
    """Reads what names a Python function as nothing."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def stand(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        for told in entry.values() if isinstance(entry, dict) else (entry,):
            yield from stand(told) if isinstance(told, list) else (told,)


def test_every_page_stands_in_the_navigation_once() -> None:
    nav = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)["nav"]  # noqa: S506 - it loads nothing else than the safe one
    decisions = {page.as_posix() for page in pages() if page.parent.name == "adr"}

    assert sorted(stand(nav)) == sorted({page.as_posix() for page in pages()} - decisions | {"docs/adr/README.md"})


def test_links_lead_where_the_site_has_something(tmp_path: Path) -> None:
    lay_out(tmp_path, forge="")

    front = (tmp_path / "README.md").read_text()
    assert "[docs/adr](docs/adr/README.md)" in front
    assert "[examples/ml-dispatch](examples/ml-dispatch/README.md)" in front
    assert "[Dockerfile]" not in front, "the site has no source code"
    assert (tmp_path / "docs" / "evidence.svg").exists()
    assert (tmp_path / "examples" / "ml-dispatch" / "rollout.yaml").exists()


def test_the_source_code_is_linked_where_a_forge_shows_it(tmp_path: Path) -> None:
    lay_out(tmp_path, forge="https://forge.example/mlrollout")

    assert "](https://forge.example/mlrollout/blob/main/Dockerfile)" in (tmp_path / "README.md").read_text()
