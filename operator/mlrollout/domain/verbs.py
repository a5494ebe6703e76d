"""What a person asks for by an annotation: heard once, answered in the history."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mlrollout.api.approval import Approval
from mlrollout.api.spec import Spec, Stage

from . import named
from .attempt import foreign, renew
from .decision import Alert, Observation
from .latch import latch, untold
from .reason import Reason
from .record import Cause
from .request import Heard, Request, Verb, shown
from .stages import current, following, last_stage_up_to, move
from .state import Phase, State
from .verb_plan import Refusal, demotion

NOTHING_BEGUN = "nothing has begun that it could be about"

VerbAnswer = State | Refusal
"""The state after a verb, or why it is not acted on: a clause that goes on after "... is refused: "."""


def hear(spec: Spec, observation: Observation, state: State, now: float) -> State:
    """The state after the requests that have not been acted on yet.

    A request acted on stays marked in `state.verbs` until its annotation is known to be gone, so that neither a
    restart nor a second operator acts on it twice. Known, and not only seen: it may have been removed and set again
    with the same words since somebody looked. So whoever removes it says in the same write whose mark that ends.
    """
    marks = {
        verb: mark
        for verb, mark in state.verbs.items()
        if verb in observation.verbs
        and observation.verbs[verb].heard_by(mark)
        and mark.token not in observation.removed
    }
    fresh = {
        verb: observation.verbs[verb]
        for verb in Verb
        if verb in observation.verbs and verb not in marks and not observation.verbs[verb].manifest
    }
    if _may_be_another(observation, state):
        fresh.pop(Verb.ROLLBACK, None)
    marks |= {str(verb): Heard(shown(request.text), request.id, now) for verb, request in fresh.items()}
    if dict(state.verbs) != marks:
        state = replace(state, verbs=marks)
    state = _kept_down(observation, state, now)
    for verb, request in fresh.items():
        state = _answered(verb, request, spec, observation, state, now)
    return state


def answer(verb: Verb, request: Request, spec: Spec, observation: Observation, state: State, now: float) -> VerbAnswer:
    """What comes of one request."""
    rollback = observation.verbs.get(Verb.ROLLBACK)
    if verb is not Verb.ROLLBACK and rollback is not None:
        # Also one that was heard before and is not removed yet: to ask for it once more would change nothing in the
        # object, so nobody can know which of the two was said last.
        where = f", in a manifest that {rollback.manifest} applies: take it out first" if rollback.manifest else ""
        return Refusal(f"a rollback is asked for as well, and it outranks every other verb{where}")
    return _ANSWERS[verb](spec, observation, state, now, _why(request))


def _answered(verb: Verb, request: Request, spec: Spec, observation: Observation, state: State, now: float) -> State:
    found = answer(verb, request, spec, observation, state, now)
    return found if isinstance(found, State) else _refuse(state, now, verb, _why(request), str(found))


def _may_be_another(observation: Observation, state: State) -> bool:
    """Whether it is rolled back, and Redis may come to hold another replica's rollback, by which that is told.

    To refuse one that is asked for meanwhile would be to answer it twice, were it the one that the other has heard.
    """
    traffic = observation.traffic
    return untold(state) and (traffic is None or not (traffic.unreadable or foreign(traffic, observation, state)))


def _kept_down(observation: Observation, state: State, now: float) -> State:
    """A rollback in a manifest is no request that could be over: no attempt begins while it stands there."""
    request = observation.verbs.get(Verb.ROLLBACK)
    if request is None or not request.manifest or state.phase is Phase.ROLLED_BACK:
        return state
    explanation = (
        f"asked for by an annotation that {request.manifest} keeps in a manifest: {_why(request)}; "
        f"nothing begins again until mlrollout.dev/{Verb.ROLLBACK} is taken out of it"
    )
    return latch(state, now, Cause(Reason.MANUAL_ROLLBACK, explanation, now))


def in_manifests(requests: Mapping[str, Request]) -> Iterator[Alert]:
    """What is said about verbs that stand in a manifest and are ignored, as long as they do.

    They are left where they are: an applier would put them back at once, and both would write for ever.
    """
    for verb, request in requests.items():
        if request.manifest and verb != Verb.ROLLBACK:
            message = (
                f"{verb}: it stands in a manifest that {request.manifest} applies, and would be asked for again with "
                f"every apply, so it is ignored. Take mlrollout.dev/{verb} out of the manifest, and ask with "
                f'kubectl annotate mlr NAME mlrollout.dev/{verb}="why"'
            )
            yield Alert(Reason.VERB_REFUSED, verb, message)


def too_early(requests: Mapping[str, Request]) -> Iterator[Alert]:
    """What is said about verbs for an object that has not begun, and can't until somebody mends it.

    They are not kept for the day when it does: by then nobody thinks of them. But for a rollback, which
    keeps the object from beginning, and so is heard whenever that is.
    """
    for verb, request in requests.items():
        if not request.manifest and verb != Verb.ROLLBACK:
            message = f"{_quoted(verb, _why(request))} is refused: {NOTHING_BEGUN}"
            yield Alert(Reason.VERB_REFUSED, verb, message)


def _refuse(state: State, now: float, verb: Verb, why: str, because: str) -> State:
    return state.with_transition(now, Reason.VERB_REFUSED, f"{_quoted(verb, why)} is refused: {because}", warning=True)


def _quoted(verb: str, why: str) -> str:
    return f"{verb} ({why})"


def _why(request: Request) -> str:
    return shown(request.text) or "no reason given"


def _rollback(_spec: Spec, _observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    cause = Cause(Reason.MANUAL_ROLLBACK, f"asked for by annotation: {why}", now)
    found = state.record.cause
    if found is not None and (found.reason, found.message) == (cause.reason, cause.message):
        return state  # another replica heard it first; were it a second one, all is as it asks
    if state.phase is Phase.ROLLED_BACK:
        return Refusal("this attempt is rolled back already")
    return latch(state, now, cause)


def _retry(spec: Spec, observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    if state.phase is not Phase.ROLLED_BACK:
        return Refusal("this attempt is not rolled back; there is nothing to begin again")
    return renew(
        state.with_transition(now, Reason.RETRIED, f"a new attempt is asked for: {why}"), spec, observation, now
    )


def _resume(spec: Spec, observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    if spec.paused and not observation.held:
        because = "spec.paused is true and keeps the rollout paused; set it to false"
        return _refuse(replace(state, paused=False), now, Verb.RESUME, why, because)
    if not state.paused:
        return Refusal("the rollout is not paused")
    return replace(state, paused=False).with_transition(now, Reason.RESUMED, f"the rollout goes on: {why}")


def _pause(_spec: Spec, _observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    if state.paused:
        return Refusal("the rollout is paused already")
    return replace(state, paused=True).with_transition(now, Reason.PAUSED, f"the rollout is paused: {why}")


def _approve(spec: Spec, _observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    stage = _next_stage(spec, state)
    waits = state.waiting
    needed = stage is not None and stage.approval is Approval.MANUAL and state.approved != stage.name
    if waits is not None and named.is_meant(waits, why, alone=not needed):
        return named.approved(state, waits, now, why)
    if waits is not None and not needed:
        # Not just any word: another may be named by now than the one that the person saw.
        return Refusal(f'revision {waits.revision} waits, and has to be named: "{waits.revision} why"')
    if waits is not None and stage is not None and not f"{why} ".startswith(f"stage {stage.name} "):
        both = f"stage {stage.name} and revision {waits.revision} wait"
        return Refusal(f'{both}: begin with "stage {stage.name}" or "revision {waits.revision}"')
    if stage is None:
        return Refusal("there is no further stage in this attempt")
    if stage.approval is not Approval.MANUAL:
        return Refusal(f"the next stage, {stage.name}, needs no approval")
    return replace(state, approved=stage.name).with_transition(
        now, Reason.APPROVED, f"stage {stage.name} may be entered: {why}"
    )


def _promote(spec: Spec, _observation: Observation, state: State, now: float, why: str) -> VerbAnswer:
    stage = current(spec, state.record)
    if state.phase is not Phase.IN_STAGE or stage is None:
        return _nowhere(state)
    after = _next_stage(spec, state)
    state = replace(state, promoted=stage.name, approved=after.name if after is not None else state.approved)
    return state.with_transition(
        now, Reason.PROMOTED, f"stage {stage.name} may be left once every guardrail passes: {why}"
    )


def _demote(spec: Spec, _observation: Observation, state: State, now: float, value: str) -> VerbAnswer:
    """Back to an earlier stage; the value is the percentage it may have at most, and why."""
    said, record = demotion(value), state.record
    if said is None:
        example = f'annotate mlrollout.dev/{Verb.DEMOTE}="10 too many complaints"'
        return Refusal(f"it must say to how many per cent at most, and why: {example}")
    most, why = said[0], said[1] or "no reason given"
    if state.phase in (Phase.ROLLED_BACK, Phase.BEFORE_FIRST_STAGE):
        return _nowhere(state)
    if most >= record.percentage:
        return Refusal(f"{record.percentage} % is no more than {most} % already")
    stage = last_stage_up_to(spec, most)
    if stage is None:
        return Refusal(
            f"no stage asks for {most} % or less; to take traffic to 0 %, annotate mlrollout.dev/{Verb.ROLLBACK}"
        )
    message = f"{record.percentage} % -> {stage.percentage} %, back to stage {stage.name}: {why}"
    return move(state, stage, now).with_transition(now, Reason.DEMOTED, message)


def _nowhere(state: State) -> Refusal:
    return Refusal("the attempt is rolled back" if state.phase is Phase.ROLLED_BACK else "no stage is under way")


def _next_stage(spec: Spec, state: State) -> Stage | None:
    return None if state.phase is Phase.ROLLED_BACK else following(spec, state.record)


_ANSWERS: dict[Verb, Callable[[Spec, Observation, State, float, str], VerbAnswer]] = {
    Verb.ROLLBACK: _rollback,
    Verb.RETRY: _retry,
    Verb.RESUME: _resume,
    Verb.APPROVE: _approve,
    Verb.PROMOTE: _promote,
    Verb.DEMOTE: _demote,
    Verb.PAUSE: _pause,
}
