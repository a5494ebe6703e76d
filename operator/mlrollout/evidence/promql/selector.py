"""A selector of counters: PromQL that names series and does nothing to them."""

import promql_parser as promql

from . import syntax
from .text import QueryError, without_strings

_EXAMPLE = 'a selector alone, such as `errors_total{group="treatment"}`'
_RANGE = "the range is set by the operator"


def selector(text: str) -> str:
    """The selector in a text, as PromQL to which a range can be added.

    Raises:
        QueryError: There is more in it than a selector, or it is no PromQL; the text says what to write instead.
    """
    bare, strings = without_strings(text)
    try:
        tree = syntax.parse(bare)
    except syntax.UnreadableError as error:
        raise QueryError(f"it can't be read ({error}): write {_EXAMPLE}") from error
    match tree:
        case promql.VectorSelector(offset=None, at=None):
            return syntax.render(tree, strings)
        case promql.VectorSelector():
            raise QueryError(f"it has an offset or `@`, but what counts is now: write {_EXAMPLE}")
        case promql.MatrixSelector():
            raise QueryError(f"it has a range, but {_RANGE}: write {_EXAMPLE}")
        case promql.Call():
            raise QueryError(f"it has a function in it (`{tree.func.name}`), but samples are counted: write {_EXAMPLE}")
        case promql.AggregateExpr():
            raise QueryError(f"it is added up (`{tree.op}`), which hides restarts of counters: write {_EXAMPLE}")
    raise QueryError(f"it is more than a selector: write {_EXAMPLE}")


def pinned(text: str) -> frozenset[str]:
    """The labels of which a selector takes one value alone."""
    tree = syntax.parse(without_strings(text)[0])
    found = tree.matchers.matchers if isinstance(tree, promql.VectorSelector) else ()
    return frozenset(matcher.name for matcher in found if str(matcher.op) == "MatchOp.Equal")
