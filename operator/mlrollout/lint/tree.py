"""A query's tree, as far as a lint looks into it."""

from collections.abc import Iterator, Mapping

import promql_parser as promql

from mlrollout.evidence.promql.query import SHORTEST, QueryError
from mlrollout.evidence.promql.syntax import UnreadableError, children, parse
from mlrollout.evidence.promql.text import set_window, without_strings

INCREASES = frozenset({"rate", "increase", "irate"})
"""Functions of a counter that are never below zero."""

SIGNS: Mapping[str, str] = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
"""How the parser's names of what is asked of a label are written."""

Strings = Mapping[str, str]
"""What the numbers stand for that the parser is given in the place of strings."""


def read(text: str) -> tuple[promql.Expr, Strings] | None:
    """The tree of a query and its strings; `None` where it can't be read here."""
    try:
        bare, strings = without_strings(set_window(text, f"{SHORTEST:.0f}s"))
        return parse(bare), strings
    except (QueryError, UnreadableError):
        return None


def bare(node: promql.Expr) -> promql.Expr:
    """A node without the parentheses around it."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def walk(node: promql.Expr) -> Iterator[promql.Expr]:
    """A node and everything in it."""
    yield node
    for child in children(node):
        yield from walk(child)


def selector(node: promql.Expr) -> promql.VectorSelector | None:
    """The selector that a node is, with or without a range."""
    if isinstance(node, promql.MatrixSelector):
        return node.vector_selector
    return node if isinstance(node, promql.VectorSelector) else None


def names(tree: promql.Expr) -> frozenset[str]:
    """The metrics that are asked about."""
    found = (selector(node) for node in walk(tree))
    return frozenset(one.name for one in found if one is not None and one.name)


def is_part(part: promql.Expr, whole: promql.Expr, strings: Strings) -> bool:
    """Whether one side asks for some of the series that the other asks for, in the same way."""
    part, whole = _without_fallback(bare(part)), bare(whole)
    match part, whole:
        case promql.AggregateExpr(), promql.AggregateExpr():
            same = str(part.op) == str(whole.op) and str(part.modifier or "") == str(whole.modifier or "")
            return same and is_part(part.expr, whole.expr, strings)
        case promql.Call(), promql.Call():
            same = part.func.name == whole.func.name and len(part.args) == len(whole.args) == 1
            return same and is_part(part.args[0], whole.args[0], strings)
        case promql.MatrixSelector(), promql.MatrixSelector():
            return part.range == whole.range and is_part(part.vector_selector, whole.vector_selector, strings)
        case promql.VectorSelector(), promql.VectorSelector():
            same = part.name == whole.name and part.offset == whole.offset and bool(part.name)
            return same and matchers(part, strings) >= matchers(whole, strings)
    return False


def matchers(node: promql.VectorSelector, strings: Strings) -> frozenset[tuple[str, str, str]]:
    """What a selector asks of labels."""
    return frozenset((one.name, str(one.op), strings[one.value]) for one in node.matchers.matchers)


def _without_fallback(node: promql.Expr) -> promql.Expr:
    """What stands before `or vector(0)`."""
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "or":
        fallback = bare(node.rhs)
        if isinstance(fallback, promql.Call) and fallback.func.name == "vector":
            number = fallback.args[0]
            return bare(node.lhs) if isinstance(number, promql.NumberLiteral) and number.val == 0 else node
    return node
