"""What the query of a threshold shows of itself, and what its answer does."""

from collections.abc import Iterator
from itertools import islice

import promql_parser as promql

from mlrollout.api.limits import Limits, listed
from mlrollout.api.threshold import ThresholdGuardrail

from .bounds import ANYTHING, bounds, in_per_cent
from .finding import Finding, Level
from .tree import INCREASES, SIGNS, Strings, bare, is_part, names, read, selector, walk

_PER_CENT = 100.0
_DIGITS = 6
_LONG = 50.0
"""Seconds that nobody waits for an answer; a limit of so many is meant in milliseconds."""
_FAR = 100.0
"""How many times as large as its value a limit is that is meant in another unit."""
_MOMENT = "_timestamp_seconds"
"""The end of a metric that says when something was, and not how long it took."""


def by_query(guardrail: ThresholdGuardrail) -> Iterator[Finding]:
    """What can be said of a guardrail before its query is asked."""
    found = read(guardrail.query)
    if found is None:
        return
    tree, strings = found
    where = f"guardrails[{guardrail.name}]"
    yield from _limits(guardrail, tree, strings, where)
    yield from islice(_unaggregated(tree, strings, f"{where}.query"), 1)
    if guardrail.min_samples is None and any(_is_ratio(node) for node in walk(tree)):
        yield Finding(
            Level.WARNING,
            f"{where}.minSamples",
            "a ratio of counters without minSamples: of few requests, chance alone puts it outside any limit, and a "
            "good model is taken back",
            "give minSamples"
            if any(name.endswith("_sum") for name in names(tree))
            else "give minSamples, or write it as `rate`, which needs none",
        )
    yield from _quantiles(guardrail, tree, strings, f"{where}.query")


def by_answer(guardrail: ThresholdGuardrail, value: float) -> Iterator[Finding]:
    """What an answer shows of a guardrail that the query alone did not.

    Asked at every look: the query, which takes its time to read, is read only where the numbers are suspect.
    """
    low, high = guardrail.min, guardrail.max
    per_cent = low is not None and 0 < low <= 1 < value <= _PER_CENT
    share = high is not None and 1 < high <= _PER_CENT and 0 <= value <= 1
    milliseconds = high is not None and high >= _LONG and 0 < value <= high / _FAR
    found = read(guardrail.query) if per_cent or share or milliseconds else None
    if found is None:
        return
    tree, strings = found
    where, shown = f"guardrails[{guardrail.name}]", f"value {value:.4g} against limit"
    if low is not None and per_cent and (_is_share(tree) or _is_per_cent(tree, strings)):
        yield Finding(
            Level.WARNING,
            f"{where}.min",
            f"{shown} {low:g}: the query seems to answer in per cent, and the limit to be a share",
            f"write min: {low * _PER_CENT:.{_DIGITS}g}",
        )
    if high is not None and share and _is_share(tree):
        message = f"{shown} {high:g}: the query seems to answer with a share, and the limit to be in per cent"
        yield Finding(Level.WARNING, f"{where}.max", message, f"write max: {high / _PER_CENT:.{_DIGITS}g}")
    if high is not None and milliseconds and _in_seconds(tree):
        yield Finding(
            Level.WARNING,
            f"{where}.max",
            f"{shown} {high:g}: the query answers in seconds, and the limit seems to be in milliseconds",
            f"write max: {high / 1000:.{_DIGITS}g}",
        )


def _limits(guardrail: Limits, tree: promql.Expr, strings: Strings, where: str) -> Iterator[Finding]:
    """Limits that no value, or every value, is outside of."""
    possible, low, high = bounds(tree, strings), guardrail.min, guardrail.max
    between = f"the query answers with numbers from {possible.low:g} to {possible.high:g}"
    limits = listed(guardrail, digits=_DIGITS)
    if possible.within(low, high):
        share = high is not None and possible.high == 1 < high <= _PER_CENT
        remedy = f"for {high:g} %, write max: {high / _PER_CENT:.{_DIGITS}g}" if high is not None and share else ""
        message = f"it can never be breached: {between}, all of them within {limits}"
        yield Finding(Level.WARNING, f"{where}.{'min' if high is None else 'max'}", message, remedy)
    elif possible.high == _PER_CENT and possible.low == 0:
        for name, limit in (("min", low), ("max", high)):
            if limit is not None and 0 < limit <= 1:
                message = f"{between}, per cent, and the limit {limit:g} seems to be a share"
                remedy = f"write {name}: {limit * _PER_CENT:.{_DIGITS}g}"
                yield Finding(Level.WARNING, f"{where}.{name}", message, remedy)
    elif low is not None and 0 < low < 1 and _is_per_cent(tree, strings):
        message = f"the query is multiplied by {_PER_CENT:g}, per cent, and the limit {low:g} seems to be a share"
        yield Finding(Level.WARNING, f"{where}.min", message, f"write min: {low * _PER_CENT:.{_DIGITS}g}")
    elif (low is not None and possible.high < low) or (high is not None and possible.low > high):
        name = "min" if low is not None and possible.high < low else "max"
        message = f"it can never pass: {between}, none of them within {limits}"
        yield Finding(Level.WARNING, f"{where}.{name}", message)


def _unaggregated(tree: promql.Expr, strings: Strings, where: str) -> Iterator[Finding]:
    """Divisions that pair series by all of their labels."""
    for node in walk(tree):
        if not isinstance(node, promql.BinaryExpr) or not _is_division(node) or node.modifier is not None:
            continue
        left, right = bare(node.lhs), bare(node.rhs)
        if not (_is_series(left) and _is_series(right)):
            continue
        if is_part(left, right, strings):
            message = "each series is divided by itself, which is 1 whatever happens: only the same labels meet"
        else:
            message = "only series that have all labels in common are divided, and there may be none, or several"
        yield Finding(Level.WARNING, where, message, "write sum(…) / sum(…)")


def _quantiles(guardrail: ThresholdGuardrail, tree: promql.Expr, strings: Strings, where: str) -> Iterator[Finding]:
    """Quantiles, which jump with few requests."""
    for node in walk(tree):
        if not (isinstance(node, promql.Call) and node.func.name == "histogram_quantile"):
            continue
        inside = (selector(one) for one in walk(node.args[-1]))
        buckets = next((one for one in inside if one is not None), None)
        if buckets is None or guardrail.max is None:
            continue
        quantile = node.args[0]
        share = 1 - quantile.val if isinstance(quantile, promql.NumberLiteral) and 0 < quantile.val < 1 else 0.05
        asked = ",".join(_matcher(one, strings) for one in buckets.matchers.matchers)
        series = f"{buckets.name or ''}{{{asked}}}" if asked else buckets.name
        yield Finding(
            Level.ADVICE,
            where,
            "a quantile jumps where requests are few, and is only as exact as its buckets",
            f"ask how many lie above an edge of them: rate: {{histogram: '{series}', above: \"{guardrail.max:g}\", "
            f"max: {share:.{_DIGITS}g}}}",
        )


def _matcher(one: promql.Matcher, strings: Strings) -> str:
    return f"{one.name}{SIGNS[str(one.op)]}{strings[one.value]}"


def _is_division(node: promql.Expr) -> bool:
    return isinstance(node, promql.BinaryExpr) and str(node.op) == "/"


def _is_share(tree: promql.Expr) -> bool:
    """Whether a query looks like so many of all: there is a division in it."""
    return any(_is_division(node) for node in walk(tree))


def _is_per_cent(tree: promql.Expr, strings: Strings) -> bool:
    """Whether a query looks like a share that was multiplied by a hundred, and not like a count."""
    return in_per_cent(tree) and bounds(tree, strings) == ANYTHING


def _in_seconds(tree: promql.Expr) -> bool:
    """Whether a query answers how long something takes, by the names in it."""
    asked = names(tree)
    return any("_seconds" in name for name in asked) and not any(name.endswith(_MOMENT) for name in asked)


def _is_series(node: promql.Expr) -> bool:
    """Whether a side of an operator is one answer for each series."""
    if isinstance(node, promql.Call):
        return any(selector(one) is not None for one in node.args)
    return isinstance(node, promql.VectorSelector)


def _is_ratio(node: promql.Expr) -> bool:
    """Whether a node divides what was counted by what was counted."""
    if isinstance(node, promql.BinaryExpr) and _is_division(node):
        return _increases(node.lhs) and _increases(node.rhs)
    return False


def _increases(node: promql.Expr) -> bool:
    return any(isinstance(one, promql.Call) and one.func.name in INCREASES for one in walk(node))
