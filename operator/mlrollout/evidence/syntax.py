"""PromQL as text and as a tree: what is refused in it, and where in time its samples lie."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import promql_parser as promql

# Strings and comments stand before the variable, so that a `$` inside one is left alone.
_TOKEN = re.compile(
    r"""
    (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | (?<!\w)\$(?P<variable>\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"\w+|[^\w\s]")
MAX_WORDS = 500
"""Words and signs in a query. The parser's time grows with their square, and the operator stands still meanwhile."""

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
    bare, strings = _without_strings(text)
    if len(_WORD.findall(bare)) > MAX_WORDS:
        raise QueryError(f"the query has more than {MAX_WORDS} words and signs: put a part into a recording rule")
    try:
        tree = promql.parse(bare)
        _check_answer(tree)
        return tuple(_selections(tree, strings))
    except QueryError:
        raise
    except BaseException as error:
        # The parser's panics are no Exception, and a user's query must not end the operator.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise QueryError(f"the query can't be parsed as PromQL: {error}") from error
        raise


def _without_strings(text: str) -> tuple[str, Mapping[str, str]]:
    """The query with a number for each string, and what the numbers stand for.

    The parser would compile regular expressions, which can take it seconds, and it reads escapes where
    PromQL has none. What is in a string, Prometheus judges.
    """
    strings: dict[str, str] = {}

    def replace(token: re.Match[str]) -> str:
        if token["string"]:
            number = f"${len(strings)}"
            strings[number] = token[0]
            return f'"{number}"'
        return "" if token["comment"] else token[0]

    return _TOKEN.sub(replace, text), strings


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


def _selections(tree: promql.Expr, strings: Mapping[str, str]) -> Iterator[Selection]:
    pending = [(tree, 0.0)]
    while pending:
        node, before = pending.pop()
        match node:
            case promql.VectorSelector():
                yield Selection(_render(node, strings), _moved(node, before))
            case promql.MatrixSelector():
                selector = node.vector_selector
                yield Selection(_render(selector, strings), _moved(selector, before) + _seconds(node.range))
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


def _render(selector: promql.VectorSelector, strings: Mapping[str, str]) -> str:
    """A selector as PromQL, with the user's own strings in it."""
    if selector.matchers.or_matchers:
        raise QueryError("`or` between labels is not PromQL: use a regular expression, or `or` between two queries")
    matchers = (
        f"{strings.get(matcher.name, matcher.name)}{_MATCHERS[str(matcher.op)]}{strings[matcher.value]}"
        for matcher in selector.matchers.matchers
    )
    return f"{selector.name or ''}{{{','.join(matchers)}}}"
