"""What can be understood of a spec is guarded, and what can't is told."""

from typing import Any

import pytest
from mlrollout.api.spec import DEFAULT_STAGES, AfterCompletion, OnDelete, Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.partial import UNGUARDED_FOR, hold, refused, summary, understand
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Record
from mlrollout.domain.request import Request
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic

GOOD: dict[str, Any] = {"name": "errors", "query": "up", "max": 0.05}
NEWER: dict[str, Any] = {"name": "score", "query": "up", "min": 0.7, "action": "Quarantine"}
STAGES: list[Any] = [
    {"name": "pilot", "percentage": 10, "duration": "1h"},
    {"name": "full", "percentage": 100, "duration": "1h"},
]
TRAFFIC: dict[str, Any] = {"key": "k", "redis": {"secretRef": {"name": "redis", "key": "url"}}, "lease": "10s"}


def _spec(**changes: Any) -> dict[str, Any]:
    whole = {"revision": "one", "traffic": TRAFFIC, "stages": STAGES, "guardrails": [GOOD], **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def _record(stage: str = "pilot", percentage: int = 10, revision: str = "one") -> Record:
    return Record(
        attempt=1,
        latched=False,
        sequence=1,
        percentage=percentage,
        revision=revision,
        stage=stage,
        owner="o",
        holder="h",
    )


def _partial(**changes: Any) -> Spec:
    found = understand(_spec(**changes))
    assert found.problems
    assert found.spec is not None
    return found.spec


def test_a_spec_that_is_understood_is_as_it_is() -> None:
    found = understand(_spec(guardrails=[{**GOOD, "action": "Alert"}]))
    assert found.spec == Spec.model_validate(_spec(guardrails=[{**GOOD, "action": "Alert"}]))
    assert found.problems == ()


def test_each_guardrail_is_understood_by_itself_and_the_other_is_told_by_its_name() -> None:
    found = understand(_spec(guardrails=[NEWER, GOOD, "no guardrail", {"query": {"of": "a newer kind"}}]))
    assert found.spec is not None
    assert [guardrail.name for guardrail in found.spec.guardrails] == ["errors"]
    assert found.problems[0].startswith("guardrails[score].action: write 'Rollback'")
    assert any(text.startswith("guardrails[2]: ") for text in found.problems)
    assert any(text.startswith("guardrails[3].query: ") for text in found.problems)
    assert "a newer kind" not in "".join(found.problems)


def test_what_is_told_is_true_and_in_plain_words() -> None:
    stages = [{"name": "pilot", "percentage": 10, "duration": "forever"}]
    problems = understand(_spec(stages=stages, guardrails=[NEWER])).problems
    assert [text.split(":")[0] for text in problems] == ["stages[pilot].duration", "guardrails[score].action"]
    assert problems[0].startswith("stages[pilot].duration: 'forever' is not a duration")
    assert understand(_spec(stages="by feel")).problems == ("stages: write it as a list",)
    assert understand(_spec(guardrails=[])).problems == ("guardrails: it is empty: write one at least",)


def test_one_of_two_guardrails_of_a_name_counts() -> None:
    spec = _partial(guardrails=[GOOD, {**GOOD, "max": 0.5}])
    assert [guardrail.max for guardrail in spec.guardrails if isinstance(guardrail, ThresholdGuardrail)] == [0.05]


def test_another_prometheus_than_was_meant_is_not_asked() -> None:
    spec = _partial(prometheus={"address": ["http://one", "http://two"]})
    assert (spec.prometheus, spec.guardrails) == (None, ())
    spec = _partial(prometheus={"address": "http://prometheus:9090"}, guardrails=[GOOD, NEWER])
    assert spec.prometheus is not None
    assert len(spec.guardrails) == 1


@pytest.mark.parametrize("traffic", [..., None, "k", {}, {"key": ""}, {"key": "k", "redis": {"cluster": "x"}}])
def test_without_its_key_or_where_that_is_nothing_can_be_done(traffic: Any) -> None:
    found = understand(_spec(traffic=traffic))
    assert found.spec is None
    assert found.problems


@pytest.mark.parametrize("raw", [None, "text", [], {}])
def test_what_is_no_spec_at_all_is_told(raw: object) -> None:
    found = understand(raw)
    assert found.spec is None
    assert found.problems


@pytest.mark.parametrize(
    "wrong", [{"lease": {"of": "10s"}}, {"holdback": 60}, {"holdback": "some"}, {"lease": 1, "holdback": -1}]
)
def test_a_field_of_traffic_that_can_not_be_read_is_left_out_and_the_key_is_known_all_the_same(
    wrong: dict[Any, Any],
) -> None:
    spec = _partial(traffic={**TRAFFIC, **wrong})
    assert spec.traffic.key == "k"
    assert spec.traffic.redis is not None
    assert spec.traffic.lease == (None if "lease" in wrong else 10)
    assert spec.traffic.holdback is None


@pytest.mark.parametrize("traffic", [{**TRAFFIC, "key": ""}, {**TRAFFIC, "redis": {"url": "r"}}, {"lease": "10s"}, "k"])
def test_a_key_that_can_not_be_reached_is_not_known(traffic: Any) -> None:
    assert understand(_spec(traffic=traffic)).spec is None


def test_the_rest_is_understood_word_by_word() -> None:
    spec = _partial(revision=7, onDelete="Archive", afterCompletion="Stop")
    assert (spec.revision, spec.on_delete, spec.after_completion) == ("", OnDelete.ZERO, AfterCompletion.STOP)
    spec = _partial(guardrails=[NEWER], onDelete="Retain", afterCompletion=["Stop"])
    assert (spec.on_delete, spec.after_completion) == (OnDelete.RETAIN, AfterCompletion.GUARD)
    assert spec.paused


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ([STAGES[0], {**STAGES[1], "duration": {"of": "a newer kind"}}], ["pilot"]),
        ([{**STAGES[0], "require": [{"guardrail": "unknown", "min": 1}]}, STAGES[1]], ["pilot", "full"]),
        ([STAGES[1], STAGES[0], STAGES[0], {**STAGES[0], "name": "other"}, "no stage"], ["pilot", "full"]),
        ([], []),
        ("none", []),
    ],
)
def test_stages_are_understood_each_by_itself(stages: Any, names: list[str]) -> None:
    assert [stage.name for stage in _partial(stages=stages, guardrails=[NEWER]).stages] == names


def test_the_first_of_many_are_told() -> None:
    assert summary(("a", "b")) == "a; b"
    assert summary(("a", "b", "c", "d", "e")) == "a; b; c; and 2 more"


# --- holding still -------------------------------------------------------------------------------


def _state(record: Record, spec: Spec) -> State:
    return State(
        record=record,
        measurements_from=1.0,
        in_force_since=1.0,
        confirmed=True,
        applied=record.percentage,
        healthy=99.0,
        fingerprint=spec.fingerprint,
    )


@pytest.mark.parametrize("stages", [[], "none", STAGES[1:], [{**STAGES[0], "percentage": "a tenth"}, *STAGES[1:]]])
def test_a_rollout_stays_in_a_stage_that_is_not_understood_and_keeps_what_it_earned(stages: Any) -> None:
    before, record = Spec.model_validate(_spec()), _record()
    state = _state(record, before)
    spec = hold(_partial(stages=stages, guardrails=[NEWER, GOOD]), record, state.fingerprint)
    decision = decide(spec, state, Observation("o", "h", Traffic("10", record)), 100.0)
    assert decision.write is None
    assert decision.state is not None
    assert decision.state.record == record
    assert decision.state.healthy == 99.0
    assert decision.state.history == ()
    assert decision.blockers


def test_a_stage_by_a_name_that_no_spec_could_have_is_stayed_in_as_well() -> None:
    record = _record("No Name", 10)
    spec = hold(_partial(stages=STAGES, guardrails=[NEWER, GOOD]), record, "")
    assert (spec.stages[0].name, spec.stages[0].percentage) == ("No Name", 10)


def test_one_that_has_not_begun_its_first_stage_stays_before_it() -> None:
    record = _record("", 0)
    spec = hold(_partial(stages=[], guardrails=[NEWER]), record, "")
    assert spec.stages == DEFAULT_STAGES
    decision = decide(spec, _state(record, spec), Observation("o", "h", Traffic("0", record)), 100.0)
    assert decision.state is not None
    assert decision.state.record == record


def test_a_stage_that_asks_for_less_is_understood_as_that() -> None:
    record = _record()
    spec = hold(_partial(stages=[{**STAGES[0], "percentage": 5}], guardrails=[NEWER]), record, "")
    decision = decide(spec, _state(record, spec), Observation("o", "h", Traffic("10", record)), 100.0)
    assert decision.write is not None
    assert decision.write.record.percentage == 5


@pytest.mark.parametrize(("revision", "percentage"), [(..., 10), ("one", 10), ("two", 0)])
def test_what_one_revision_earned_is_given_to_no_other(revision: Any, percentage: int) -> None:
    record = _record()
    spec = hold(_partial(revision=revision, guardrails=[NEWER]), record, "")
    decision = decide(spec, _state(record, spec), Observation("o", "h", Traffic("10", record)), 100.0)
    assert decision.state is not None
    assert decision.state.record.percentage == percentage


def test_a_rollback_is_heard() -> None:
    record = _record()
    spec = hold(_partial(guardrails=[NEWER]), record, "")
    seen = Observation("o", "h", Traffic("10", record), verbs={"rollback": Request("it is bad", "1")})
    decision = decide(spec, _state(record, spec), seen, 100.0)
    assert decision.write is not None
    assert decision.write.record.latched


def test_what_nothing_guards_for_too_long_goes_to_zero_and_says_why() -> None:
    record = _record()
    spec = hold(_partial(guardrails=[NEWER]), record, "")
    seen = Observation("o", "h", Traffic("10", record), unguarded="guardrails[score].action: what is that?")
    decision = decide(spec, _state(record, spec), seen, 100.0)
    assert decision.write is not None
    assert (decision.write.record.latched, decision.write.record.percentage) == (True, 0)
    cause = decision.write.record.cause
    assert cause is not None
    assert cause.reason == Reason.INVALID_SPEC
    assert "for 10m: guardrails[score].action: what is that?" in cause.message
    assert UNGUARDED_FOR == 600


def test_what_an_api_server_refuses_is_told_by_its_place_and_nothing_is_of_a_spec_that_it_takes() -> None:
    assert refused(_spec()) == ()
    assert refused("a spec") == [("", "write it as an object, with fields of its own")]
    assert refused(_spec(stages="by feel")) == [("stages", "write it as a list")]
