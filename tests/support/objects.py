"""Objects that the API server must accept, and such that it must refuse, with what it says."""

from collections.abc import Iterator
from typing import Any

from mlrollout.api.notification import Topic

from tests.support.guardrail_samples import guardrail_samples
from tests.support.sample import (
    ABSENT,
    DOCUMENT,
    MINIMAL,
    NAMED,
    RATE,
    RECEIVER,
    REGISTRY,
    REQUIRED,
    STAGE,
    Sample,
    choices,
    durations,
    guardrails,
    names,
    numbers,
    required,
    texts,
)


def _stages(*percentages: int) -> list[dict[str, Any]]:
    return [{"name": f"s{place}", "percentage": value, "duration": "1h"} for place, value in enumerate(percentages)]


def _requiring(guardrails: list[dict[str, Any]]) -> dict[str, Any]:
    """A spec whose only stage requires every one of its guardrails."""
    required = [{"guardrail": guardrail["name"], "min": 0} for guardrail in guardrails]
    return {**MINIMAL["spec"], "guardrails": guardrails, "stages": [STAGE | {"require": required}]}


def _traffic() -> Iterator[Sample]:
    key = "spec.traffic.key"
    yield from texts(key, shortest=1, longest=256)
    yield Sample(key, "{ml_dispatch}:rollout_percentage")
    yield Sample(key, "two words", f"{key} in body should match '^[!-~]+$'")
    yield Sample(key, "schlüssel", f"{key} in body should match '^[!-~]+$'")
    yield from required("spec.traffic")
    yield from required(key)
    yield from durations("spec.traffic.lease", "5s", "720h", "4999ms", "720h1ms")
    yield from numbers("spec.traffic.holdback", 0, 50)
    yield Sample("spec.traffic.redis", {}, "spec.traffic.redis.secretRef: Required value")
    for part in ("name", "key"):
        yield from texts(f"spec.traffic.redis.secretRef.{part}", shortest=1, longest=253)
        yield from required(f"spec.traffic.redis.secretRef.{part}")


def _notifications() -> Iterator[Sample]:
    path = "spec.notifications"
    many = [{**RECEIVER, "name": f"n{number}"} for number in range(9)]
    yield Sample(path, [])
    yield Sample(path, many[:8])
    yield Sample(path, many, f"{path}: Too many: 9: must have at most 8 items")
    yield Sample(path, [RECEIVER] * 2, f'{path}[1]: Duplicate value: {{"name":"team"}}')
    yield from required(f"{path}[0].name")
    yield from names(f"{path}[0].name")
    yield from required(f"{path}[0].secretRef")
    for part in ("name", "key"):
        yield from texts(f"{path}[0].secretRef.{part}", shortest=1, longest=253)
        yield from required(f"{path}[0].secretRef.{part}")
    topics = f"{path}[0].topics"
    yield Sample(topics, [str(topic) for topic in Topic])
    yield Sample(topics, [], f"{topics} in body should have at least 1 items")
    yield Sample(topics, ["Alert"] * 9, f"{topics}: Too many: 9: must have at most 8 items")
    yield from choices(f"{topics}[0]", *Topic)


def _address(path: str) -> Iterator[Sample]:
    yield from texts(path, shortest=8, longest=1024, start="http://")
    yield Sample(path, "http://a")
    yield Sample(path, "https://prometheus.monitoring:9090/prefix")
    yield Sample(path, "http://", f"{path} in body should be at least 8 chars long")
    for bad in ("ftp://prometheus", "http://user:password@prometheus", "http://two words", "prometheus:9090"):
        yield Sample(path, bad, f"{path} in body should match '^https?://[^\\s@]+$'")


def _prometheus() -> Iterator[Sample]:
    yield from _address("spec.prometheus.address")
    yield Sample("spec.prometheus", {}, "spec.prometheus.address: Required value")
    yield Sample("spec.prometheus.secretRef", {}, "spec.prometheus.secretRef.name: Required value")
    yield from texts("spec.prometheus.secretRef.name", shortest=1, longest=253)


def _stage() -> Iterator[Sample]:
    path = "spec.stages"
    ascending = 'spec.stages: Invalid value: "array": each percentage must be greater than the one before: '
    twice = 'spec.stages: Invalid value: "array": each name must stand once: pilot'
    yield Sample(path, _stages(0))
    yield Sample(path, _stages(*range(32)))
    yield Sample(path, [], "spec.stages in body should have at least 1 items")
    yield Sample(path, _stages(*range(33)), "spec.stages: Too many: 33: must have at most 32 items")
    yield Sample(path, _stages(30, 10), f"{ascending}s0")
    yield Sample(path, _stages(10, 10), f"{ascending}s0")
    yield Sample(path, _stages(1, 10, 30, 20), f"{ascending}s2")
    yield Sample(path, _stages(*range(31, -1, -1)), f"{ascending}s0")
    yield Sample(path, [STAGE, STAGE | {"percentage": 30}], twice)
    for part in ("name", "percentage", "duration"):
        yield from required(f"spec.stages[0].{part}")
    yield from names("spec.stages[0].name")
    yield from numbers("spec.stages[0].percentage", 0, 100)
    yield from durations("spec.stages[0].duration", "0s", "8760h", above="8760h1ms")
    for year in ("52w", "365d", "0d"):
        yield Sample("spec.stages[0].duration", year)
    for more in ("53w", "366d"):
        yield Sample("spec.stages[0].duration", more, "must be from 0s to 8760h")
    yield from choices("spec.stages[0].approval", "Automatic", "Manual")
    yield from durations("spec.stages[0].early.after", "0s", "8760h", above="8760h1ms")
    yield Sample("spec.stages[0].early", {}, "spec.stages[0].early.after: Required value")
    never = "early needs a guardrail that tests at every look: one with query or balance proves nothing: stage "
    yield Sample("spec.stages", [STAGE | {"early": {"after": "1h"}}], f"{never}pilot")
    later = STAGE | {"name": "full", "percentage": 100, "early": {"after": "1h"}}
    yield Sample("spec.stages", [STAGE, later], f"{never}full")


def _requirement() -> Iterator[Sample]:
    path = "spec.stages[0].require"
    yield Sample(path, [])
    yield Sample(path, [REQUIRED])
    yield Sample("spec", _requiring(guardrails(32)))
    for name in ("a", "a" * 63):
        yield Sample("spec", _requiring([{"name": name, "query": "up", "max": 1}]))
    many = [{"guardrail": f"g{number}", "min": 1} for number in range(33)]
    unknown = "a stage requires a guardrail that is not in spec.guardrails: stage pilot requires erors"
    yield Sample(path, many, f"{path}: Too many: 33: must have at most 32 items")
    yield Sample(path, [REQUIRED, REQUIRED], f'{path}[1]: Duplicate value: {{"guardrail":"errors"}}')
    yield Sample(f"{path}[0].guardrail", "erors", unknown)
    yield from required(f"{path}[0].guardrail")
    yield from (sample for sample in names(f"{path}[0].guardrail") if sample.complaint)
    yield Sample(f"{path}[0]", {"guardrail": "errors"}, "a requirement needs a limit (min, max or both) or proven")
    yield from choices(f"{path}[0].proven", "Safe")
    proof = [STAGE | {"require": [{"guardrail": "errors", "proven": "Safe"}]}]
    yield Sample("spec", MINIMAL["spec"] | {"guardrails": [RATE], "stages": proof})
    unprovable = "proven can be required only of a guardrail that tests at every look, not of one with query or balance"
    yield Sample("spec", MINIMAL["spec"] | {"stages": proof}, f"{unprovable}: stage pilot requires errors")
    later = STAGE | {"name": "full", "percentage": 100, "require": [{"guardrail": "b", "min": 1, "proven": "Safe"}]}
    both = {"guardrails": [RATE, {"name": "b", "query": "up", "min": 1}], "stages": [*proof, later]}
    yield Sample("spec", MINIMAL["spec"] | both, f"{unprovable}: stage full requires b")
    yield Sample(f"{path}[0]", REQUIRED | {"max": 1})
    yield Sample(f"{path}[0]", REQUIRED | {"max": 0.999}, "min must not be greater than max")
    for limit in ("min", "max"):
        yield Sample(f"{path}[0].{limit}", "1%", f"{path}[0].{limit} in body must be of type number")


def _source() -> Iterator[Sample]:
    path, one = "spec.revisionFrom", "name one source of revisions: mlflow, configMap or http"
    sources: dict[str, dict[str, str]] = REGISTRY | DOCUMENT | {"configMap": {"name": "models", "key": "dispatch"}}
    for name, source in sources.items():
        yield Sample(path, {name: source})
        for field in source if name != "http" else ("address",):
            yield from required(f"{path}.{name}.{field}")
    yield Sample(path, {}, one)
    yield Sample(path, sources, one)
    yield from durations(f"{path}.interval", "5s", "24h", "4999ms", "24h1ms")
    yield from choices(f"{path}.approval", "Automatic", "Manual")
    for name in ("mlflow", "http"):
        yield from _address(f"{path}.{name}.address")
        yield from texts(f"{path}.{name}.secretRef.name", shortest=1, longest=253)
        yield Sample(f"{path}.{name}.secretRef", {}, f"{path}.{name}.secretRef.name: Required value")
    yield from texts(f"{path}.mlflow.model", shortest=1, longest=253)
    for alias in ("alias", "onCompletion"):
        yield from texts(f"{path}.mlflow.{alias}", shortest=1, longest=253)
        bad = f"{path}.mlflow.{alias} in body should match '^[A-Za-z0-9_.-]+$'"
        yield Sample(f"{path}.mlflow.{alias}", "two words", bad)
    another = "onCompletion has to be another alias than alias, and not latest, which MLflow sets by itself"
    for alias in ("candidate", "latest"):
        yield Sample(f"{path}.mlflow", REGISTRY["mlflow"] | {"onCompletion": alias}, another)
    for part in ("name", "key"):
        yield from texts(f"{path}.configMap.{part}", shortest=1, longest=253)
    pointer = f"{path}.http.pointer"
    yield from texts(pointer, shortest=0, longest=253, start="/")
    for good in ("", "/", "/models/0/version", "/a~1b/c~0d"):
        yield Sample(pointer, good)
    for wrong in ("revision", "/two words"):
        yield Sample(pointer, wrong, f"{pointer} in body should match '^(/[^\\s]*)?$'")


def _rest() -> Iterator[Sample]:
    named = "name the revision, or where it comes from: one of revision and revisionFrom"
    yield from required("spec")
    yield from texts("spec.revision", shortest=1, longest=253)
    yield Sample("spec.revision", ABSENT, named)
    yield Sample("spec", {**NAMED, "revision": "ranker-1"}, named)
    yield Sample("spec.paused", value=True)
    yield Sample("spec.paused", "yes", "spec.paused in body must be of type boolean")
    yield from choices("spec.afterCompletion", "Guard", "Stop")
    yield from choices("spec.onDelete", "Zero", "Retain")


_ALL = (
    *_traffic(),
    *_notifications(),
    *_prometheus(),
    *_stage(),
    *_requirement(),
    *guardrail_samples(),
    *_source(),
    *_rest(),
)
ACCEPTED = tuple(sample for sample in _ALL if not sample.complaint)
REFUSED = tuple(sample for sample in _ALL if sample.complaint)
