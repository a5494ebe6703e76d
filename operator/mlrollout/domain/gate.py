"""Whether evidence lets traffic grow. Only a fresh `Pass` of every guardrail that gates does."""

from collections.abc import Callable, Iterator, Mapping

from mlrollout.api import limits
from mlrollout.api.duration import rough
from mlrollout.api.guardrail import Action, Guardrail, Missing, MissingAction, Proof
from mlrollout.api.spec import Requirement, Spec, Stage
from mlrollout.evidence.checks.kinds import kind_of
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict

from .decision import Blocker, Blockers
from .reason import Reason
from .request import Verb
from .state import State


def fresh(guardrail: Guardrail, measurements: Mapping[str, MeasurementHistory], now: float) -> Measurement | None:
    """The guardrail's last look, if it was made under this definition and is not older than its `maxAge`."""
    measured = measurements.get(guardrail.name)
    if measured is None or measured.last is None or measured.guardrail != guardrail:
        return None
    return measured.last if 0 <= now - measured.last.at <= guardrail.max_age else None


def gates(spec: Spec) -> tuple[Guardrail, ...]:
    """The guardrails that have to pass."""
    return tuple(guardrail for guardrail in spec.guardrails if guardrail.gates)


def evidence_max_age(spec: Spec) -> float:
    """Seconds for which good evidence stays good: the shortest `maxAge`; 0 where nothing gates."""
    return min((guardrail.max_age for guardrail in gates(spec)), default=0.0)


def pause(spec: Spec, state: State) -> Blockers:
    """The pauses that people asked for, and how each ends."""
    asked = (
        (state.paused, f"the rollout is paused; annotate mlrollout.dev/{Verb.RESUME} to go on"),
        (spec.paused, "the rollout is paused by spec.paused; set it to false to go on"),
    )
    return tuple(Blocker(Reason.PAUSED, message) for paused, message in asked if paused)


def promotion_blockers(
    spec: Spec, since: float, measurements: Mapping[str, MeasurementHistory], now: float
) -> Blockers:
    """What is missing for a `Pass` of every gating guardrail whose whole window lies after `since`.

    Args:
        spec: Names the guardrails.
        since: Seconds since the epoch; when the percentage in force last changed.
        measurements: What was measured, by the guardrail's name.
        now: Seconds since the epoch.
    """
    # Up only on a fresh pass of everything that gates, whose whole window lies in this stage (invariants 1 and 11).
    if not gates(spec):
        return (Blocker(Reason.GUARDRAILS_UNKNOWN, "every guardrail only alerts, and nothing grows without evidence"),)
    return _blockers(spec, since, measurements, now, _promotion_blocker)


def _promotion_blocker(guardrail: Guardrail, since: float, last: Measurement) -> Blocker | None:
    if last.verdict is Verdict.BREACH:
        return Blocker(Reason.GUARDRAILS_UNHEALTHY, f"guardrail {guardrail.name}: {last.message}")
    if last.verdict is not Verdict.PASS:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name}: {last.message}")
    if last.begins < since:
        rest = rough(since - last.begins)
        return Blocker(
            Reason.GUARDRAILS_UNKNOWN,
            f"guardrail {guardrail.name} still looks back {rest} into the time before this stage",
        )
    return None


def first_stage_blockers(
    spec: Spec, evidence_from: float, measurements: Mapping[str, MeasurementHistory], now: float
) -> Blockers:
    """What is missing for the first stage, which is entered on the user's word.

    Every source must answer, no guardrail may be breached, and no window may reach back before
    `evidence_from`, into an earlier attempt: or a mended model would be taken back for the broken one's errors.
    """
    # Up only on answers that are not about an attempt before: its users' errors would take this one back for nothing.
    return _blockers(spec, evidence_from, measurements, now, _first_stage_blocker)


def _first_stage_blocker(guardrail: Guardrail, evidence_from: float, last: Measurement) -> Blocker | None:
    if last.verdict is Verdict.ERROR:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name}: {last.message}")
    if last.begins < evidence_from:
        rest = rough(evidence_from - last.begins)
        return Blocker(
            Reason.WINDOWS_NOT_CLEAR,
            f"guardrail {guardrail.name} still looks back {rest} into the attempt before; wait until it no longer does",
        )
    if last.verdict is Verdict.BREACH:
        return Blocker(Reason.GUARDRAILS_UNHEALTHY, f"guardrail {guardrail.name}: {last.message}")
    return None


def _blockers(
    spec: Spec,
    since: float,
    measurements: Mapping[str, MeasurementHistory],
    now: float,
    blocker_of: Callable[[Guardrail, float, Measurement], Blocker | None],
) -> Blockers:
    """What the guardrails that gate have against it, by their last looks; one without a fresh look has something."""
    found = []
    for guardrail in gates(spec):
        last = fresh(guardrail, measurements, now)
        if last is None:
            found.append(Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name} has no fresh look yet"))
        elif blocker := blocker_of(guardrail, since, last):
            found.append(blocker)
    return tuple(found)


def requirement_blockers(
    stage: Stage, since: float, spec: Spec, measurements: Mapping[str, MeasurementHistory], now: float
) -> Blockers:
    """What is missing for the stage's own, stricter limits."""
    # Up only inside them, likewise over this stage alone.
    blockers = []
    guardrails = {guardrail.name: guardrail for guardrail in spec.guardrails}
    for requirement in stage.require:
        guardrail = guardrails[requirement.guardrail]
        last = fresh(guardrail, measurements, now)
        if last is None or last.begins < since or not kind_of(guardrail).meets(requirement, last):
            wanted = " and ".join(filter(None, (limits.listed(requirement, digits=4), _proof(requirement))))
            wanted = f"{requirement.guardrail} {wanted}"
            message = f"stage {stage.name} requires {wanted}, and {_found(requirement, last, since)}"
            blockers.append(Blocker(Reason.AWAITING_REQUIREMENTS, message))
    return tuple(blockers)


def _proof(requirement: Requirement) -> str:
    return f"proven: {requirement.proven}" if requirement.proven else ""


def proven_safe(spec: Spec, since: float, measurements: Mapping[str, MeasurementHistory], now: float) -> bool:
    """Whether every guardrail that gates and tests at every look has proven in this stage that it keeps its limit."""
    latest = [fresh(guardrail, measurements, now) for guardrail in gates(spec) if guardrail.proves]
    return bool(latest) and all(
        last is not None and last.verdict is Verdict.PASS and last.begins >= since and last.proven is Proof.SAFE
        for last in latest
    )


def _found(requirement: Requirement, last: Measurement | None, since: float) -> str:
    if last is None or last.value is None:
        return "it has no value yet"
    if last.begins < since:
        return f"its window still reaches back before this stage (it is {last.value:.4g})"
    unproven = ", not proven yet" if requirement.proven is not None and last.proven is None else ""
    return f"it is {last.value:.4g} ({last.verdict}{unproven})"


def overdue(guardrail: Guardrail, measured: MeasurementHistory, state: State, now: float) -> Missing | None:
    """The policy for evidence that has been missing, or held back, for longer than it allows; `None` while none has.

    One that rolls back comes first.
    """
    last = measured.last
    if last is None or measured.guardrail != guardrail:
        return None
    since = max(state.measurements_from, state.in_force_since)
    due = [
        policy
        for begun, policy in _policies(guardrail, measured, last, state.evidence_from)
        if now - max(begun, since) >= policy.after
    ]
    return max(due, key=lambda policy: policy.action is MissingAction.ROLLBACK, default=None)


def _policies(
    guardrail: Guardrail, measured: MeasurementHistory, last: Measurement, evidence_from: float
) -> Iterator[tuple[float, Missing]]:
    """What is wrong with the evidence: since when, and the policy for it."""
    yield measured.missing_since, guardrail.on_error if last.verdict is Verdict.ERROR else guardrail.on_no_data
    if last.held is None or last.begins < evidence_from:  # a bad value of an earlier attempt says nothing of this one
        return
    policy = guardrail.on_held_back
    yield measured.held_since, policy
    # A count that can't be had must not disarm the guardrail: nothing shows that its values stand on too little.
    if last.held is Held.UNCOUNTED and guardrail.action is Action.ROLLBACK:
        yield measured.uncounted_since, policy.model_copy(update={"action": MissingAction.ROLLBACK})
