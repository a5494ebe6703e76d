"""Whether evidence lets traffic grow. Only a fresh `Pass` of every guardrail that gates does."""

from collections.abc import Mapping

from mlrollout.api import limits
from mlrollout.api.duration import rough
from mlrollout.api.spec import Guardrail, MissingAction, Requirement, Spec, Stage
from mlrollout.evidence.verdict import Finding, Trail, Verdict

from .state import Blocker, Blockers, Reason, State, Verb


def fresh(guardrail: Guardrail, trails: Mapping[str, Trail], now: float) -> Verdict | None:
    """The guardrail's last look, if it was made under this definition and is not older than its `maxAge`."""
    trail = trails.get(guardrail.name)
    if trail is None or trail.last is None or trail.guardrail != guardrail:
        return None
    return trail.last if 0 <= now - trail.last.at <= guardrail.max_age else None


def gates(spec: Spec) -> tuple[Guardrail, ...]:
    """The guardrails that have to pass."""
    return tuple(guardrail for guardrail in spec.guardrails if guardrail.gates)


def evidence_max_age(spec: Spec) -> float:
    """Seconds for which good evidence stays good: the shortest `maxAge`; 0 where nothing gates."""
    return min((guardrail.max_age for guardrail in gates(spec)), default=0.0)


def pause(spec: Spec, state: State) -> Blockers:
    """The pause that a person asked for, and how it ends."""
    if state.paused:
        return (Blocker(Reason.PAUSED, f"the rollout is paused; annotate mlrollout.dev/{Verb.RESUME} to go on"),)
    if spec.paused:
        return (Blocker(Reason.PAUSED, "the rollout is paused by spec.paused; set it to false to go on"),)
    return ()


def promotion_blockers(spec: Spec, since: float, trails: Mapping[str, Trail], now: float) -> Blockers:
    """What is missing for a `Pass` of every gating guardrail whose whole window lies after `since`.

    Args:
        spec: Names the guardrails.
        since: Seconds since the epoch; when the percentage in force last changed.
        trails: The looks.
        now: Seconds since the epoch.
    """
    if not gates(spec):
        return (Blocker(Reason.GUARDRAILS_UNKNOWN, "every guardrail only alerts, and nothing grows without evidence"),)
    looks = ((guardrail, fresh(guardrail, trails, now)) for guardrail in gates(spec))
    found = (_promotion_blocker(guardrail, since, look) for guardrail, look in looks)
    return tuple(blocker for blocker in found if blocker is not None)


def _promotion_blocker(guardrail: Guardrail, since: float, look: Verdict | None) -> Blocker | None:
    if look is None:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name} has no fresh look yet")
    if look.finding is Finding.BREACH:
        return Blocker(Reason.GUARDRAILS_UNHEALTHY, f"guardrail {guardrail.name}: {look.message}")
    if look.finding is not Finding.PASS:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name}: {look.message}")
    if look.begins < since:
        rest = rough(since - look.begins)
        return Blocker(
            Reason.GUARDRAILS_UNKNOWN,
            f"guardrail {guardrail.name} still looks back {rest} into the time before this stage",
        )
    return None


def first_stage_blockers(spec: Spec, clear: float, trails: Mapping[str, Trail], now: float) -> Blockers:
    """What is missing for the first stage, which is entered on the user's word.

    Every source must answer, no guardrail may be breached, and no window may reach back before
    `clear`, into an earlier attempt: or a mended model would be taken back for the broken one's errors.
    """
    looks = ((guardrail, fresh(guardrail, trails, now)) for guardrail in gates(spec))
    found = (_first_stage_blocker(guardrail, clear, look) for guardrail, look in looks)
    return tuple(blocker for blocker in found if blocker is not None)


def _first_stage_blocker(guardrail: Guardrail, clear: float, look: Verdict | None) -> Blocker | None:
    if look is None:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name} has no fresh look yet")
    if look.finding is Finding.ERROR:
        return Blocker(Reason.GUARDRAILS_UNKNOWN, f"guardrail {guardrail.name}: {look.message}")
    if look.begins < clear:
        rest = rough(clear - look.begins)
        return Blocker(
            Reason.WINDOWS_NOT_CLEAR,
            f"guardrail {guardrail.name} still looks back {rest} into the attempt before; wait until it no longer does",
        )
    if look.finding is Finding.BREACH:
        return Blocker(Reason.GUARDRAILS_UNHEALTHY, f"guardrail {guardrail.name}: {look.message}")
    return None


def requirement_blockers(stage: Stage, since: float, spec: Spec, trails: Mapping[str, Trail], now: float) -> Blockers:
    """What is missing for the stage's own, stricter limits."""
    blockers = []
    guardrails = {guardrail.name: guardrail for guardrail in spec.guardrails}
    for requirement in stage.require:
        look = fresh(guardrails[requirement.guardrail], trails, now)
        if look is None or look.begins < since or not meets(requirement, look):
            wanted = f"{requirement.guardrail} {limits.listed(requirement, digits=4)}"
            message = f"stage {stage.name} requires {wanted}, and {_found(look, since)}"
            blockers.append(Blocker(Reason.AWAITING_REQUIREMENTS, message))
    return tuple(blockers)


def meets(requirement: Requirement, look: Verdict) -> bool:
    """Whether a look passes and its value lies inside the requirement."""
    return look.finding is Finding.PASS and look.value is not None and limits.contains(requirement, look.value)


def _found(look: Verdict | None, since: float) -> str:
    if look is None or look.value is None:
        return "it has no value yet"
    if look.begins < since:
        return f"its window still reaches back before this stage (it is {look.value:.4g})"
    return f"it is {look.value:.4g} ({look.finding})"


def overdue(guardrail: Guardrail, trail: Trail, since: float, now: float) -> bool:
    """Whether evidence has been missing for longer than the guardrail's policy allows."""
    if trail.last is None or trail.guardrail != guardrail:
        return False
    return now - max(trail.missing_since, since) >= policy_after(guardrail, trail.last)


def policy_after(guardrail: Guardrail, look: Verdict) -> float:
    """Seconds that this kind of missing evidence is tolerated."""
    return guardrail.on_error.after if look.finding is Finding.ERROR else guardrail.on_no_data.after


def rolls_back(guardrail: Guardrail, look: Verdict) -> bool:
    """Whether missing evidence of this kind ends in a rollback."""
    policy = guardrail.on_error if look.finding is Finding.ERROR else guardrail.on_no_data
    return policy.action is MissingAction.ROLLBACK
