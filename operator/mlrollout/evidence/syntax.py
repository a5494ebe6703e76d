"""PromQL as text and as a tree: what is refused in it, and where in time its samples lie."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import promql_parser as promql

# Strings and comments stand before the variable, so that a `$` inside one is left alone.
_TOKEN = re.compile(
    r"""
    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | \#[^\n]*
    | `(?P<raw>[^`]*)`
    | (?<!\w)\$(?P<variable>\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_KEEP_THE_LEFT = frozenset({"and", "unless"})
_MATCHERS = MappingProxyType(
    {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
)


class QueryError(ValueError):
    """The query can't be evidence; the text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Where a query takes raw samples from.

    Attributes:
        selector: The series, as PromQL without range and offset.
        begins: How many seconds before the evaluation the samples begin; negative for the future.
    """

    selector: str
    begins: float


def set_window(text: str, value: str) -> str:
    """The text with each `$window` outside strings and comments replaced.

    Raises:
        QueryError: It holds another variable.
    """

    def replace(token: re.Match[str]) -> str:
        if token["variable"] not in (None, "window"):
            raise QueryError(f"`{token[0]}` is not known here: only `$window` stands for something, a duration")
        return token[0] if token["variable"] is None else value

    return _TOKEN.sub(replace, text)


def read(text: str) -> tuple[Selection, ...]:
    """Check a query, and tell where its samples come from.

    Raises:
        QueryError: It can't be parsed, or can't be evidence.
    """
    try:
        tree = promql.parse(_without_raw_strings(text))
        _check_answer(tree)
        return tuple(_selections(tree))
    except QueryError:
        raise
    except BaseException as error:
        # The parser's panics are no Exception, and a user's query must not end the operator.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise QueryError(f"the query can't be parsed as PromQL: {error}") from error
        raise


def _without_raw_strings(text: str) -> str:
    """The same query, for a parser that wrongly reads escapes in them."""
    return _TOKEN.sub(lambda token: token[0] if token["raw"] is None else _quote(token["raw"]), text)


def _quote(string: str) -> str:
    return json.dumps(string, ensure_ascii=False)


def _check_answer(tree: promql.Expr) -> None:
    match _deciding(tree):
        case promql.MatrixSelector() | promql.SubqueryExpr():
            raise QueryError(
                "the query answers with a range, not a number: wrap it, for example in rate or avg_over_time"
            )
        case promql.StringLiteral():
            raise QueryError("the query answers with a string, not a number")
        case promql.BinaryExpr(op=op, modifier=modifier) if str(op) in _COMPARISONS and not (
            modifier and modifier.return_bool
        ):
            raise QueryError(
                f"the query answers only while its comparison `{op}` holds, so no answer could mean healthy or broken: "
                f"leave the comparison out and give the limit as max or min, or write `{op} bool`"
            )


def _deciding(tree: promql.Expr) -> promql.Expr:
    """The part whose values, or whose lack of values, are the query's own."""
    node = tree
    while True:
        match node:
            case promql.ParenExpr() | promql.UnaryExpr():
                node = node.expr
            case promql.BinaryExpr() if str(node.op) in _KEEP_THE_LEFT:
                node = node.lhs
            case _:
                return node


def _selections(tree: promql.Expr) -> Iterator[Selection]:
    # A stack, not recursion: a query may nest deeper than Python does.
    pending = [(tree, 0.0)]
    while pending:
        node, before = pending.pop()
        match node:
            case promql.VectorSelector():
                yield Selection(_render(node), _moved(node, before))
            case promql.MatrixSelector():
                selector = node.vector_selector
                yield Selection(_render(selector), _moved(selector, before) + _seconds(node.range))
            case promql.SubqueryExpr():
                pending.append((node.expr, _moved(node, before) + _seconds(node.range)))
            case _:
                pending.extend((child, before) for child in _children(node))


def _children(node: promql.Expr) -> Sequence[promql.Expr]:
    match node:
        case promql.Call():
            return node.args
        case promql.BinaryExpr():
            return (node.lhs, node.rhs)
        case promql.AggregateExpr():
            return (node.expr,) if node.param is None else (node.expr, node.param)
        case promql.ParenExpr() | promql.UnaryExpr():
            return (node.expr,)
    return ()


def _moved(node: promql.VectorSelector | promql.SubqueryExpr, before: float) -> float:
    """How many seconds before the evaluation a node looks, if its surroundings look `before` seconds back."""
    if node.at is not None:
        if node.at.type == promql.AtModifierType.At:
            raise QueryError("`@` with a fixed time is not evidence about now: remove it")
        before = 0.0  # `start()` and `end()` of an instant query are its evaluation
    return before + _seconds(node.offset)


def _seconds(span: timedelta | None) -> float:
    return 0.0 if span is None else span.total_seconds()


def _render(selector: promql.VectorSelector) -> str:
    """A selector as PromQL; the parser's own text has no escapes."""
    if selector.matchers.or_matchers:
        raise QueryError("`or` between labels is not PromQL: use a regular expression, or `or` between two queries")
    matchers = (
        f"{_label(matcher.name)}{_MATCHERS[str(matcher.op)]}{_quote(matcher.value)}"
        for matcher in selector.matchers.matchers
    )
    return f"{selector.name or ''}{{{','.join(matchers)}}}"


def _label(name: str) -> str:
    return name if _PLAIN_LABEL.fullmatch(name) else _quote(name)
