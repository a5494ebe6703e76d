"""Lays out what the site of the documentation is built from: `python -m docs.site FOLDER`, which `make docs` does.

Pages keep the places that they have in the repository, so that one link leads to one page everywhere: in an editor, on
a forge and on the site. What the site lacks, such as the source code, is linked where the forge shows it, or else not.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    "*.md",
    "docs/**/*.md",
    "charts/*/README.md",
    "examples/*/README.md",
    "benchmarks/README.md",
    "clients/*/README.md",
)
SHOWN = ("docs", "examples", "charts")
"""What a page links to here is copied; the rest of the repository is source."""
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page, relative to the repository."""
    return sorted({page.relative_to(ROOT) for pattern in PAGES for page in ROOT.glob(pattern)})


def lay_out(folder: Path, forge: str) -> None:
    """Fill the folder with the pages and what they show."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        _write(folder / page, _outside_fences(text, page, forge))
        for shown in _shown(text, page):
            (folder / shown).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / shown, folder / shown)
    _write(folder / "docs" / "adr" / "README.md", decisions())


def decisions() -> str:
    """The page that lists the decisions, which the site has instead of the folder."""
    titles = {page.name: page.read_text(encoding="utf-8").partition("\n")[0] for page in ROOT.glob("docs/adr/0*.md")}
    rows = (f"- [{title.removeprefix('# ')}]({name})" for name, title in sorted(titles.items()))
    return (
        "# Decisions\n\nWhat was weighed and would be weighed again, each with its reasons.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def _outside_fences(text: str, page: Path, forge: str) -> str:
    done, at = [], 0
    for fence in _FENCE.finditer(text):
        done += [_relinked(text[at : fence.start()], page, forge), fence[0]]
        at = fence.end()
    return "".join((*done, _relinked(text[at:], page, forge)))


def _relinked(text: str, page: Path, forge: str) -> str:
    def led(link: re.Match[str]) -> str:
        image, words, target, anchor = link.groups("")
        place = _place(page, target)
        if place is None or place in pages() or _is_shown(place):
            return link[0]
        if (place / "README.md") in (*pages(), Path("docs/adr/README.md")):
            return f"{image}[{words}]({target.rstrip('/')}/README.md{anchor})"
        return f"[{words}]({forge}/blob/main/{place})" if forge else words

    return _LINK.sub(led, text)


def _shown(text: str, page: Path) -> Iterator[Path]:
    for link in _LINK.finditer(text):
        place = _place(page, link[3])
        if place is not None and place not in pages() and _is_shown(place):
            yield place


def _is_shown(place: Path) -> bool:
    return place.parts[0] in SHOWN and (ROOT / place).is_file()


def _place(page: Path, target: str) -> Path | None:
    """What a link of this page leads to, where that is there: a broken link is for the build to find."""
    place = Path(os.path.normpath(page.parent / target))
    return place if (ROOT / place).exists() else None


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), os.environ.get("FORGE", "").rstrip("/"))
