"""Tables that are generated into pages that people write: between `<!-- name -->` and `<!-- /name -->`."""

from collections.abc import Iterable, Sequence


def replaced(page: str, name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The page with this table in its place."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, _, rest = page.partition(begin)
    lines = [_line(head), "|" + "---|" * len(head), *map(_line, rows)]
    return before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.partition(end)[2]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
