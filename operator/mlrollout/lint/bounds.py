"""Between which numbers a query's answer lies, whatever the series say."""

import math
from dataclasses import dataclass

import promql_parser as promql

from .tree import INCREASES, Strings, bare, is_part

_COUNTS = frozenset({"count_over_time", "changes", "resets", "histogram_count", "time", "timestamp"})
_KEEPING = frozenset({"avg", "min", "max", "quantile", "topk", "bottomk"})
_COUNTERS = ("_total", "_count", "_bucket")
_HUNDRED = 100.0
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every number from `low` to `high`."""

    low: float = -math.inf
    high: float = math.inf

    def within(self, low: float | None, high: float | None) -> bool:
        """Whether all of it lies between two limits."""
        return (low is None or low <= self.low) and (high is None or self.high <= high)


ANYTHING = Bounds()
_COUNT = Bounds(0.0)
_SHARE = Bounds(0.0, 1.0)


def bounds(node: promql.Expr, strings: Strings) -> Bounds:
    """Between which numbers the answer of a node lies; NaN aside, and `+Inf` of a division by zero."""
    node = bare(node)
    match node:
        case promql.NumberLiteral():
            return Bounds(node.val, node.val)
        case promql.Call():
            return _of_call(node, strings)
        case promql.AggregateExpr():
            return _of_aggregate(node, strings)
        case promql.BinaryExpr():
            return _of_binary(node, strings)
        case promql.VectorSelector():
            return _SHARE if node.name == "up" else _COUNT if (node.name or "").endswith(_COUNTERS) else ANYTHING
    return ANYTHING


def _of_call(node: promql.Call, strings: Strings) -> Bounds:
    name = node.func.name
    if name in INCREASES or name in _COUNTS:
        return _COUNT
    if name == "histogram_fraction":
        return _SHARE
    return bounds(node.args[0], strings) if name in ("vector", "scalar") else ANYTHING


def _of_aggregate(node: promql.AggregateExpr, strings: Strings) -> Bounds:
    inner, op = bounds(node.expr, strings), str(node.op)
    if op in _KEEPING:
        return inner
    return _COUNT if op == "count" or (op == "sum" and inner.low >= 0) else ANYTHING


def _of_binary(node: promql.BinaryExpr, strings: Strings) -> Bounds:
    op, left, right = str(node.op), bounds(node.lhs, strings), bounds(node.rhs, strings)
    if op in _COMPARISONS:
        return _SHARE if node.modifier and node.modifier.return_bool else left
    if op in ("and", "unless"):
        return left
    if op == "or":
        return Bounds(min(left.low, right.low), max(left.high, right.high))
    return _of_sum(op, left, right) or _of_product(node, op, left, right, strings)


def _of_sum(op: str, left: Bounds, right: Bounds) -> Bounds | None:
    if op == "-":
        right = Bounds(-right.high, -right.low)
    return Bounds(left.low + right.low, left.high + right.high) if op in ("+", "-") else None


def _of_product(node: promql.BinaryExpr, op: str, left: Bounds, right: Bounds, strings: Strings) -> Bounds:
    if op == "*":
        return _times(left, right)
    if op != "/":
        return ANYTHING
    factor, part = _factor(bare(node.lhs))
    if is_part(part, node.rhs, strings):
        return _times(_SHARE, Bounds(factor, factor))
    if right.low == right.high and right.low:
        return _times(left, Bounds(1 / right.low, 1 / right.low))
    return _COUNT if left.low >= 0 and right.low >= 0 else ANYTHING


def _factor(node: promql.Expr) -> tuple[float, promql.Expr]:
    """The number that something is multiplied by, and what: `100 * a / b` is read as `(100 * a) / b`."""
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "*":
        for number, other in ((bare(node.lhs), node.rhs), (bare(node.rhs), node.lhs)):
            if isinstance(number, promql.NumberLiteral):
                return number.val, other
    return 1.0, node


def in_per_cent(node: promql.Expr) -> bool:
    """Whether what a node answers with was multiplied by a hundred, as a share is to be in per cent."""
    node = bare(node)
    match node:
        case promql.AggregateExpr() if str(node.op) in _KEEPING:
            return in_per_cent(node.expr)
        case promql.BinaryExpr() if str(node.op) == "*":
            return _factor(node)[0] == _HUNDRED
        case promql.BinaryExpr() if str(node.op) in ("-", "or"):
            return in_per_cent(node.lhs) or in_per_cent(node.rhs)
    return False


def _times(left: Bounds, right: Bounds) -> Bounds:
    ends = [a * b if a and b else 0.0 for a in (left.low, left.high) for b in (right.low, right.high)]
    return Bounds(min(ends), max(ends))
