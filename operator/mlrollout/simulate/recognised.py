"""What the counters in a rollout's guardrails count, as far as their queries say it: errors over requests."""

from collections.abc import Iterable, Iterator, Mapping

import promql_parser as promql

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.promql.text import set_window

from .counters import CounterRole
from .promql import name_of

_ANY = "1m"


def roles(guardrails: Iterable[Guardrail]) -> Mapping[str, CounterRole]:
    """What each selector counts: the one above a ratio's line bad events (good ones, with `min`), the one below all."""
    found: dict[str, CounterRole] = {}
    for guardrail in guardrails:
        if isinstance(guardrail, ThresholdGuardrail):
            for name, role in _of_ratio(guardrail):
                found.setdefault(name, role)
    return found


def _of_ratio(guardrail: ThresholdGuardrail) -> Iterator[tuple[str, CounterRole]]:
    tree = parsed(guardrail.query)
    ratio, flipped = _ratio(tree) if tree is not None else (None, False)
    if ratio is None:
        return
    above, below = list(_counted(ratio.lhs)), list(_counted(ratio.rhs))
    if len(above) != 1 or len(below) != 1 or not _part_of(above[0], below[0]):
        return
    bad = (guardrail.max is not None) is not flipped
    yield name_of(above[0]), CounterRole.BAD if bad else CounterRole.GOOD
    yield name_of(below[0]), CounterRole.ALL


def parsed(query: str) -> promql.Expr | None:
    """A guardrail's query as a tree, with any window; `None` where it can't be read."""
    try:
        return promql.parse(set_window(query, _ANY))
    except BaseException as error:  # the parser's panics are no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return None
        raise


def _ratio(node: promql.Expr) -> tuple[promql.BinaryExpr | None, bool]:
    """The ratio in a query, and whether it is taken from a number: `1 - good / all`."""
    match node:
        case promql.ParenExpr():
            return _ratio(node.expr)
        case promql.BinaryExpr():
            op = str(node.op)
            if op == "/" and not isinstance(node.rhs, promql.NumberLiteral):
                return node, False
            if isinstance(node.lhs, promql.NumberLiteral):
                inner, flipped = _ratio(node.rhs)
                return inner, flipped is not (op == "-")
            if isinstance(node.rhs, promql.NumberLiteral) or op == "or":
                return _ratio(node.lhs)
    return None, False


def _counted(node: promql.Expr) -> Iterator[promql.VectorSelector]:
    """The counters that a side of a ratio reads by `rate` or `increase`."""
    match node:
        case promql.ParenExpr() | promql.AggregateExpr():
            yield from _counted(node.expr)
        case promql.BinaryExpr():
            yield from _counted(node.lhs)
            yield from _counted(node.rhs)
        case promql.Call() if node.func.name in ("rate", "increase"):
            yield from (arg.vector_selector for arg in node.args if isinstance(arg, promql.MatrixSelector))


def _part_of(above: promql.VectorSelector, below: promql.VectorSelector) -> bool:
    """Whether events above the line are some of those below: of the same group, and not a sum over a count."""
    if name_of(above) == name_of(below) or (above.name or "").endswith("_sum"):
        return False
    labels, others = ({one.name: one.value for one in side.matchers.matchers} for side in (above, below))
    return all(labels.get(name, value) == value for name, value in others.items())
