"""Guardrails of every kind that the API server must accept, and such that it must refuse."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from mlrollout.api.kinds import KINDS

from tests.support.sample import (
    ABOVE,
    ABSENT,
    BALANCE,
    COMPARE,
    GUARDRAILS,
    MEANS,
    MINIMAL,
    RATE,
    SAMPLES,
    STAGE,
    Sample,
    choices,
    durations,
    guardrails,
    missing,
    names,
    numbers,
    required,
    texts,
)


def guardrail_samples() -> Iterator[Sample]:
    path = "spec.guardrails"
    first = f"{path}[0]"
    yield Sample(path, guardrails(32))
    yield Sample(path, [], "spec.guardrails in body should have at least 1 items")
    yield Sample(path, guardrails(33), "spec.guardrails: Too many: 33: must have at most 32 items")
    yield Sample(path, guardrails(1) * 2, 'spec.guardrails[1]: Duplicate value: {"name":"g0"}')
    yield from required(path)
    yield from required(f"{first}.name")
    yield from names(f"{first}.name")
    yield from texts(f"{first}.query", shortest=1, longest=4096)
    yield from choices(f"{first}.action", "Rollback", "Hold", "Alert")
    yield from _kinds(first)
    yield from _limits(first)
    yield from durations(f"{first}.interval", "250ms", "1h", "249ms", "1h1ms")
    yield from durations(f"{first}.deadline", "50ms", "1m", "49ms", "1m1ms")
    yield from durations(f"{first}.window", "1s", "720h", "999ms", "720h1ms")
    yield from durations(f"{first}.maxAge", "250ms", "720h", "249ms", "720h1ms")
    yield from missing(f"{first}.onNoData")
    yield from missing(f"{first}.onError")
    yield from _looks(first)
    yield from _rate(first)
    yield from _compare(first)
    yield from _balance(first)


def _edge(path: str) -> Iterator[Sample]:
    for edge in ("2", "0.25", "1e3", "1.0", "1" * 32):
        yield Sample(path, edge)
    yield Sample(path, "1" * 33, f"{path}: Too long: may not be more than 32 bytes")
    for edge in ("2s", "-1", "+Inf", ""):
        yield Sample(path, edge, f"{path} in body should match '^[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$'")


def _rate(first: str) -> Iterator[Sample]:
    rate = f"{first}.rate"
    for part in ("bad", "all", "histogram"):
        yield from texts(f"{rate}.{part}", shortest=1, longest=4096)
    yield from _edge(f"{rate}.above")
    form = f'{rate}: Invalid value: "object": rate needs either bad and all, or histogram and above'
    for lacking in ("bad", "all", "histogram", "above"):
        yield Sample(f"{rate}.{lacking}", ABSENT, form)
    yield Sample(first, {**RATE, "rate": {**RATE["rate"], **ABOVE}}, form)
    yield Sample(first, {"name": "errors", "rate": {"max": 0.05}}, form)
    yield from required(f"{rate}.max")
    yield Sample(f"{rate}.max", "5%", f"{rate}.max in body must be of type number")
    for share in (0.001, 0.999):
        yield Sample(f"{rate}.max", share)
        yield Sample(f"{first}.falseAlarm", share)
    percent = "max is a share between 0 and 1, neither of them, and no per cent: 0.05 for 5 %"
    chance = "falseAlarm is a chance between 0 and 1, neither of them: 0.01 for one attempt in a hundred"
    for no_share in (0, 1, 5, -0.05):
        yield Sample(f"{rate}.max", no_share, percent)
        yield Sample(f"{first}.falseAlarm", no_share, chance)
    yield Sample(f"{first}.falseAlarm", "1%", f"{first}.falseAlarm in body must be of type number")
    counted = "minSamples has nothing but a count here: the guardrail counts its events itself"
    for field, value in (("query", "up"), ("holdsBack", "Both"), ("onTooFew", {})):
        yield Sample(first, RATE | {"minSamples": {"count": 1, field: value}}, counted)
    yield Sample(first, RATE | {"window": "300s", "breachAfter": {"failures": 1, "of": 1}})
    for window in ("5m1ms", "1d"):
        yield Sample(
            first, RATE | {"window": window}, "window means nothing here: all of the attempt counts, beside rate"
        )
    several = "breachAfter means nothing here: a breach is one by all that was seen, not by single looks, beside rate"
    yield Sample(first, RATE | {"breachAfter": {"failures": 1, "of": 2}}, several)


def _compare(first: str) -> Iterator[Sample]:
    path, shares = f"{first}.compare", COMPARE["compare"]
    for part in ("bad", "all", "histogram", "sum", "count"):
        yield from texts(f"{path}.{part}", shortest=1, longest=4096)
    form = (
        f'{path}: Invalid value: "object": compare needs either bad and all, or histogram and above, or sum and count'
    )
    for lacking in ("bad", "all", "histogram", "above", "sum", "count"):
        yield Sample(f"{path}.{lacking}", ABSENT, form)
    yield Sample(path, {"ratio": 1.5}, form)
    yield Sample(path, shares | {"sum": "score_sum", "count": "score_count"}, form)
    yield from _edge(f"{path}.above")
    for label in ("group", "_", "a" * 128):
        yield Sample(f"{path}.group", label)
    for label in ("", "my group", "a-b"):
        yield Sample(f"{path}.group", label, f"{path}.group in body should match '^[a-zA-Z_][a-zA-Z0-9_]*$'")
    yield Sample(f"{path}.group", "a" * 129, f"{path}.group: Too long: may not be more than 128 bytes")
    yield from _tolerated(path, shares)
    yield from choices(f"{path}.worse", "Higher", "Lower")
    alone = "worse means something for a mean alone: of bad events, more are worse"
    yield Sample(path, shares | {"worse": "Lower"}, alone)
    counted = "minSamples has nothing but a count here: the guardrail counts its events itself"
    yield Sample(first, COMPARE | {"minSamples": SAMPLES}, counted)
    yield Sample(
        first, COMPARE | {"window": "1h"}, "window means nothing here: all of the attempt counts, beside compare"
    )
    several = (
        "breachAfter means nothing here: a breach is one by all that was seen, not by single looks, beside compare"
    )
    yield Sample(first, COMPARE | {"breachAfter": {"failures": 2, "of": 3}}, several)
    proof = [STAGE | {"require": [{"guardrail": "worse", "proven": "Safe"}], "early": {"after": "1h"}}]
    yield Sample("spec", MINIMAL["spec"] | {"guardrails": [COMPARE], "stages": proof})


def _tolerated(path: str, shares: dict[str, Any]) -> Iterator[Sample]:
    form = {"bad": shares["bad"], "all": shares["all"]}
    either = "compare needs what is tolerated: either ratio or difference"
    yield Sample(path, form, either)
    yield Sample(path, form | {"ratio": 1.5, "difference": 0.02}, either)
    for ratio in (1.0, 1000.0):
        yield Sample(f"{path}.ratio", ratio)
    for ratio in (0.99, 0.0, -1.0, 1001.0):
        yield Sample(
            f"{path}.ratio",
            ratio,
            "ratio says how many times worse is tolerated, from 1 to 1000: 1.5 for half as much again",
        )
    yield Sample(f"{path}.ratio", "2x", f"{path}.ratio in body must be of type number")
    for difference in (0.001, 0.999):
        yield Sample(path, form | {"difference": difference})
    percent = "difference is a share between 0 and 1, neither of them, and no per cent: 0.05 for 5 %"
    for difference in (1.0, 2.0):
        yield Sample(path, form | {"difference": difference}, percent)
    nothing = "difference says how much worse is tolerated: a number above 0"
    for difference in (0.0, -0.02):
        yield Sample(path, form | {"difference": difference}, nothing)
        yield Sample(path, MEANS | {"difference": difference}, nothing)
    yield Sample(path, MEANS)
    yield Sample(path, form | {"difference": "2%"}, f"{path}.difference in body must be of type number")
    yield Sample(f"{path}.max", 0.1)
    yield Sample(f"{path}.max", 5, "max is a share between 0 and 1, neither of them, and no per cent: 0.05 for 5 %")
    yield Sample(f"{path}.max", "5%", f"{path}.max in body must be of type number")
    yield Sample(path, MEANS | {"max": 0.1}, "max is a share of bad events: a mean has none")


def _balance(first: str) -> Iterator[Sample]:
    path = f"{first}.balance"
    yield from texts(f"{path}.users", shortest=1, longest=4096)
    yield from required(f"{path}.users")
    yield Sample(f"{path}.group", "arm")
    yield Sample(f"{path}.group", "a" * 128)
    yield Sample(f"{path}.group", "a b", f"{path}.group in body should match '^[a-zA-Z_][a-zA-Z0-9_]*$'")
    yield Sample(f"{path}.group", "a" * 129, f"{path}.group: Too long: may not be more than 128 bytes")
    for action in ("Rollback", "Hold", "Alert"):
        yield Sample(first, BALANCE | {"action": action})
    counted = "minSamples has nothing but a count here: the guardrail counts its events itself"
    yield Sample(first, BALANCE | {"minSamples": SAMPLES}, counted)
    every = "window means nothing here: all of the attempt counts, beside balance"
    yield Sample(first, BALANCE | {"window": "1h"}, every)
    several = (
        "breachAfter means nothing here: a breach is one by all that was seen, not by single looks, beside balance"
    )
    yield Sample(first, BALANCE | {"breachAfter": {"failures": 2, "of": 3}}, several)
    unprovable = "proven can be required only of a guardrail that tests at every look, not of one with query or balance"
    proof = [STAGE | {"require": [{"guardrail": "split", "proven": "Safe"}]}]
    yield Sample("spec", MINIMAL["spec"] | {"guardrails": [BALANCE], "stages": proof}, unprovable)
    never = "early needs a guardrail that tests at every look: one with query or balance proves nothing"
    early = [STAGE | {"early": {"after": "1h"}}]
    yield Sample("spec", MINIMAL["spec"] | {"guardrails": [BALANCE], "stages": early}, never)


def _kinds(first: str) -> Iterator[Sample]:
    """A guardrail of each kind, and every field of another kind beside its mark."""
    several = "a guardrail is of one kind: " + " or ".join(kind.MARK for kind in KINDS)
    yield Sample(f"{first}.query", ABSENT, several if len(KINDS) > 1 else f"{first}.query: Required value")
    for kind, other in product(KINDS, KINDS):
        own, foreign = GUARDRAILS[kind.MARK], GUARDRAILS[other.MARK]
        if kind is other:
            yield Sample(first, own)
            continue
        mixed = own | {other.MARK: foreign[other.MARK]}
        yield Sample(first, mixed, several)
        for field in [field for field in foreign if field not in own and field != other.MARK]:
            yield Sample(first, own | {field: foreign[field]}, f"{field} means nothing beside {kind.MARK}")


def _limits(first: str) -> Iterator[Sample]:
    bare = {"name": "errors", "query": "up"}
    crossed = 'Invalid value: "object": min must not be greater than max'
    yield Sample(first, bare | {"min": 5, "max": 5})
    yield Sample(first, bare, f'{first}: Invalid value: "object": a guardrail needs a limit: min, max or both')
    yield Sample(first, bare | {"min": 0.06, "max": 0.05}, f"{first}: {crossed}")
    for limit in ("min", "max"):
        yield Sample(f"{first}.{limit}", "5%", f"{first}.{limit} in body must be of type number")
    yield Sample(first, bare | {"max": 5, "interval": "15s", "maxAge": "15s"})
    stale = "maxAge must not be shorter than the interval, or no evidence would ever be fresh"
    yield Sample(first, bare | {"max": 5, "interval": "15s", "maxAge": "14999ms"}, stale)


def _looks(first: str) -> Iterator[Sample]:
    more = "failures must not be greater than of, the number of looks that they are counted in"
    yield from numbers(f"{first}.breachAfter.failures", 1, 100)
    yield from numbers(f"{first}.breachAfter.of", 1, 100)
    yield Sample(f"{first}.breachAfter", {"failures": 3, "of": 2}, more)
    yield Sample(f"{first}.breachAfter", {"failures": 3}, more)
    yield from numbers(f"{first}.minSamples.count", 1, 1_000_000_000)
    yield from texts(f"{first}.minSamples.query", shortest=1, longest=4096)
    yield from choices(f"{first}.minSamples.holdsBack", "Both", "Pass")
    yield from missing(f"{first}.minSamples.onTooFew")
    yield Sample(f"{first}.minSamples", SAMPLES | {"onTooFew": {}, "holdsBack": "Both"})
    at_once = "onTooFew means nothing where holdsBack is Pass: a bad value is a breach on any number of samples"
    yield Sample(f"{first}.minSamples", SAMPLES | {"onTooFew": {}, "holdsBack": "Pass"}, at_once)
    yield from required(f"{first}.minSamples.count")
    counting = "minSamples needs a query that counts them, beside query"
    yield Sample(f"{first}.minSamples.query", ABSENT, counting)
