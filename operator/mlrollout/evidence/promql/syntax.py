"""PromQL as a tree: what is refused in it."""

from collections.abc import Sequence

import promql_parser as promql

from .text import QueryError

_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_KEEP_THE_LEFT = frozenset({"and", "unless"})
_GUARDED_RIGHT = frozenset({"/", "%"})
ABSENT = frozenset({"absent", "absent_over_time"})
_OVER_BUCKETS = frozenset({"histogram_quantile", "histogram_fraction"})
ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""The series that Prometheus makes of alerts; they exist while an alert is pending or firing."""

_EITHER = "so no answer could mean healthy or broken"


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
    """Refuse a query that can't answer with a number, or answers only when something is wrong.

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
    if why := _only_when_wrong(tree):
        raise QueryError(f"the query answers only while {why}")


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


def alerts(selector: promql.VectorSelector) -> bool:
    """Whether a selector takes the series of alerts."""
    return selector.name in ALERTS


def loses_le(tree: promql.Expr) -> bool:
    """Whether a quantile is taken over buckets that an aggregation has thrown together."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, promql.Call) and node.func.name in _OVER_BUCKETS and _drops_le(_bare(node.args[-1])):
            return True
        pending.extend(children(node))
    return False


def _drops_le(node: promql.Expr) -> bool:
    if not isinstance(node, promql.AggregateExpr):
        return False
    if node.modifier is None:
        return True
    without = bool(node.modifier.type == promql.AggModifierType.Without)
    return ("le" in node.modifier.labels) is without


def _bare(tree: promql.Expr) -> promql.Expr:
    """A node without the parentheses and signs around it."""
    while isinstance(tree, promql.ParenExpr | promql.UnaryExpr):
        tree = tree.expr
    return tree


def _only_when_wrong(node: promql.Expr) -> str:
    """What has to be so for the query to have any answer, and what to write instead; empty if it always has one.

    Such a query never passes, as nothing is no number; or, worse, its silence is taken for health.
    """
    node = _bare(node)
    match node:
        case promql.BinaryExpr():
            return _of_binary(node)
        case promql.Call() if node.func.name in ABSENT:
            return (
                f"the series of `{node.func.name}` are missing, {_EITHER}: write `{node.func.name}(…) or vector(0)`, "
                "with max: 0"
            )
        case promql.MatrixSelector():
            return _of_alerts(node.vector_selector)
        case promql.VectorSelector():
            return _of_alerts(node)
    return next(filter(None, map(_only_when_wrong, children(node))), "")


def _of_binary(node: promql.BinaryExpr) -> str:
    op, left = str(node.op), _only_when_wrong(node.lhs)
    if op == "or":
        return left and _only_when_wrong(node.rhs)
    if op in _KEEP_THE_LEFT:
        return left
    if op in _COMPARISONS and not (node.modifier and node.modifier.return_bool):
        return (
            f"its comparison `{op}` holds, {_EITHER}: leave the comparison out and give the limit as max or min, "
            f"or write `{op} bool`; where nothing left means healthy, write `(…) or vector(0)`"
        )
    # `errors / (requests > 0)` is how people avoid a division by zero: without requests it has no answer, and says so.
    return left or ("" if op in _GUARDED_RIGHT else _only_when_wrong(node.rhs))


def _of_alerts(selector: promql.VectorSelector) -> str:
    if not alerts(selector):
        return ""
    return (
        f"an alert is pending or firing, {_EITHER}: write "
        '`(count(ALERTS{alertname="…",alertstate="firing"}) or vector(0)) and on() count(…)`, with max: 0, where the '
        "last part counts what the alert looks at, and so shows that it lives; better still, ask what the alert asks"
    )
