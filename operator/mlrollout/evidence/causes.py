"""Why there is no evidence, in words that say what to do."""

from collections.abc import Sequence

from mlrollout.api import duration
from mlrollout.api.guardrail import Guardrail

from . import wording
from .presence import Life, Need, NeedStatus

_SHOWN = 120
"""Characters of a selector that a message shows."""


def lacking(found: Sequence[NeedStatus], guardrail: Guardrail, stood: float) -> str:
    """The series that an answer should stand on and does not; empty where it stands on all of them.

    That some series of a selector ended is no loss: pods come and go. That none is left is one.

    Args:
        found: How it stands with what was asked about.
        guardrail: What is looked at.
        stood: For how many seconds the percentage in force has stood.
    """
    # First what nothing stands in for: the rest may follow from it.
    for one in sorted(found, key=lambda one: (one.need.where, one.need.replaceable)):
        if one.life is Life.FRESH:
            cause = _short(one, guardrail, stood) if one.need.replaceable and one.too_short else ""
        elif one.life is Life.NEVER and one.need.replaceable and _company(one, found):
            cause = ""
        else:
            cause = _cause(one, guardrail, stood)
        if cause:
            return f"{one.need.where}: {cause}" if one.need.where else cause
    return ""


def empty(found: Sequence[NeedStatus], guardrail: Guardrail, stood: float, *, loses_le: bool) -> str:
    """Why a query has no answer although every series that it asks about lives."""
    short = next((one for one in found if one.too_short), None)
    if short is not None:
        return f"the query has no answer: {_short(short, guardrail, stood)}"
    if loses_le:
        return (
            "the query has no answer: a quantile is taken over buckets without their label `le`; "
            "write `sum by (le) (…)` inside it"
        )
    return (
        "the query has no answer, though its series live: at the time that it looks back to they had no sample yet, "
        "the sides of an operator have no labels in common (write sum(…) on both, or `on (…)`), or a condition in it "
        "does not hold"
    )


def _company(one: NeedStatus, found: Sequence[NeedStatus]) -> bool:
    """Whether something else in the same query lives, so that the whole of it is not about nothing."""
    return any(other.life is Life.FRESH for other in found if other.need.where == one.need.where)


def _cause(one: NeedStatus, guardrail: Guardrail, stood: float) -> str:
    series, need = _named(one.need), one.need
    match one.life:
        case Life.OLD:
            return (
                f"the newest sample of {series} was taken {wording.ago(one.age, need.within)}: is its target scraped?"
            )
        case Life.SPARSE:
            if _young(need.within, guardrail, stood):
                return f"the stage began {duration.rough(stood)} ago, and there is no sample of {series} since: wait"
            return f"{series} has fewer samples than one in {duration.rough(need.within)}: read it over a longer range"
        case Life.NEVER:
            return f"{series} has no sample, as far back as this guardrail looks: {_never(need)}"
    if need.now:
        return f"{series} has gone silent: its targets are gone, or no longer export it"
    return f"{series} has had no sample for {duration.render(need.within)}: is its target scraped?"


def _never(need: Need) -> str:
    if need.passing:
        return "so that nothing shows that it is evaluated; end the query with `and on() count(…)` of what it looks at"
    check = "check its name and labels, and that its target is scraped"
    if need.optional:
        return (
            f"{check}; what the query says where it is missing counts only beside a series that lives: "
            "export it at 0 from the start, or divide by one that always exists"
        )
    return check


def _short(one: NeedStatus, guardrail: Guardrail, stood: float) -> str:
    """That a range holds fewer than two samples."""
    series, need = _named(one.need), one.need
    if _young(need.width, guardrail, stood):
        began = f"the stage began {duration.rough(stood)} ago"
        return f"{began}, and {need.function} needs two samples of {series} since: wait"
    return (
        f"{need.function} needs two samples of {series}, and {duration.rough(need.width)} hold fewer: "
        "make the range, or the window, at least twice the interval at which it is scraped"
    )


def _young(seconds: float, guardrail: Guardrail, stood: float) -> bool:
    """Whether a range is short only because `$window` has not grown yet."""
    return stood < guardrail.window and seconds <= max(1.0, stood)


def _named(need: Need) -> str:
    text = need.selector.removesuffix("{}") or need.selector
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"
