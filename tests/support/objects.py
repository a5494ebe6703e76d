"""Objects that the API server must accept, and such that it must refuse, with what it says."""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from mlrollout.api.duration import PATTERN
from mlrollout.api.kinds import KINDS
from mlrollout.api.notification import Topic

ABSENT: Final = object()
"""A value that takes its field away."""

MINIMAL: dict[str, Any] = {
    "apiVersion": "mlrollout.dev/v1alpha1",
    "kind": "MLRollout",
    "metadata": {"name": "minimal"},
    "spec": {
        "revision": "ranker-1",
        "traffic": {"key": "ml_dispatch:rollout_percentage"},
        "guardrails": [{"name": "errors", "query": "up", "max": 0.05}],
    },
}

REDIS = {"secretRef": {"name": "redis", "key": "url"}}
RECEIVER = {"name": "team", "secretRef": {"name": "slack", "key": "url"}}
REQUIRED = {"guardrail": "errors", "min": 1}
STAGE = {"name": "pilot", "percentage": 10, "duration": "1h"}
SAMPLES = {"count": 1, "query": "up"}
RATE: dict[str, Any] = {"name": "errors", "rate": {"bad": "bad_total", "all": "all_total", "max": 0.05}}
ABOVE = {"histogram": "seconds_bucket", "above": "2", "max": 0.05}
COMPARE: dict[str, Any] = {"name": "worse", "compare": {"bad": "bad_total", "all": "all_total", "ratio": 1.5}}
MEANS = {"sum": "score_sum", "count": "score_count", "worse": "Lower", "difference": 5}
BALANCE: dict[str, Any] = {"name": "split", "balance": {"users": "users_total"}}
# A guardrail of each kind, by the field that marks it, with every field that only some kinds have.
GUARDRAILS: Mapping[str, dict[str, Any]] = {
    "query": {"name": "errors", "query": "up", "min": 0, "max": 1, "minSamples": SAMPLES},
    "rate": RATE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
    "compare": COMPARE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
    "balance": BALANCE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
}
# What must stand there first, for a path to lead anywhere or its ends to be allowed.
_FIRST = {
    "spec.stages[": ("spec.stages", [STAGE | {"require": [REQUIRED]}]),
    "spec.notifications[": ("spec.notifications", [RECEIVER]),
    "spec.notifications[0].topics[": ("spec.notifications[0].topics", ["Alert"]),
    "spec.traffic.redis.": ("spec.traffic.redis", REDIS),
    "spec.guardrails[0].minSamples.": ("spec.guardrails[0].minSamples", SAMPLES),
    "spec.guardrails[0].rate.": ("spec.guardrails[0]", RATE),
    "spec.guardrails[0].rate.histogram": ("spec.guardrails[0].rate", ABOVE),
    "spec.guardrails[0].rate.above": ("spec.guardrails[0].rate", ABOVE),
    "spec.guardrails[0].compare": ("spec.guardrails[0]", COMPARE),
    "spec.guardrails[0].compare.histogram": (
        "spec.guardrails[0].compare",
        {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5},
    ),
    "spec.guardrails[0].compare.above": (
        "spec.guardrails[0].compare",
        {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5},
    ),
    "spec.guardrails[0].compare.sum": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].compare.count": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].compare.worse": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].balance.": ("spec.guardrails[0]", BALANCE),
    "spec.guardrails[0].falseAlarm": ("spec.guardrails[0]", RATE),
    "spec.stages[0].early": ("spec.guardrails", [RATE, {"name": "up", "query": "up", "min": 1}]),
    "spec.stages[0].require[0].proven": ("spec.guardrails", [RATE, {"name": "up", "query": "up", "min": 1}]),
    "spec.guardrails[0].breachAfter.": ("spec.guardrails[0].breachAfter", {"failures": 1, "of": 100}),
    "spec.guardrails[0].interval": ("spec.guardrails[0].maxAge", "720h"),
    "spec.guardrails[0].maxAge": ("spec.guardrails[0].interval", "250ms"),
}


@dataclass(frozen=True)
class Sample:
    """The minimal object with one value changed, and a part of the API server's complaint; empty for none."""

    path: str
    value: Any
    complaint: str = ""

    def __str__(self) -> str:
        return f"{self.path}={str(self.value)[:24]!r}" if self.value is not ABSENT else f"{self.path} left out"

    @property
    def object(self) -> dict[str, Any]:
        """The object with the value in its place."""
        whole = copy.deepcopy(MINIMAL)
        for start, (path, value) in _FIRST.items():
            if self.path.startswith(start):
                _put(whole, path, copy.deepcopy(value))
        _put(whole, self.path, self.value)
        return whole


def steps(path: str) -> list[str | int]:
    """`spec.stages[0].name` as keys and indices."""
    return [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]


def _put(whole: dict[str, Any], path: str, value: object) -> None:
    *way, last = steps(path)
    place: Any = whole
    for step in way:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value


def _stages(*percentages: int) -> list[dict[str, Any]]:
    return [{"name": f"s{place}", "percentage": value, "duration": "1h"} for place, value in enumerate(percentages)]


def _guardrails(count: int) -> list[dict[str, Any]]:
    return [{"name": f"g{number}", "query": "up", "max": 1} for number in range(count)]


def _requiring(guardrails: list[dict[str, Any]]) -> dict[str, Any]:
    """A spec whose only stage requires every one of its guardrails."""
    required = [{"guardrail": guardrail["name"], "min": 0} for guardrail in guardrails]
    return {**MINIMAL["spec"], "guardrails": guardrails, "stages": [STAGE | {"require": required}]}


def _text(path: str, *, shortest: int, longest: int, start: str = "") -> Iterator[Sample]:
    """Both ends of a string's length, and a step beyond each."""
    yield Sample(path, (start + "a" * longest)[:longest])
    yield Sample(
        path, (start + "a" * longest)[:longest] + "a", f"{path}: Too long: may not be more than {longest} bytes"
    )
    if not start:
        yield Sample(path, "a" * shortest)
        yield Sample(path, "", f"{path} in body should be at least {shortest} chars long")


def _name(path: str) -> Iterator[Sample]:
    yield from _text(path, shortest=1, longest=63)
    for bad in ("Pilot", "-pilot", "pilot-", "pi lot"):
        yield Sample(path, bad, f"{path} in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'")


def _number(path: str, low: int, high: int) -> Iterator[Sample]:
    yield Sample(path, low)
    yield Sample(path, high)
    yield Sample(path, low - 1, f"{path} in body should be greater than or equal to {low}")
    yield Sample(path, high + 1, f"{path} in body should be less than or equal to {high}")
    yield Sample(path, str(low), f"{path} in body must be of type integer")
    yield Sample(path, low + 0.5, f"{path} in body must be of type integer")


HINT = "is not a duration: write a number of at most five digits and a unit (ms, s, m, h; or d, w alone), as 30s or 14d"


def _duration(path: str, low: str, high: str, below: str = "", above: str = "") -> Iterator[Sample]:
    yield Sample(path, low)
    yield Sample(path, high)
    yield Sample(path, "00005.000s" + "00000.000s" * 2 + "0s")
    for beyond in filter(None, (below, above)):
        yield Sample(path, beyond, f"must be from {low} to {high}")
    for bad in ("soon", "5", "-5s", "5 s", "1.5d", "1d12h", "10000d", "1000w", "1y", "100000h"):
        yield Sample(path, bad, HINT)
    yield Sample(path, "soon", f"{path} in body should match '{PATTERN}'")
    yield Sample(path, "00000.001ms" * 3, f"{path}: Too long: may not be more than 32 bytes")
    yield Sample(path, 15, f"{path} in body must be of type string")


def _choice(path: str, *words: str) -> Iterator[Sample]:
    supported = ", ".join(f'"{word}"' for word in words)
    for word in words:
        yield Sample(path, word)
    yield Sample(
        path, words[0].lower(), f'{path}: Unsupported value: "{words[0].lower()}": supported values: {supported}'
    )


def _required(path: str) -> Iterator[Sample]:
    yield Sample(path, ABSENT, f"{path}: Required value")


def _missing(path: str) -> Iterator[Sample]:
    yield from _choice(f"{path}.action", "Hold", "Rollback")
    yield from _duration(f"{path}.after", "0s", "720h", above="720h1ms")


def _traffic() -> Iterator[Sample]:
    key = "spec.traffic.key"
    yield from _text(key, shortest=1, longest=256)
    yield Sample(key, "{ml_dispatch}:rollout_percentage")
    yield Sample(key, "two words", f"{key} in body should match '^[!-~]+$'")
    yield Sample(key, "schlüssel", f"{key} in body should match '^[!-~]+$'")
    yield from _required("spec.traffic")
    yield from _required(key)
    yield from _duration("spec.traffic.lease", "5s", "720h", "4999ms", "720h1ms")
    yield from _number("spec.traffic.holdback", 0, 50)
    yield Sample("spec.traffic.redis", {}, "spec.traffic.redis.secretRef: Required value")
    for part in ("name", "key"):
        yield from _text(f"spec.traffic.redis.secretRef.{part}", shortest=1, longest=253)
        yield from _required(f"spec.traffic.redis.secretRef.{part}")


def _notifications() -> Iterator[Sample]:
    path = "spec.notifications"
    many = [{**RECEIVER, "name": f"n{number}"} for number in range(9)]
    yield Sample(path, [])
    yield Sample(path, many[:8])
    yield Sample(path, many, f"{path}: Too many: 9: must have at most 8 items")
    yield Sample(path, [RECEIVER] * 2, f'{path}[1]: Duplicate value: {{"name":"team"}}')
    yield from _required(f"{path}[0].name")
    yield from _name(f"{path}[0].name")
    yield from _required(f"{path}[0].secretRef")
    for part in ("name", "key"):
        yield from _text(f"{path}[0].secretRef.{part}", shortest=1, longest=253)
        yield from _required(f"{path}[0].secretRef.{part}")
    topics = f"{path}[0].topics"
    yield Sample(topics, [str(topic) for topic in Topic])
    yield Sample(topics, [], f"{topics} in body should have at least 1 items")
    yield Sample(topics, ["Alert"] * 9, f"{topics}: Too many: 9: must have at most 8 items")
    yield from _choice(f"{topics}[0]", *Topic)


def _prometheus() -> Iterator[Sample]:
    path = "spec.prometheus.address"
    yield from _text(path, shortest=8, longest=1024, start="http://")
    yield Sample(path, "http://a")
    yield Sample(path, "https://prometheus.monitoring:9090/prefix")
    yield Sample(path, "http://", f"{path} in body should be at least 8 chars long")
    for bad in ("ftp://prometheus", "http://user:password@prometheus", "http://two words", "prometheus:9090"):
        yield Sample(path, bad, f"{path} in body should match '^https?://[^\\s@]+$'")
    yield Sample("spec.prometheus", {}, f"{path}: Required value")


def _stage() -> Iterator[Sample]:
    path = "spec.stages"
    ascending = 'spec.stages: Invalid value: "array": each percentage must be greater than the one before: s0'
    twice = 'spec.stages: Invalid value: "array": each name must stand once: pilot'
    yield Sample(path, _stages(0))
    yield Sample(path, _stages(*range(32)))
    yield Sample(path, [], "spec.stages in body should have at least 1 items")
    yield Sample(path, _stages(*range(33)), "spec.stages: Too many: 33: must have at most 32 items")
    yield Sample(path, _stages(30, 10), ascending)
    yield Sample(path, _stages(10, 10), ascending)
    yield Sample(path, _stages(1, 10, 30, 20), f"{ascending[:-1]}2")
    yield Sample(path, [STAGE, STAGE | {"percentage": 30}], twice)
    for part in ("name", "percentage", "duration"):
        yield from _required(f"spec.stages[0].{part}")
    yield from _name("spec.stages[0].name")
    yield from _number("spec.stages[0].percentage", 0, 100)
    yield from _duration("spec.stages[0].duration", "0s", "8760h", above="8760h1ms")
    for year in ("52w", "365d", "0d"):
        yield Sample("spec.stages[0].duration", year)
    for more in ("53w", "366d"):
        yield Sample("spec.stages[0].duration", more, "must be from 0s to 8760h")
    yield from _choice("spec.stages[0].approval", "Automatic", "Manual")
    yield from _duration("spec.stages[0].early.after", "0s", "8760h", above="8760h1ms")
    yield Sample("spec.stages[0].early", {}, "spec.stages[0].early.after: Required value")
    never = "early needs a guardrail that tests at every look: one with query or balance proves nothing"
    yield Sample("spec.stages", [STAGE | {"early": {"after": "1h"}}], never)


def _requirement() -> Iterator[Sample]:
    path = "spec.stages[0].require"
    yield Sample(path, [])
    yield Sample(path, [REQUIRED])
    yield Sample("spec", _requiring(_guardrails(32)))
    for name in ("a", "a" * 63):
        yield Sample("spec", _requiring([{"name": name, "query": "up", "max": 1}]))
    many = [{"guardrail": f"g{number}", "min": 1} for number in range(33)]
    unknown = "a stage requires a guardrail that is not in spec.guardrails: stage pilot requires erors"
    yield Sample(path, many, f"{path}: Too many: 33: must have at most 32 items")
    yield Sample(path, [REQUIRED, REQUIRED], f'{path}[1]: Duplicate value: {{"guardrail":"errors"}}')
    yield Sample(f"{path}[0].guardrail", "erors", unknown)
    yield from _required(f"{path}[0].guardrail")
    yield from (sample for sample in _name(f"{path}[0].guardrail") if sample.complaint)
    yield Sample(f"{path}[0]", {"guardrail": "errors"}, "a requirement needs a limit (min, max or both) or proven")
    yield from _choice(f"{path}[0].proven", "Safe")
    proof = [STAGE | {"require": [{"guardrail": "errors", "proven": "Safe"}]}]
    yield Sample("spec", MINIMAL["spec"] | {"guardrails": [RATE], "stages": proof})
    unprovable = "proven can be required only of a guardrail that tests at every look, not of one with query or balance"
    yield Sample("spec", MINIMAL["spec"] | {"stages": proof}, unprovable)
    yield Sample(f"{path}[0]", REQUIRED | {"max": 1})
    yield Sample(f"{path}[0]", REQUIRED | {"max": 0.999}, "min must not be greater than max")
    for limit in ("min", "max"):
        yield Sample(f"{path}[0].{limit}", "1%", f"{path}[0].{limit} in body must be of type number")


def _guardrail() -> Iterator[Sample]:
    path = "spec.guardrails"
    first = f"{path}[0]"
    yield Sample(path, _guardrails(32))
    yield Sample(path, [], "spec.guardrails in body should have at least 1 items")
    yield Sample(path, _guardrails(33), "spec.guardrails: Too many: 33: must have at most 32 items")
    yield Sample(path, _guardrails(1) * 2, 'spec.guardrails[1]: Duplicate value: {"name":"g0"}')
    yield from _required(path)
    yield from _required(f"{first}.name")
    yield from _name(f"{first}.name")
    yield from _text(f"{first}.query", shortest=1, longest=4096)
    yield from _choice(f"{first}.action", "Rollback", "Hold", "Alert")
    yield from _kinds(first)
    yield from _limits(first)
    yield from _duration(f"{first}.interval", "250ms", "1h", "249ms", "1h1ms")
    yield from _duration(f"{first}.deadline", "50ms", "1m", "49ms", "1m1ms")
    yield from _duration(f"{first}.window", "1s", "720h", "999ms", "720h1ms")
    yield from _duration(f"{first}.maxAge", "250ms", "720h", "249ms", "720h1ms")
    yield from _missing(f"{first}.onNoData")
    yield from _missing(f"{first}.onError")
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
        yield from _text(f"{rate}.{part}", shortest=1, longest=4096)
    yield from _edge(f"{rate}.above")
    form = f'{rate}: Invalid value: "object": rate needs either bad and all, or histogram and above'
    for lacking in ("bad", "all", "histogram", "above"):
        yield Sample(f"{rate}.{lacking}", ABSENT, form)
    yield Sample(first, {**RATE, "rate": {**RATE["rate"], **ABOVE}}, form)
    yield Sample(first, {"name": "errors", "rate": {"max": 0.05}}, form)
    yield from _required(f"{rate}.max")
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
        yield from _text(f"{path}.{part}", shortest=1, longest=4096)
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
    yield from _choice(f"{path}.worse", "Higher", "Lower")
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
    yield from _text(f"{path}.users", shortest=1, longest=4096)
    yield from _required(f"{path}.users")
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
    yield from _number(f"{first}.breachAfter.failures", 1, 100)
    yield from _number(f"{first}.breachAfter.of", 1, 100)
    yield Sample(f"{first}.breachAfter", {"failures": 3, "of": 2}, more)
    yield Sample(f"{first}.breachAfter", {"failures": 3}, more)
    yield from _number(f"{first}.minSamples.count", 1, 1_000_000_000)
    yield from _text(f"{first}.minSamples.query", shortest=1, longest=4096)
    yield from _choice(f"{first}.minSamples.holdsBack", "Both", "Pass")
    yield from _missing(f"{first}.minSamples.onTooFew")
    yield Sample(f"{first}.minSamples", SAMPLES | {"onTooFew": {}, "holdsBack": "Both"})
    at_once = "onTooFew means nothing where holdsBack is Pass: a bad value is a breach on any number of samples"
    yield Sample(f"{first}.minSamples", SAMPLES | {"onTooFew": {}, "holdsBack": "Pass"}, at_once)
    yield from _required(f"{first}.minSamples.count")
    counting = "minSamples needs a query that counts them, beside query"
    yield Sample(f"{first}.minSamples.query", ABSENT, counting)


def _rest() -> Iterator[Sample]:
    yield from _required("spec")
    yield from _text("spec.revision", shortest=1, longest=253)
    yield from _required("spec.revision")
    yield Sample("spec.paused", value=True)
    yield Sample("spec.paused", "yes", "spec.paused in body must be of type boolean")
    yield from _choice("spec.afterCompletion", "Guard", "Stop")
    yield from _choice("spec.onDelete", "Zero", "Retain")


_ALL = (*_traffic(), *_notifications(), *_prometheus(), *_stage(), *_requirement(), *_guardrail(), *_rest())
ACCEPTED = tuple(sample for sample in _ALL if not sample.complaint)
REFUSED = tuple(sample for sample in _ALL if sample.complaint)
