"""The dispatch rollout in every state that a person may find it in, as its object, by the operator's own decisions.

The spec is that of the production example; what was measured is what such an application measures.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mlrollout.api import GROUP, KIND, VERSION, moment
from mlrollout.api.crd import UNSEEN
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.recent import KEPT
from mlrollout.api.spec import Spec
from mlrollout.domain.conditions import facts, stalled, stamp
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.latch import landed, latch
from mlrollout.domain.persist import last_looks, to_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Cause, Record, first_attempt
from mlrollout.domain.state import RunOutcome, State
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.measurement import Counted, Evidence, Measurement, MeasurementHistory, Verdict

EXAMPLE = Path(__file__).with_name("dispatch.yaml")
NAME, NAMESPACE = "ml-dispatch", "dispatch"
UID = "0c6f7b0e-3c1c-4d39-9d7a-5a2f6f1f3f10"
DAY = 86_400.0
NOW = moment.parse("2026-11-23T09:30:00Z")
"""When it is looked at."""
_LEAD = 40.0
"""Seconds from the creation to the first stage."""

Found = Mapping[str, Measurement]


@cache
def spec() -> Spec:
    """What the example asks for."""
    return Spec.model_validate(_manifest()["spec"])


@cache
def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    return found


def rollouts() -> dict[str, dict[str, Any]]:
    """The object in every state, by what the state is called."""
    return {name: make() for name, make in STATES.items()}


# --- what was measured ---


def _well() -> dict[str, Measurement]:
    return {
        "error-rate": _rate(bad=212, of=14_890, e_value=0.04),
        "success-rate": _look(Verdict.PASS, 0.9857, 86_400.0, 2480, "0.9857 is within min 0.95"),
        "average-score": _look(Verdict.PASS, 0.742, 86_400.0, 2480, "0.742 is within min 0.6"),
        "response-time-p95": _look(Verdict.PASS, 1.31, 300.0, None, "1.31 is within max 5"),
    }


def _look(verdict: Verdict, value: float | None, reach: float, samples: float | None, said: str) -> Measurement:
    return Measurement(verdict, NOW - 4.0, reach, value=value, samples=samples, message=said)


def _rate(*, bad: int, of: int, e_value: float) -> Measurement:
    verdict = Verdict.BREACH if e_value >= _ALARM else Verdict.PASS
    evidence = Evidence(Counted(of, bad), None, bad / of, 0.8 * bad / of, 1.2 * bad / of, e_value, 1 / _ALARM)
    said = f"{100 * bad / of:.3g} % are bad ({bad} of {of}), the limit is 5 %"
    return Measurement(verdict, NOW - 4.0, 3600.0, value=bad / of, samples=of, message=said, evidence=evidence)


_ALARM = 100.0
_GONE = 'ml_dispatch_total{group="treatment"} has gone silent: its targets are gone, or no longer export it'
_OUT = "http://prometheus.monitoring:9090 can't be reached (Connection refused)"


def _no_data() -> dict[str, Measurement]:
    silent = _look(Verdict.NO_DATA, None, 86_400.0, None, _GONE)
    return _well() | {"error-rate": replace(silent, reach=3600.0), "success-rate": silent}


def _prometheus_down() -> dict[str, Measurement]:
    return {name: _look(Verdict.ERROR, None, 0.0, None, _OUT) for name in _well()}


def _broken() -> dict[str, Measurement]:
    return _well() | {"error-rate": _rate(bad=88, of=1240, e_value=180.0)}


# --- where it stands ---


def _in(stage: str, *, served: float = 0.0) -> State:
    """In a stage, with so much healthy time; the stages before it have passed."""
    names = [one.name for one in spec().stages]
    before = spec().stages[: names.index(stage)]
    entered = NOW - served - sum(one.duration for one in before)
    record = Record(
        attempt=first_attempt(entered - _LEAD),
        latched=False,
        sequence=0,
        percentage=0,
        revision=spec().revision or "",
        owner=UID,
        holder=f"{NAMESPACE}/{NAME}",
    )
    state = State(record=record, measurements_from=entered - _LEAD, confirmed=True, fingerprint=spec().fingerprint)
    state = state.with_transition(entered - _LEAD, Reason.ATTEMPT_STARTED, f"revision {record.revision} begins")
    for place, one in enumerate(spec().stages[: len(before) + 1], start=1):
        state = state.leave(entered, RunOutcome.PASSED)
        record = replace(record, sequence=place, percentage=one.percentage, stage=one.name)
        state = replace(state, record=record, applied=one.percentage, in_force_since=entered).enter(entered)
        state = state.with_transition(entered, Reason.STAGE_ADVANCED, f"stage {one.name} at {one.percentage} %")
        entered += one.duration
    return replace(state, healthy=served, healthy_until=NOW)


def _rolled_back(state: State, reason: Reason, message: str, *, ago: float, confirmed: bool = True) -> State:
    at = NOW - ago
    left = latch(state, at, Cause(reason, message, at))
    return replace(landed(left, left.record, at + 0.2), confirmed=True, applied=0) if confirmed else left


def _object(
    state: State | None,
    found: Found,
    *,
    traffic: Traffic | None = None,
    trouble: str = "",
    changes: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The object, once the operator has decided on it and written its status."""
    asked = spec().model_copy(update=dict(changes or {}))
    if state is not None and traffic is None and not trouble:
        traffic = Traffic(str(state.record.percentage), state.record)
    histories = {one.name: _history(one, found[one.name]) for one in asked.guardrails if one.name in found}
    seen = Observation(UID, f"{NAMESPACE}/{NAME}", traffic, trouble, histories)
    decision = decide(asked, state, seen, NOW)
    status = to_status(
        decision.state,
        spec=asked,
        guardrails=last_looks(asked, histories),
        conditions=stamp(facts(asked, seen, decision, NOW), (), 1, NOW - 60.0),
        generation=1,
        written_by="mlrollout-system/mlrollout",
    )
    return _as_object(asked, status.render(), metadata)


def _history(guardrail: Guardrail, last: Measurement) -> MeasurementHistory:
    """A look that comes after others of a guardrail that was well, each a little different."""
    well = _well()[guardrail.name]
    history = MeasurementHistory(guardrail)
    for place in range(KEPT, 0, -1):
        value = None if well.value is None else well.value * (1 + 0.03 * math.sin(2.3 * place))
        history = history.add(replace(well, value=value, at=last.at - 15.0 * place))
    return history.add(last)


def _as_object(asked: Spec, status: dict[str, Any], metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    about = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": UID,
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": moment.to_second(NOW - 30 * DAY),
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": about | dict(metadata or {}),
        "spec": json.loads(asked.model_dump_json(by_alias=True, exclude_none=True)),
        "status": status,
    }


def _stalled(reason: Reason, message: str) -> dict[str, Any]:
    """In its first stage, when something came up that a person has to mend."""
    made = _object(_in("pilot", served=2 * DAY), _well())
    conditions = stamp(stalled(reason, message), (), 1, NOW - 300.0)
    made["status"]["conditions"] = [one.model_dump(mode="json", by_alias=True) for one in conditions]
    return made


def _back(stage: str, reason: Reason, message: str, found: Found | None = None, *, at: float = 600.0) -> dict[str, Any]:
    """Rolled back out of a stage, so many seconds ago."""
    state = _rolled_back(_in(stage, served=at + 5 * 3600.0), reason, message, ago=at)
    return _object(state, _well() if found is None else found)


def _before_first() -> State:
    state = _in("pilot")
    record = replace(state.record, percentage=0, stage="", sequence=0)
    return replace(state, record=record, applied=0, runs=(), history=state.history[:1], serial=1)


_BREACH = (
    "guardrail error-rate: 7.1 % are bad (88 of 1240), the limit is 5 %; "
    "by chance alone, that is seen in less than 1 % of all attempts"
)
_DOWN = "redis.data:6379 can't be reached (Connection refused)"
_STOP = "the key was set to '0' by hand, below the record's 10; to begin again, annotate mlrollout.dev/retry"
_FREEZE = "the rollout is paused: release freeze"

STATES: dict[str, Callable[[], dict[str, Any]]] = {
    "not seen yet": lambda: _as_object(spec(), UNSEEN),
    "before the first stage": lambda: _object(_before_first(), {}),
    "advancing": lambda: _object(_in("pilot", served=6 * DAY + 7200.0), _well()),
    "second stage": lambda: _object(_in("expansion", served=3600.0 * 5), _well()),
    "a requirement not met": lambda: _object(
        _in("expansion", served=14 * DAY),
        _well() | {"success-rate": _look(Verdict.PASS, 0.961, DAY, 2480, "0.961 is within min 0.95")},
    ),
    "awaiting approval": lambda: _object(_in("expansion", served=14 * DAY), _well()),
    "no data": lambda: _object(_in("pilot", served=2 * DAY), _no_data()),
    "Prometheus down": lambda: _object(_in("pilot", served=2 * DAY), _prometheus_down()),
    "Redis down": lambda: _object(_in("pilot", served=2 * DAY), _well(), trouble=_DOWN),
    "a held breach": lambda: _object(
        _in("pilot", served=2 * DAY),
        _well() | {"success-rate": _look(Verdict.BREACH, 0.93, DAY, 2480, "0.93 is below min 0.95")},
    ),
    "paused by a person": lambda: _object(
        replace(_in("pilot", served=2 * DAY), paused=True).with_transition(NOW - 60.0, Reason.PAUSED, _FREEZE), _well()
    ),
    "paused by the spec": lambda: _object(_in("pilot", served=2 * DAY), _well(), changes={"paused": True}),
    "complete": lambda: _object(replace(_in("full", served=DAY), completed=True), _well()),
    "rolled back by a breach": lambda: _back("expansion", Reason.GUARDRAIL_BREACHED, _BREACH, _broken(), at=7200.0),
    "rolled back, not confirmed": lambda: _object(
        _rolled_back(
            _in("expansion", served=5 * 3600.0), Reason.GUARDRAIL_BREACHED, _BREACH, ago=30.0, confirmed=False
        ),
        _broken(),
        trouble=_DOWN,
    ),
    "rolled back by a person": lambda: _back(
        "pilot", Reason.MANUAL_ROLLBACK, "asked for by annotation: customers complain"
    ),
    "rolled back for lack of evidence": lambda: _back(
        "pilot", Reason.EVIDENCE_MISSING, f"guardrail error-rate without evidence for 12h: {_GONE}", _no_data()
    ),
    "stopped in Redis": lambda: _back("pilot", Reason.EMERGENCY_STOP, _STOP),
    "another's key": lambda: _stalled(
        Reason.KEY_CONFLICT, "dispatch/ml-dispatch-2 has the key ml_dispatch:rollout_percentage"
    ),
    "an invalid spec": lambda: _stalled(
        Reason.INVALID_SPEC, "guardrails[error-rate]: rate.max is a share between 0 and 1"
    ),
    "an invalid query": lambda: _stalled(
        Reason.INVALID_QUERY, "guardrails[success-rate].query: parse error: unexpected end of input"
    ),
    "a Prometheus that is refused": lambda: _stalled(
        Reason.CONNECTION_REFUSED, "spec.prometheus.address http://x:9090 is not allowed"
    ),
    "being deleted": lambda: _object(
        _in("pilot", served=2 * DAY),
        _well(),
        metadata={"deletionTimestamp": moment.to_second(NOW - 42.0), "finalizers": ["mlrollout.dev/traffic"]},
    ),
    "a changed spec that is not seen yet": lambda: _object(
        _in("pilot", served=2 * DAY), _well(), metadata={"generation": 2}
    ),
}
"""Every situation of the conditions' table, and some that follow from it."""
