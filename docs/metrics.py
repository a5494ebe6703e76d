"""Writes the tables of docs/metrics.md: `python -m docs.metrics`, which `make generate` does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlrollout.listening import metrics as connections
from mlrollout.runtime.metrics import COUNTERS, GAUGES, HISTOGRAMS, LEASE_HOLDER
from mlrollout.runtime.object_metrics import FAMILIES
from mlrollout.runtime.web import PORT

from . import tables

FILE = Path(__file__).parent / "metrics.md"
_HEAD = ("name", "labels", "type", "")


def output() -> str:
    """The page with its tables as they have to be."""
    page = FILE.read_text(encoding="utf-8")
    of_guardrails = [family for family in FAMILIES if "guardrail" in family.labels]
    of_objects = [family for family in FAMILIES if family not in of_guardrails]
    for name, families in (("objects", of_objects), ("guardrails", of_guardrails)):
        rows = [_row(one.name, one.labels, "counter" if one.counter else "gauge", one.help) for one in families]
        page = tables.replaced(page, name, _HEAD, rows)
    return tables.replaced(page, "process", _HEAD, _of_the_process())


def _of_the_process() -> Iterator[Sequence[str]]:
    for name, (text, labels) in GAUGES.items():
        yield _row(f"mlrollout_{name}", labels, "gauge", text)
    yield _row(LEASE_HOLDER.name, LEASE_HOLDER.labels, "gauge", LEASE_HOLDER.help)
    yield _row(f"mlrollout_{PORT}_connections", (), "gauge", connections.OPEN)
    for name, (text, labels) in COUNTERS.items():
        yield _row(f"mlrollout_{name}_total", labels, "counter", text)
    yield _row(f"mlrollout_{PORT}_closed_total", ("why",), "counter", connections.CLOSED)
    for name, text in HISTOGRAMS.items():
        yield _row(f"mlrollout_{name}", (), "histogram", text)


def _row(name: str, labels: Sequence[str], kind: str, text: str) -> Sequence[str]:
    return f"`{name}`", ", ".join(f"`{label}`" for label in labels), kind, text


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
