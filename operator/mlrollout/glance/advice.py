"""What a rollout waits for, why, and what a person can do about it."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlrollout.api.duration import brief
from mlrollout.domain.request import Verb

from .guardrails import worst
from .rollout import Glance, Rollback

_WHERE = re.compile(r"^\d+ %, [^:]*: ")
"""How the operator begins the message of what waits: the percentage and the stage, which stand elsewhere here."""
_LOOK = "see whether the operator runs: kubectl mlrollout doctor"
_RUNS = f"if this stays, {_LOOK}"
_AS_OF = re.compile(r" \(as of [^)]*\)(?=$|; )")
_NEW = "a new revision"
_PLAIN = re.compile(r"[\w.:/@+-]+", re.ASCII)
"""What a shell takes as it stands between double quotes."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody on call wants to know.

    Attributes:
        waits: What it waits for, in a word or two; empty where it waits for nothing.
        why: One sentence: why it doesn't go on, why it was rolled back, or that all is well.
        todo: What to do; empty for nothing.
        verb: The verb that does it, where one does.
    """

    waits: str
    why: str
    todo: str = ""
    verb: Verb | None = None


def advise(glance: Glance) -> Advice:
    """What is to be told of a rollout."""
    if glance.deleting is not None:
        return _deleting(glance)
    return _with_what_waits(glance, _standing(glance)) if glance.waiting else _standing(glance)


def _standing(glance: Glance) -> Advice:
    found = _going_on(glance)
    if glance.silent is None or glance.reason == "AwaitingOperator":  # of which nothing was heard before
        return found
    return _silent(glance, glance.silent, found)


def _going_on(glance: Glance) -> Advice:
    special = _SPECIAL.get(glance.reason)
    if special is not None:
        return special(glance)
    if glance.rollback is not None:
        return _rolled_back(glance, glance.rollback)
    return Advice(glance.reason or "unknown", f"it is not going on: {_said(glance) or 'its status does not say why'}")


def _since(glance: Glance, at: float | None) -> str:
    """How long something has been."""
    return "an unknown time" if at is None else brief(max(0.0, glance.now - at))


def _said(glance: Glance) -> str:
    """What the operator says, without where, when, and the revision that waits, which is told apart."""
    said = glance.message.partition("; revision ")[0] if glance.waiting else glance.message
    return _AS_OF.sub("", _WHERE.sub("", said))


def _stands(glance: Glance) -> str:
    here = glance.here
    return f"stage {here.name} ({here.percentage} %)" if here is not None else "the time before the first stage"


def _coming(glance: Glance) -> str:
    ahead = glance.ahead
    return f"{ahead.name} ({ahead.percentage} %)" if ahead is not None else "completion"


def _deleting(glance: Glance) -> Advice:
    why = f"it was deleted {_since(glance, glance.deleting)} ago, and is here until the operator has given its key up"
    return Advice("its deletion", why, _RUNS)


def _awaiting_operator(glance: Glance) -> Advice:
    why = f"no operator has looked at it since it was created {_since(glance, glance.created)} ago"
    return Advice("the operator", why, _RUNS)


def _silent(glance: Glance, silent: float, found: Advice) -> Advice:
    """The advice where the operator should have been heard of: what it said last may not hold, and no verb helps."""
    until = f"what it said last: {found.why}"
    if glance.reason == "Progressing" and glance.here is not None:
        until = f"{_stands(glance)} was healthy until then"
    elif glance.reason == "Completed":
        until = _completed(glance)
    why = f"the operator was last heard of {brief(silent)} ago, and may guard it no more: {until}"
    return Advice("the operator", why, _LOOK)


def _progressing(glance: Glance) -> Advice:
    here = glance.here
    if here is None:
        return Advice("its first stage", f"it is before its first stage: {_said(glance)}")
    served = f"{brief(here.served or 0)} of {brief(here.duration)}"
    early = " at the earliest" if here.soonest < here.duration else ""
    approval = ", once approved" if glance.ahead is not None and glance.ahead.manual else ""
    why = (
        f"all is well: {_stands(glance)} was healthy for {served}, and {_coming(glance)} follows in {brief(here.rest)}"
    )
    return Advice("time", f"{why}{early}{approval}")


def _requirements(glance: Glance) -> Advice:
    why = f"{_stands(glance)} has served its time, and a stricter limit of it is not met: {_said(glance)}"
    return Advice("a requirement", why, "wait until it is met, or change the stage's `require`")


def _approval(glance: Glance) -> Advice:
    why = f"{_stands(glance)} is served, and {_coming(glance)} waits for a person's word"
    return Advice("approval", why, "approve it, if you mean it", Verb.APPROVE)


def _evidence(glance: Glance) -> Advice:
    lacking = tuple(one for one in glance.guardrails if one.finding not in ("Pass", "Breach") and one.action != "Alert")
    waits = worst(lacking)
    if waits is None:
        todo = "wait: what the guardrails look back on has to lie in this stage"
        return Advice("evidence", f"evidence is missing for {_coming(glance)}: {_said(glance)}", todo)
    said: dict[str, list[str]] = {}
    for one in lacking:
        said.setdefault(one.message or "it was not looked at yet", []).append(one.name)
    told = "; ".join(f"{' and '.join(names)}: {message}" for message, names in said.items())
    todo = "nothing grows until it is there; mend what is said to be missing, or else wait"
    return Advice(waits.name, f"evidence is missing for {_coming(glance)}: {told}", todo)


def _unhealthy(glance: Glance) -> Advice:
    found = worst(glance.guardrails)
    waits = "a guardrail" if found is None else found.name
    why = f"a guardrail is breached and keeps traffic from growing: {_said(glance)}"
    if not glance.percentage:
        return Advice(waits, why, "see what it found; nobody is in treatment, and nobody gets there until it passes")
    return Advice(waits, why, "see what it found; to take everybody out of treatment, roll back", Verb.ROLLBACK)


def _windows(glance: Glance) -> Advice:
    return Advice("windows", f"the evidence still reaches back into the attempt before: {_said(glance)}")


def _paused(glance: Glance) -> Advice:
    if glance.paused:
        return Advice("a person", "it is paused by spec.paused", "set spec.paused to false where the object is kept")
    told = next((step.message for step in reversed(glance.history) if step.reason == "Paused"), "")
    why = f"a person has paused it{told.removeprefix('the rollout is paused')}; a breach would still roll it back"
    return Advice("a person", why, "resume it", Verb.RESUME)


def _unconfirmed(glance: Glance) -> Advice:
    back, trouble = glance.rollback, glance.traffic or _said(glance)
    if back is None:
        why = f"Redis is not known to hold {glance.asked} %: {trouble}"
        return Advice(
            "Redis", why, "see the address, the password and the network of its Redis; nothing grows until then"
        )
    why = f"users may still be in treatment, for Redis is not known to hold 0 % yet: {trouble}"
    return Advice("Redis", why, "reach its Redis; the operator goes on trying, and 0 can be set there by hand")


def _complete(glance: Glance) -> Advice:
    watch = "its guardrails go on looking" if glance.guarded else "nobody looks at its guardrails any more"
    return Advice("", f"{_completed(glance)}, and {watch}")


def _completed(glance: Glance) -> str:
    last = glance.stages[-1].percentage if glance.stages else glance.percentage
    return f"it is complete at {last} % since {_since(glance, glance.since)}"


def _rolled_back(glance: Glance, back: Rollback) -> Advice:
    what = "taken to 0 %" if back.since is None else f"rolled back from {back.since} % to 0 %"
    where = f" in stage {back.stage}" if back.stage else ""
    when = "" if back.at is None else f" {_since(glance, back.at)} ago"
    why = f"it was {what}{when}{where}: {_because(back)}"
    new = "another version in its source" if glance.sourced else "a new spec.revision"
    todo = _AFTER.get(back.reason, _AFTER["RolledBack"]).format(new=new)
    return Advice(_NEW, why, todo, Verb.RETRY)


def _because(back: Rollback) -> str:
    return back.message or "the record in Redis does not say why, and an older operator's log may"


def _with_what_waits(glance: Glance, found: Advice) -> Advice:
    """The advice on a rollout of which another revision waits: for a person, who has to name it, or a pause."""
    pauses = [end for end, holds in (("spec.paused: false", glance.paused), ("`resume`", glance.held)) if holds]
    waits_for = " and for ".join(("a person's word", *pauses) if glance.unapproved else pauses)
    why = f"{found.why}; revision {glance.waiting} waits for {waits_for}"
    waits = "a person" if pauses else "approval"
    waits = waits if found.waits in ("", _NEW) else found.waits
    if not glance.unapproved:
        return Advice(waits, why, *_resume(glance, found))
    stage = glance.ahead if glance.ahead is not None and glance.ahead.manual else None
    # Where a stage may wait as well, the operator takes no word that could mean either.
    begin = _approve(glance, f"revision {glance.waiting}" if stage is not None else glance.waiting)
    if stage is not None and glance.reason == "AwaitingApproval":
        enter = _approve(glance, f"stage {stage.name}")
        return Advice(waits, why, f"say which of them you mean, the stage: {enter}; or the revision: {begin}")
    then = ", once it goes on" if pauses else ""
    todo = f"to have revision {glance.waiting} begin at 0 %{then}, if you mean it: {begin}"
    return Advice(waits, why, "; ".join(filter(None, (found.todo, todo))))


def _resume(glance: Glance, found: Advice) -> tuple[str, Verb | None]:
    """What to do, and its verb, where only a pause keeps a revision from beginning."""
    if glance.reason == "Paused":
        return found.todo, found.verb
    end = "set spec.paused to false where the object is kept" if glance.paused else "resume it"
    todo = f"to have revision {glance.waiting} begin at 0 %, {end}"
    verb = found.verb if found.verb is not None or glance.paused else Verb.RESUME
    return "; ".join(filter(None, (found.todo, todo))), verb


def _approve(glance: Glance, word: str) -> str:
    """The command that approves by a word, which somebody else has named and a shell is not to act on."""
    said = f"{word} why"
    quoted = f'"{said}"' if all(map(_PLAIN.fullmatch, word.split())) else shlex.quote(said)
    return f"kubectl mlrollout approve {glance.name} -n {glance.namespace} --reason {quoted}"


def _mend(waits: str, what: str, todo: str) -> Callable[[Glance], Advice]:
    """The advice where somebody has to mend something."""
    return lambda glance: Advice(waits, f"{what}: {_said(glance)}", todo)


_AFTER: Mapping[str, str] = {
    "GuardrailBreached": "mend the model and ask for it by {new}; if it was not the model, retry",
    "EvidenceMissing": "mend the monitoring or the model, then retry",
    "ManualRollback": "retry, or ask for {new}, once the reason is gone",
    "EmergencyStop": "retry, or ask for {new}, once the reason is gone",
    "InvalidSpec": "correct the spec, then retry",
    "RolledBack": "retry, or ask for {new}",
}
"""What to do after a rollback, by its cause."""

_SPECIAL: Mapping[str, Callable[[Glance], Advice]] = {
    "AwaitingOperator": _awaiting_operator,
    "Progressing": _progressing,
    "AwaitingRequirements": _requirements,
    "AwaitingApproval": _approval,
    "GuardrailsUnknown": _evidence,
    "GuardrailsUnhealthy": _unhealthy,
    "WindowsNotClear": _windows,
    "Paused": _paused,
    "TrafficUnconfirmed": _unconfirmed,
    "Completed": _complete,
    "RecordUnreadable": _mend(
        "its record",
        "the record in Redis can't be read, and clients answer control",
        "if no newer operator wrote it, delete KEY:record in Redis",
    ),
    "KeyConflict": _mend("its key", "another object has its key", "use another key, or delete that object"),
    "KeyRefused": _mend(
        "its key", "its Redis can't serve this key", "use another key; this one can't be changed, so delete the object"
    ),
    "RevisionUnknown": _mend(
        "its revision",
        "the source of its revision names none, so nothing begins",
        "see the source and its address in spec.revisionFrom; docs/revisions.md says what each needs",
    ),
    "ConnectionRefused": _mend(
        "its Prometheus",
        "it may not ask its Prometheus",
        "an administrator allows the address (allowedPrometheusAddresses), or the operator is given one",
    ),
    "InvalidSpec": _mend(
        "its spec", "its spec can't be used as a whole", "correct it, or bring operator and CRD to one version"
    ),
    "InvalidQuery": _mend(
        "a query", "Prometheus can't read a guardrail's query", "correct it; docs/evidence-rules.md says what to write"
    ),
}
"""What is told by the reason of Ready; of others it is the rollback that counts."""
