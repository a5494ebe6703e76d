"""What this process knows of an object: each part of it has the writers that it names, and no others."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import mlrollout.runtime
from mlrollout.api import GROUP
from mlrollout.domain.decision import Decision
from mlrollout.domain.kept import kept
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref
from mlrollout.runtime.tracked import Resource, Standing, TrackedObject

from tests.support.virtual_time import virtual

NOW = 1_800_000_000.0
RUNTIME = Path(mlrollout.runtime.__file__).parent
WRITERS = {
    "resource": set[str](),
    "measured": set[str](),
    "naming": set[str](),
    "standing": set[str](),
    "redis": {"traffic_io.py"},
    "writing": {"report.py"},
    "told": {"telling.py", "sinks"},
    "tally": set[str](),
    "notified": {"notifying", "sinks"},
}
"""Where a part is written from outside; one that has none is written by its own methods."""


def _written(module: ast.Module) -> Iterator[str]:
    """The parts of an object that a module assigns to: `tracked.part.field = …`, or to what is in it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Attribute) and inner.attr in WRITERS and not _is_self(inner.value):
                    yield inner.attr
                elif isinstance(inner, ast.Name) and inner.id == "told":
                    yield "told"


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def test_each_part_has_the_writers_that_it_names() -> None:
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for page in RUNTIME.rglob("*.py"):
        for part in _written(ast.parse(page.read_text())):
            writers[part].add(page.relative_to(RUNTIME).parts[0])
    assert {part: writers[part] for part in WRITERS} == WRITERS


def test_every_part_is_watched() -> None:
    tracked = TrackedObject(Ref("dispatch", "ml-dispatch"))
    modules = {one.name: type(getattr(tracked, one.name)).__module__ for one in fields(tracked)}
    assert {name for name, module in modules.items() if ".tracked." in module} == set(WRITERS)


def test_what_is_announced_counts_once_it_is_saved() -> None:
    standing, saved = Standing(), State(Record(1, latched=False, sequence=0, percentage=0), NOW)
    raised = replace(saved, record=replace(saved.record, sequence=1, percentage=10))
    standing.decided(Decision(saved))
    standing.decided(Decision(raised, announces=True))
    assert standing.state == saved
    standing.merge(raised)
    assert standing.state == raised


def test_until_when_another_attempt_had_users_is_known_to_whoever_saw_them() -> None:
    def record(attempt: int, percentage: int = 10) -> Record:
        return Record(attempt, latched=False, sequence=1, percentage=percentage, owner="us")

    standing = Standing(State(record(1), NOW))
    for at, found in (
        (1.0, record(1)),
        (2.0, record(1, percentage=0)),  # they are gone at 2 s, as far as is known
        (3.0, record(2, percentage=0)),
        (4.0, record(1)),  # a failover brings them back
        (6.0, record(2, percentage=0)),
        (7.0, record(2)),
        (8.0, record(2)),
    ):
        standing.look_whom_it_serves(Traffic(str(found.percentage), found), at)
        expected = {1: {7: 7, 8: 8}, 2: {1: 1, 2: 2, 3: 2, 4: 4, 6: 6, 7: 6, 8: 6}}
        for attempt, until in expected.items():
            standing.state = State(record(attempt), NOW)
            assert standing.others_until == until.get(int(at), 0), (attempt, at)
    standing.state = None
    assert standing.others_until == 6


@virtual
async def test_of_an_object_nothing_is_kept_that_nobody_reads() -> None:
    resource = Resource()
    found = {
        "metadata": {"namespace": "n", "name": "o", "uid": "u", "annotations": {"team": "x" * 250_000}},
        "spec": {},
    }
    resource.apply(found)
    assert "team" not in str(resource.object)
    assert resource.uid == "u"


@virtual
async def test_a_long_request_is_the_same_in_a_watch_and_in_a_list() -> None:
    found = {"metadata": {"namespace": "n", "name": "o", "uid": "u", "annotations": {f"{GROUP}/retry": "x" * 10_000}}}
    watched, listed = Resource(), Resource()
    watched.apply(found)
    listed.apply(kept(found))
    assert watched.requests == listed.requests
