"""What the selectors of a guardrail show of themselves that tests block by block, and what its stages do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import promql_parser as promql

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.rate import RateGuardrail
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail

from .finding import Finding, Level
from .matching import edge, excluded, implied, unquoted
from .tree import SIGNS, Strings, matchers, read, selector, walk

_GROUP = "group"
"""The label by which the SDK tells the groups apart."""
_NAME = "__name__"
"""The label that a metric's name is to Prometheus."""
_EDGE = "le"
"""The label that a bucket's edge is to Prometheus."""
_FAR = 50.0
"""How many times worse nobody tolerates: it is meant in per cent."""
_TREATMENT = (_GROUP, "MatchOp.Equal", '"treatment"')


@dataclass(frozen=True, slots=True)
class SelectorField:
    """A selector and the field where it stands.

    Attributes:
        where: The field.
        name: The metric that it asks for; empty where it names none.
        asks: What it asks of labels.
    """

    where: str
    name: str
    asks: frozenset[tuple[str, str, str]]

    @property
    def written(self) -> list[str]:
        """What it asks of labels, as PromQL."""
        return sorted(_written(one) for one in self.asks)

    @property
    def metric(self) -> str:
        """The metric, also where it is asked for as a label."""
        named = (unquoted(string) for label, op, string in self.asks if (label, op) == (_NAME, "MatchOp.Equal"))
        return self.name or next(named, "")

    @property
    def labels(self) -> frozenset[tuple[str, str, str]]:
        """What it asks of labels beside the metric."""
        return frozenset(one for one in self.asks if one[0] != _NAME)

    @classmethod
    def of(cls, where: str, text: str | None) -> "SelectorField | None":
        """The selector in a field; `None` where there is none that can be read here."""
        found = None if text is None else read(text)
        if found is None or (node := selector(found[0])) is None:
            return None
        return cls(where, node.name or "", matchers(node, found[1]))


def by_selectors(guardrail: Guardrail) -> Iterator[Finding]:
    """What can be said of a guardrail before anything is counted."""
    where = f"guardrails[{guardrail.name}]"
    match guardrail:
        case RateGuardrail():
            rate, of = guardrail.rate, f"{where}.rate"
            yield from _pair(SelectorField.of(f"{of}.bad", rate.bad), SelectorField.of(f"{of}.all", rate.all))
            yield from _buckets(SelectorField.of(f"{of}.histogram", rate.histogram))
        case CompareGuardrail():
            compare, of = guardrail.compare, f"{where}.compare"
            yield from _pair(SelectorField.of(f"{of}.bad", compare.bad), SelectorField.of(f"{of}.all", compare.all))
            yield from _buckets(SelectorField.of(f"{of}.histogram", compare.histogram))
            yield from _mean(SelectorField.of(f"{of}.sum", compare.sum), SelectorField.of(f"{of}.count", compare.count))
            yield from _per_cent(f"{of}.ratio", compare.ratio)
        case BalanceGuardrail():
            users, label = SelectorField.of(f"{where}.balance.users", guardrail.balance.users), guardrail.balance.group
            if users is not None and any(name == label and op == "MatchOp.Equal" for name, op, _ in users.asks):
                message = "it asks for one group alone, and nothing is left to hold it against"
                yield Finding(Level.WARNING, users.where, message, f"leave `{label}` out")


def at_zero(guardrail: Guardrail, spec: Spec) -> Iterator[Finding]:
    """A stage without users, which no guardrail on the treatment's events ever lets go on."""
    for stage in spec.stages:
        if stage.percentage == 0 and guardrail.gates and _needs_users(guardrail):
            message = f"at 0 % nobody has the treatment, so that guardrail {guardrail.name} never passes here"
            yield Finding(Level.WARNING, f"stages[{stage.name}].percentage", message, "begin with 1 % or more")


def _pair(bad: SelectorField | None, every: SelectorField | None) -> Iterator[Finding]:
    """Bad events and all events, of which they have to be a part."""
    if bad is None or every is None:
        return
    nested = _nested(bad, every)
    if nested:
        # A histogram's greater bucket counts what is in the lesser, so that what is asked of `le` parts nothing.
        bad, every = replace(bad, asks=_but_le(bad)), replace(every, asks=_but_le(every), name=bad.name)
    apart = _listed(one for one in every.labels if excluded(one, bad.labels))
    missing = _listed(one for one in every.labels if not implied(one, bad.labels))
    alone = _listed(one for one in bad.labels if one[0] == _GROUP and not implied(one, every.labels))
    if apart:
        message = f"these are no part of `all`, which asks for {apart}: no event is in both"
        yield Finding(
            Level.WARNING, bad.where, message, "give both the same labels, and `bad` that of the outcome beside"
        )
    elif missing:
        message = f"these are no part of `all`, which asks for {missing}: more may be bad than there are"
        yield Finding(Level.WARNING, bad.where, message, f"give `bad` {missing}, too")
    elif bad.metric == every.metric and not nested and all(implied(one, every.labels) for one in bad.labels):
        yield Finding(Level.WARNING, bad.where, "it is the same as `all`: every event is a bad one")
    elif alone:
        message = f"it counts every group, and `bad` {alone} alone: the share is smaller than it is"
        yield Finding(Level.WARNING, every.where, message, f"give `all` {alone}, too")
    elif bad.metric != every.metric and bad.metric and every.metric:
        message = f"{bad.metric} and {every.metric} are two metrics: a bad event has to be counted in both, at once"
        yield Finding(
            Level.ADVICE, bad.where, message, "one metric with a label for the outcome is always of one piece"
        )


def _nested(bad: SelectorField, every: SelectorField) -> bool:
    """Whether these are a bucket of a histogram, and a greater one or its count."""
    edges = [edge(one.asks) for one in (bad, every)]
    if not bad.metric.endswith("_bucket") or edges[0] is None:
        return False
    if every.metric == f"{bad.metric.removesuffix('_bucket')}_count":
        return True
    return every.metric == bad.metric and edges[1] is not None and edges[0] < edges[1]


def _but_le(one: SelectorField) -> frozenset[tuple[str, str, str]]:
    return frozenset(asked for asked in one.asks if asked[0] != _EDGE)


def _buckets(found: SelectorField | None) -> Iterator[Finding]:
    if found is None:
        return
    if any(name == "le" for name, _, _ in found.asks):
        message = "it asks for some buckets alone, but the share needs that of the edge and the one of all (`+Inf`)"
        yield Finding(Level.WARNING, found.where, message, "leave `le` out: `above` names the edge")
    elif found.name and not found.name.endswith("_bucket"):
        message = f"{found.name} does not look like a histogram's buckets"
        stem = found.name.removesuffix("_count").removesuffix("_sum")
        yield Finding(Level.WARNING, found.where, message, f"write {stem}_bucket")


def _mean(total: SelectorField | None, count: SelectorField | None) -> Iterator[Finding]:
    if total is None or count is None:
        return
    same = total.name.removesuffix("_sum") == count.name.removesuffix("_count")
    if not same or total.asks != count.asks:
        selected = (f"{one.name}{{{', '.join(one.written)}}}" if one.asks else one.name for one in (total, count))
        message = f"{' and '.join(selected)} are not sum and count of the same values"
        yield Finding(Level.WARNING, total.where, message, "write x_sum and x_count, with the same labels")


def _per_cent(where: str, ratio: float | None) -> Iterator[Finding]:
    if ratio is not None and ratio >= _FAR:
        message = (
            f"it tolerates that the treatment is {ratio:g} times as bad as the control, and seems to be in per cent"
        )
        yield Finding(Level.WARNING, where, message, f"for {ratio:g} %, write ratio: {max(1.0, ratio / 100):g}")


def _needs_users(guardrail: Guardrail) -> bool:
    """Whether a guardrail has nothing to say without events of the treatment."""
    match guardrail:
        case CompareGuardrail() | BalanceGuardrail():
            return True
        case RateGuardrail():
            fields = (guardrail.rate.all, guardrail.rate.histogram)
            found = (SelectorField.of("", text) for text in fields)
            return any(implied(_TREATMENT, one.asks) for one in found if one is not None)
        case _:
            query = read(guardrail.query) if isinstance(guardrail, ThresholdGuardrail) else None
            return query is not None and any(_divides_treatment(node, query[1]) for node in walk(query[0]))


def _divides_treatment(node: promql.Expr, strings: Strings) -> bool:
    """Whether a node divides by what comes of the treatment alone, which is nothing there."""
    if not isinstance(node, promql.BinaryExpr) or str(node.op) != "/":
        return False
    found = (selector(one) for one in walk(node.rhs))
    return any(one is not None and implied(_TREATMENT, matchers(one, strings)) for one in found)


def _listed(asked: Iterable[tuple[str, str, str]]) -> str:
    return ", ".join(sorted(map(_written, asked)))


def _written(asked: tuple[str, str, str]) -> str:
    return f"{asked[0]}{SIGNS[asked[1]]}{asked[2]}"
