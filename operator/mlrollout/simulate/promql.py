"""The part of PromQL that a ratio of counters needs, answered from synthetic counters as Prometheus answers it.

Each group of counters is one series here, so `sum` and `max` change nothing but labels. What is not known here can't
be simulated: `UnknownError` says so.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import promql_parser as promql

from mlrollout.evidence.answer import Answer, Sample

from .counters import CounterRole, ReadsCounters

_THRESHOLD = 1.1
_AGGREGATES = frozenset({"sum", "max", "min", "avg"})
_COUNTING = frozenset({"rate", "increase"})
_LABEL_REPLACE = 5
_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}

CounterRoles: TypeAlias = Mapping[str, CounterRole]
"""What each selector counts, by the selector as `name_of` writes it."""
Vector: TypeAlias = Sequence[Sample]


class UnknownError(ValueError):
    """A query that can't be answered from counters alone; the text says what in it is not known."""


@dataclass(frozen=True, slots=True)
class CounterRead:
    """One place where a query reads a counter.

    Attributes:
        role: What the counter counts.
        function: What reads it.
        seconds: The range; 0 for the newest sample.
    """

    role: CounterRole
    function: str
    seconds: float

    def value(self, counters: ReadsCounters, at: float) -> float | None:
        """What it reads at that time; `None` for nothing."""
        scrape = counters.scrape
        last = math.floor(at / scrape)
        if not self.seconds:
            return last * scrape
        first = math.floor((at - self.seconds) / scrape) + 1  # a range is open to the left
        if self.function == "count_over_time":
            return float(last - first + 1) if last >= first else None
        if self.function == "present_over_time":
            return 1.0 if last >= first else None
        if last <= first:
            return None
        begun = counters.at(self.role, first)
        grown = counters.at(self.role, last) - begun
        to_start, to_end = first * scrape - at + self.seconds, at - last * scrape
        factor = _extrapolated(to_start, to_end, last - first, scrape, begun, grown)
        return grown * factor / (self.seconds if self.function == "rate" else 1.0)


def _extrapolated(to_start: float, to_end: float, gaps: int, scrape: float, begun: float, grown: float) -> float:
    """By how much Prometheus multiplies what grew between the first sample of a range and the last."""
    covered = gaps * scrape
    if to_start >= _THRESHOLD * scrape:
        to_start = scrape / 2
    if grown > 0:
        to_start = min(to_start, covered * begun / grown)  # no counter was ever below 0
    if to_end >= _THRESHOLD * scrape:
        to_end = scrape / 2
    return (covered + to_start + to_end) / covered


@dataclass(frozen=True, slots=True)
class Expression:
    """A query that can be answered.

    Attributes:
        reads: Where it reads counters.
        evaluate: What it comes to, from what these read.
    """

    reads: tuple[CounterRead, ...]
    evaluate: Callable[[Sequence[float | None]], Vector]

    def answer(self, counters: ReadsCounters, at: float) -> Answer:
        """What Prometheus would answer at that time."""
        samples = self.evaluate([one.value(counters, at) for one in self.reads])
        return Answer(tuple(samples), evaluated=at)


def name_of(selector: promql.VectorSelector) -> str:
    """A selector, written in one way."""
    matchers = sorted(f'{one.name}{_OPERATORS[str(one.op)]}"{one.value}"' for one in selector.matchers.matchers)
    return f"{selector.name or ''}{{{','.join(matchers)}}}"


def compile_(text: str, roles: CounterRoles) -> Expression:
    """A query as it is sent, read.

    Raises:
        UnknownError: There is something in it that can't be answered.
    """
    return _compiled(text, tuple(sorted(roles.items())))


@lru_cache(maxsize=4096)
def _compiled(text: str, roles: tuple[tuple[str, CounterRole], ...]) -> Expression:
    reads: list[CounterRead] = []
    evaluate = _node(promql.parse(text), dict(roles), reads)
    return Expression(tuple(reads), evaluate)


_Evaluate: TypeAlias = Callable[[Sequence[float | None]], Vector]


def _node(node: promql.Expr, roles: CounterRoles, reads: list[CounterRead]) -> _Evaluate:
    match node:
        case promql.ParenExpr():
            return _node(node.expr, roles, reads)
        case promql.NumberLiteral():
            number = [Sample(float(node.val))]
            return lambda _: number
        case promql.UnaryExpr():
            inner = _node(node.expr, roles, reads)
            return lambda read: [Sample(-one.value) for one in inner(read)]
        case promql.AggregateExpr() if str(node.op) in _AGGREGATES and node.param is None:
            inner = _node(node.expr, roles, reads)
            return lambda read: [Sample(one.value) for one in inner(read)]
        case promql.BinaryExpr():
            return _binary(node, roles, reads)
        case promql.Call():
            return _call(node, roles, reads)
    raise UnknownError(f"`{node}` is no count of events")


def _call(node: promql.Call, roles: CounterRoles, reads: list[CounterRead]) -> _Evaluate:
    name, args = node.func.name, node.args
    match name, args:
        case ("timestamp", [promql.VectorSelector()]):
            return _read(args[0], name, 0.0, roles, reads)
        case (_, [promql.MatrixSelector()]) if name in _COUNTING or name in ("present_over_time", "count_over_time"):
            return _read(args[0].vector_selector, name, args[0].range.total_seconds(), roles, reads)
        case ("vector", [promql.NumberLiteral()]):
            return _node(args[0], roles, reads)
        case ("label_replace", [inner, *words]) if len(args) == _LABEL_REPLACE and not words[2].val:
            made, labels = _node(inner, roles, reads), {words[0].val: words[1].val}
            return lambda read: [Sample(one.value, labels) for one in made(read)]
    raise UnknownError(f"`{name}` is not simulated here")


def _read(
    selector: promql.VectorSelector, name: str, seconds: float, roles: CounterRoles, reads: list[CounterRead]
) -> _Evaluate:
    if selector.offset is not None or selector.at is not None:
        raise UnknownError("`offset` and `@` are not simulated here")
    role = roles.get(name_of(selector))
    if role is None:
        raise UnknownError(f"what `{selector}` counts is not known")
    counter_read = CounterRead(role, name, seconds)
    if counter_read not in reads:
        reads.append(counter_read)
    place = reads.index(counter_read)

    def evaluate(read: Sequence[float | None]) -> Vector:
        value = read[place]
        return [] if value is None else [Sample(value)]

    return evaluate


def _binary(node: promql.BinaryExpr, roles: CounterRoles, reads: list[CounterRead]) -> _Evaluate:
    op = str(node.op)
    left, right = _node(node.lhs, roles, reads), _node(node.rhs, roles, reads)
    if op == "or":
        return lambda read: _union(left(read), right(read))
    if op not in _ARITHMETIC:
        raise UnknownError(f"`{op}` is not simulated here")
    combine = _ARITHMETIC[op]
    return lambda read: [Sample(combine(one.value, other.value)) for one in left(read) for other in right(read)]


def _union(left: Vector, right: Vector) -> Vector:
    known = [one.labels for one in left]
    return [*left, *(one for one in right if one.labels not in known)]


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divide,
}
