"""Short stories, told without chance: what a rollout goes through in its life, one thing each.

Each is lived through once for every call of the operator and every fate that may befall it (`fates.py`).
"""

from collections.abc import Mapping
from typing import Any

from .world import tested
from .world.plan import Leading, Plan
from .world.prometheus import error_rate
from .world.specs import Spec
from .world.step import Step

_PILOT = {"name": "pilot", "percentage": 10, "duration": "4s"}
_EXPANSION = {"name": "expansion", "percentage": 30, "duration": "4s"}
_FULL = {"name": "full", "percentage": 100, "duration": "4s"}

ENOUGH = 26.0
"""Seconds in which three stages are served."""


def _spec(*stages: Mapping[str, Any], revision: str = "good-0", **more: Any) -> Spec:
    guardrail = {
        "name": "errors",
        "query": error_rate("a"),
        "max": 0.05,
        "interval": "3s",
        "window": "6s",
        "deadline": "1s",
        "maxAge": "6s",
    }
    return {
        "revision": revision,
        "traffic": {"key": "a:percentage"},
        "stages": list(stages or (_PILOT, _EXPANSION)),
        "guardrails": [guardrail],
        **more,
    }


def _tested(*stages: Mapping[str, Any], revision: str = "good-0", **asked: Mapping[str, Any]) -> Spec:
    """Guardrails that test at every look, each of another kind."""
    common = {"interval": "3s", "maxAge": "6s", "deadline": "1s"}
    guardrails = [common | {"name": kind, kind: what} for kind, what in asked.items()]
    return {**_spec(*stages, revision=revision), "guardrails": guardrails}


def _named(*stages: Mapping[str, Any], **source: Any) -> Spec:
    """A registry names the revision, at first `good-0`."""
    registry = {"mlflow": {"address": "http://registry", "model": "a", "onCompletion": "champion"}, "interval": "5s"}
    spec = {name: value for name, value in _spec(*stages).items() if name != "revision"}
    return spec | {"revisionFrom": registry | source}


def _story(
    name: str,
    spec: Spec,
    *steps: Step,
    leading: Leading = Leading.ALONE,
    shortest: float = 16.0,
) -> Plan:
    return Plan(
        seed=0,
        flavour=name,
        leading=leading,
        specs={"a": spec},
        sickness="",
        steps=steps,
        shortest=shortest,
        names={"a": "good-0"} if "revisionFrom" in spec else {},
    )


def _say(at: float, verb: str, why: str) -> Step:
    return Step(at, "verb", "a", (verb, why))


_COMPARED = {**tested.compare("a"), "ratio": 1.5}
_LONG = _PILOT | {"duration": "60s"}
_LEAD = Leading.STANDBY

STORIES: Mapping[str, Plan] = {
    story.flavour: story
    for story in (
        _story("create", _spec(_LONG), shortest=8.0),
        _story("advance", _spec(), shortest=14.0),
        _story("complete", _spec(_PILOT, _EXPANSION, _FULL), shortest=ENOUGH),
        _story("breach", _spec(_LONG, revision="bad-0"), shortest=12.0),
        _story("breach-before-a-standby", _spec(_LONG, revision="bad-0"), leading=_LEAD, shortest=12.0),
        _story("breach-later", _spec(revision="bad-at-30-0"), shortest=20.0),
        _story("delete", _spec(_LONG), Step(6.0, "delete", "a", 60.0)),
        _story("recreate", _spec(_LONG), Step(5.0, "delete", "a", 3.0)),
        _story("revise", _spec(_LONG), Step(6.0, "revise", "a", "good-1")),
        _story("rollback", _spec(_LONG), _say(6.0, "rollback", "because-1.")),
        _story("retry", _spec(_LONG), _say(5.0, "rollback", "because-1."), _say(9.0, "retry", "because-2.")),
        _story("pause", _spec(), _say(4.0, "pause", "because-1."), _say(12.0, "resume", "because-2.")),
        _story("approve", _spec(_PILOT, _EXPANSION | {"approval": "Manual"}), _say(10.0, "approve", "because-1.")),
        _story("promote", _spec(_LONG, _EXPANSION), _say(6.0, "promote", "because-1.")),
        _story("demote", _spec(_PILOT, _EXPANSION | {"duration": "60s"}), _say(13.0, "demote", "10 because-1.")),
        _story("emergency-stop", _spec(_LONG), Step(6.0, "set_key", "a", "0")),
        _story("hand-over", _spec(), Step(4.0, "hand_over", "", 1.0), leading=_LEAD),
        _story(
            "hand-over-at-a-breach", _spec(_LONG, revision="bad-0"), Step(5.0, "hand_over", "", -1.0), leading=_LEAD
        ),
        _story("fail-over", _spec(), Step(9.0, "fail_over", "", 4.0)),
        _story("flush", _spec(_LONG), Step(6.0, "flush")),
        # Redis goes back to before the pilot just after the next raise was sent, which one that is late finds there.
        _story("fail-over-under-a-raise", _spec(), Step(7.77, "fail_over", "", 7.0), shortest=12.0),
        _story("name", _named(_LONG), Step(8.0, "name", "a", "good-1"), shortest=20.0),
        _story("name-and-complete", _named(_PILOT), leading=_LEAD),
        _story(
            "name-and-approve",
            _named(_LONG, approval="Manual"),
            Step(6.0, "name", "a", "good-1"),
            _say(14.0, "approve", "good-1 because-1."),
            shortest=22.0,
        ),
        _story("rate-breached", _tested(_LONG, revision="bad-0", rate=tested.rate("a")), shortest=16.0),
        _story(
            "compared-until-it-fails",
            _tested(_PILOT, _EXPANSION | {"duration": "60s"}, revision="bad-at-30-0", compare=_COMPARED),
            Step(8.0, "restart_pod", "a", "p"),
            Step(18.0, "hand_over", "", -1.0),
            leading=_LEAD,
            shortest=28.0,
        ),
        _story(
            "split-over-stages",
            _tested(rate=tested.rate("a"), balance=tested.balance("a")),
            Step(14.0, "fail_over", "", 4.0),
            shortest=26.0,
        ),
    )
}
