"""What objects tell of Redis and Prometheus: the operator asks both, and writes what came of it into each status."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlrollout.api.duration import brief
from mlrollout.glance.fields import Fields
from mlrollout.glance.guardrails import GuardrailGlance
from mlrollout.glance.rollout import Glance
from mlrollout.glance.silence import last_written, silence

from .diagnosis import Diagnosis, DiagnosisLevel, ok, unseen

REDIS, PROMETHEUS = "Redis", "Prometheus"
_NO_WORD = "no object here tells of it"


def redis(found: Sequence[Mapping[str, Any]], now: float) -> Diagnosis:
    """Whether Redis is known to hold what objects mean.

    Args:
        found: The objects.
        now: By the API server's clock; of a status that an operator should have written since, nothing is believed.
    """
    telling = [one for one in found if _applied(one) is not None]
    heard = [one for one in telling if silence(one, now) is None]
    told = [(_called(one), applied) for one in heard if (applied := _applied(one)) is not None]
    if not told and telling:
        newest = max((at for at in map(last_written, map(Fields, telling)) if at is not None), default=None)
        return _old(REDIS, len(telling), None if newest is None else now - newest, "--redis")
    if not told:
        return unseen(REDIS, _NO_WORD, "say --redis URL to have it asked from here")
    wrong = [(name, one) for name, one in told if one.text("status") != "True"]
    if not wrong:
        return ok(REDIS, f"by the status of {objects(len(told))}, it holds what it should")
    lost = any(one.text("status") == "Unknown" for _, one in wrong)
    name, first = wrong[0]
    return Diagnosis(
        REDIS,
        DiagnosisLevel.FAILED if lost else DiagnosisLevel.WARNING,
        f"of {objects(len(told))}, {len(wrong)} can't be sure of it; {name}: {first.text('message')}",
        "see the address, the password and the network of that Redis; nothing grows until then",
    )


def prometheus(found: Sequence[Glance]) -> Diagnosis:
    """Whether Prometheus answers what guardrails ask."""
    telling = [one for one in found if any(guardrail.finding for guardrail in one.guardrails)]
    heard = [one for one in telling if one.silent is None]
    looks = [(one, guardrail) for one in heard for guardrail in one.guardrails if guardrail.finding]
    if telling and not looks:
        return _old(PROMETHEUS, len(telling), min(one.silent or 0.0 for one in telling), "--prometheus")
    if not looks:
        return unseen(PROMETHEUS, _NO_WORD, "say --prometheus URL to have it asked from here")
    failed = [(one, guardrail) for one, guardrail in looks if guardrail.finding == "Error"]
    told = f"by the status of {objects(len({(one.namespace, one.name) for one, _ in looks}))}"
    if not failed:
        empty = [guardrail for _, guardrail in looks if guardrail.finding == "NoData"]
        but = f"; {len(empty)} of them found no samples" if empty else ""
        return ok(PROMETHEUS, f"{told}, it answers all of {len(looks)} guardrails{_newest(looks)}{but}")
    one, guardrail = failed[0]
    return Diagnosis(
        PROMETHEUS,
        DiagnosisLevel.FAILED if len(failed) == len(looks) else DiagnosisLevel.WARNING,
        f"{told}, {len(failed)} of {len(looks)} guardrails have no answer; "
        f"{one.namespace}/{one.name}, {guardrail.name}: {guardrail.message}",
        "mend that; without evidence nothing grows, and onError says what else",
    )


def _old(about: str, count: int, silent: float | None, option: str) -> Diagnosis:
    """What is told where every status that tells of it is of an operator that is not heard of any more."""
    when = "" if silent is None else f": the last word came {brief(max(0.0, silent))} ago"
    told = f"the operator that wrote the status of {objects(count)} is not heard of any more{when}"
    return unseen(about, told, f"see whether it runs; say {option} URL to have it asked from here")


def _newest(looks: Sequence[tuple[Glance, GuardrailGlance]]) -> str:
    """How old the newest answer is, as far as the status tells."""
    ages = [one.now - guardrail.at for one, guardrail in looks if guardrail.at is not None]
    return f", the newest told {brief(max(0.0, min(ages)))} ago" if ages else ""


def _applied(found: Mapping[str, Any]) -> Fields | None:
    """The condition that tells of Redis; `None` where an object has none."""
    conditions = Fields(found).part("status").parts("conditions")
    return next((one for one in conditions if one.text("type") == "TrafficApplied"), None)


def _called(found: Mapping[str, Any]) -> str:
    metadata = Fields(found).part("metadata")
    return f"{metadata.text('namespace')}/{metadata.text('name')}"


def objects(count: int) -> str:
    """So many objects."""
    return f"{count} object{'' if count == 1 else 's'}"
