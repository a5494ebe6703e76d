"""Where a query takes raw samples from, how far back, and what it makes of a series that has none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import promql_parser as promql

from .shape import replaceable
from .syntax import alerts, children, render
from .text import FIXED_TIME, QueryError

_KEEPING = "_over_time"
_PAIRS = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"}
)
"""Functions that need two samples of a series to say anything about it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One place where a query takes raw samples.

    Attributes:
        selector: The series, as PromQL without range and offset.
        begins: How many seconds before the evaluation the samples begin; negative for the future.
        width: Seconds of its range; 0 where it takes one sample of a series.
        function: What reads the range, if it needs two samples of a series; else empty.
        keeps: Whether it is read by a function that shows what was (`last_over_time` and the like), so that a series
            may have ended since. A rate over a series that has ended is one that falls, and says nothing of now.
        optional: Whether the user wrote what holds where it has no series: beside `or`, in `absent`, after `unless`.
        passing: Whether its series come and go by their nature, so that silence is no loss.
    """

    selector: str
    begins: float
    width: float = 0.0
    function: str = ""
    keeps: bool = False
    optional: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What stands around a node: seconds that it is moved back, and what reads it."""

    before: float = 0.0
    function: str = ""
    keeps: bool = False
    optional: bool = False


def selections(tree: promql.Expr, strings: Mapping[str, str]) -> Iterator[Selection]:
    """Every place of a tree where samples are taken.

    Raises:
        QueryError: A place looks at a fixed time, or is no PromQL.
    """
    pending = [(tree, _Surroundings())]
    while pending:
        node, place = pending.pop()
        match node:
            case promql.VectorSelector():
                yield _selection(node, strings, place, 0.0)
            case promql.MatrixSelector():
                yield _selection(node.vector_selector, strings, place, _seconds(node.range))
            case promql.SubqueryExpr():
                before = _moved(node, place.before) + _seconds(node.range)
                pending.append((node.expr, replace(place, before=before, function="")))
            case _:
                pending.extend(zip(children(node), _places(node, place), strict=True))


def _places(node: promql.Expr, place: _Surroundings) -> tuple[_Surroundings, ...]:
    """What stands around each of a node's children."""
    match node:
        case promql.BinaryExpr():
            op = str(node.op)
            return tuple(replace(place, optional=place.optional or replaceable(op, side)) for side in (0, 1))
        case promql.Call():
            name = node.func.name
            inner = replace(place, optional=place.optional or replaceable(name, 0))
            return tuple(_read_by(name, inner) if _is_range(arg) else inner for arg in node.args)
    return (place,) * len(children(node))


def _read_by(name: str, place: _Surroundings) -> _Surroundings:
    return replace(place, function=name if name in _PAIRS else "", keeps=name.endswith(_KEEPING))


def _is_range(node: promql.Expr) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return isinstance(node, promql.MatrixSelector | promql.SubqueryExpr)


def _selection(
    selector: promql.VectorSelector, strings: Mapping[str, str], place: _Surroundings, width: float
) -> Selection:
    text = render(selector, strings)
    return Selection(
        selector=text,
        begins=_moved(selector, place.before) + width,
        width=width,
        function=place.function if width else "",
        keeps=place.keeps,
        optional=place.optional,
        passing=alerts(text),
    )


def _moved(node: promql.VectorSelector | promql.SubqueryExpr, before: float) -> float:
    """How many seconds before the evaluation a node looks, if its surroundings look `before` seconds back."""
    if node.at is not None:
        if node.at.type == promql.AtModifierType.At:
            raise QueryError(FIXED_TIME)
        before = 0.0  # `start()` and `end()` of an instant query are its evaluation
    return before + _seconds(node.offset)


def _seconds(span: timedelta | None) -> float:
    return 0.0 if span is None else span.total_seconds()
