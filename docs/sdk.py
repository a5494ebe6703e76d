"""Writes the SDK's reference from its docstrings: `python -m docs.sdk`, which `make generate` does."""

import re
from pathlib import Path

from griffe2md import ConfigDict, render_package_docs

FILE = Path(__file__).parent / "sdk-reference.md"
PUBLIC = ("mlrollout", "mlrollout.assignment.openfeature", "mlrollout.assignment.exposure")

_NOTE = "<!-- Generated from the docstrings by `make generate`; edits here are lost. -->\n"
_STYLE = ConfigDict(
    docstring_style="google",
    docstring_section_style="table",
    filters=["!^_"],
    heading_level=1,
    line_length=100,
    merge_init_into_class=True,
    search_paths=[str(Path(__file__).parents[1] / "operator")],
    separate_signature=True,
    show_category_heading=False,
    show_if_no_docstring=False,
    show_object_full_path=False,
    show_root_full_path=True,
    show_signature_annotations=True,
    show_submodules=False,
    summary=False,
)
_LINK = re.compile(r"\[([^\]]*)\]\(#[^)]*\)")
"""To what stands in no page of ours, such as `float`, or under another anchor than the page has."""


def output() -> str:
    """The reference."""
    pages = (_LINK.sub(r"\1", render_package_docs(name, _STYLE)).strip() for name in PUBLIC)
    return _NOTE + "\n" + "\n\n".join(pages) + "\n"


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
