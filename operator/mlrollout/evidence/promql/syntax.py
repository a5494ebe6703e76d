"""PromQL as a tree: what is refused in it, and its shape."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import promql_parser as promql

from .shape import BOOL, Shape
from .text import QueryError

_MATCHERS = MappingProxyType(
    {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
)
_OVER_BUCKETS = frozenset({"histogram_quantile", "histogram_fraction"})
_KEEPING_LABELS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_RELABELLING = frozenset({"label_replace", "label_join"})
_OF_ALERTS = r"ALERTS(?:_FOR_STATE|\.[*+])?"
"""The series that Prometheus makes of alerts; they exist while an alert is pending or firing."""
_ALERTS = re.compile(rf"""{_OF_ALERTS}\{{|.*[{{,](?:__name__=~?)?(["'`]){_OF_ALERTS}(?:\|{_OF_ALERTS})*\1""", re.DOTALL)


class UnreadableError(ValueError):
    """The parser does not know this as PromQL; another one, or a newer Prometheus, may."""


def parse(bare: str) -> promql.Expr:
    """The tree of a query without strings and comments.

    Raises:
        UnreadableError: The parser can't read it, whatever Prometheus makes of it.
    """
    try:
        return promql.parse(bare)
    except BaseException as error:
        # The parser's panics are no Exception, and a user's query must not end the operator.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise UnreadableError(str(error)) from error
        raise


def check(tree: promql.Expr) -> None:
    """Refuse a query that can't answer with a number.

    Raises:
        QueryError: The query is such a one.
    """
    match _bare(tree):
        case promql.MatrixSelector() | promql.SubqueryExpr():
            raise QueryError(
                "the query answers with a range, not a number: wrap it, for example in rate or avg_over_time"
            )
        case promql.StringLiteral():
            raise QueryError("the query answers with a string, not a number")


def children(node: promql.Expr) -> Sequence[promql.Expr]:
    """The parts of a node, in the order of the text; none for a selector."""
    match node:
        case promql.Call():
            return node.args
        case promql.BinaryExpr():
            return (node.lhs, node.rhs)
        case promql.AggregateExpr():
            return (node.expr,) if node.param is None else (node.expr, node.param)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return (node.expr,)
    return ()


def render(selector: promql.VectorSelector, strings: Mapping[str, str]) -> str:
    """A selector as PromQL, with the user's own strings in it.

    Raises:
        QueryError: It is no PromQL.
    """
    if selector.matchers.or_matchers:
        raise QueryError("`or` between labels is not PromQL: use a regular expression, or `or` between two queries")
    matchers = (
        f"{strings.get(matcher.name, matcher.name)}{_MATCHERS[str(matcher.op)]}{strings[matcher.value]}"
        for matcher in selector.matchers.matchers
    )
    return f"{selector.name or ''}{{{','.join(matchers)}}}"


def alerts(selector: str) -> bool:
    """Whether a selector, as it is rendered, takes the series of alerts, by their name or by `__name__`."""
    return _ALERTS.match(selector) is not None


def shape(tree: promql.Expr, strings: Mapping[str, str]) -> Shape:
    """When the query has an answer.

    Raises:
        QueryError: A selector is no PromQL.
    """
    node = _bare(tree)
    match node:
        case promql.MatrixSelector():
            return shape(node.vector_selector, strings)
        case promql.VectorSelector():
            return Shape(selects=True, alerts=alerts(render(node, strings)))
    return Shape.of(_does(node), [shape(child, strings) for child in children(node)])


def _does(node: promql.Expr) -> str:
    match node:
        case promql.Call():
            return str(node.func.name)
        case promql.BinaryExpr():
            return BOOL if node.modifier and node.modifier.return_bool else str(node.op)
    return ""


def loses_le(tree: promql.Expr, strings: Mapping[str, str]) -> bool:
    """Whether a quantile is taken over buckets that have been thrown together."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, promql.Call) and node.func.name in _OVER_BUCKETS and _lacks_le(node.args[-1], strings):
            return True
        pending.extend(children(node))
    return False


def _lacks_le(tree: promql.Expr, strings: Mapping[str, str]) -> bool:
    """Whether what a tree answers with has lost the label `le`, or never had it, as a number has not."""
    pending = [tree]
    while pending:
        node = _bare(pending.pop())
        match node:
            case promql.VectorSelector() | promql.MatrixSelector():
                return False
            case promql.AggregateExpr() if str(node.op) in _KEEPING_LABELS or not _drops_le(node):
                pending.append(node.expr)
            case promql.BinaryExpr() if str(node.op) in ("and", "unless"):
                pending.append(node.lhs)
            case promql.Call() if node.func.name in _RELABELLING and _string(node.args[1], strings) == "le":
                return False
            case promql.Call() | promql.BinaryExpr() | promql.SubqueryExpr() if not _is_scalar(node):
                pending.extend(children(node))
    return True


def _is_scalar(node: promql.Expr) -> bool:
    return isinstance(node, promql.Call) and node.func.name == "scalar"


def _drops_le(node: promql.AggregateExpr) -> bool:
    if node.modifier is None:
        return True
    without = bool(node.modifier.type == promql.AggModifierType.Without)
    return ("le" in node.modifier.labels) is without


def _string(node: promql.Expr, strings: Mapping[str, str]) -> str:
    """What is in a string, without its quotes."""
    node = _bare(node)
    return strings[node.val][1:-1] if isinstance(node, promql.StringLiteral) else ""


def _bare(tree: promql.Expr) -> promql.Expr:
    """A node without the parentheses and signs around it."""
    while isinstance(tree, promql.ParenExpr | promql.UnaryExpr):
        tree = tree.expr
    return tree
