"""From an object to all that the dashboard shows of it. Pure."""

import re
from collections.abc import Iterator, Sequence

from mlrollout.api.recent import PastLook
from mlrollout.domain.reason import Reason
from mlrollout.glance.advice import Advice
from mlrollout.glance.fields import Fields
from mlrollout.glance.guardrails import GuardrailGlance
from mlrollout.glance.rollout import Glance
from mlrollout.glance.stages import StageGlance
from mlrollout.ports import Object

from .figure_models import PercentageTrack, TrackEvent
from .lines import common, when
from .models import DetailCondition, DetailGuardrail, DetailStage, DetailStep, GuardrailLook, RolloutDetail, VerbOffer
from .situation import situation

_NAME = r"(?:[^()]|\([^()]*\)){1,256}?"  # names have spaces, and brackets with something in them
_BY = re.compile(rf"\[dashboard [^][]{{1,40}}\](?: \(by ({_NAME})\))?|\(by ({_NAME})(?: over HTTP at [^()]{{1,40}})?\)")
"""How whoever asks for a verb signs, behind the reason: `(by kim)`, `(by ops over HTTP at …)`, and by the dashboard
`[dashboard …] (by kim)`, or without a name where that does not fit."""
_BARE = re.compile(r": by (\S{1,256})(?=$|; )")
"""The same where the person gave no reason at the command line."""
_BY_ANNOTATION = "asked for by annotation: "
_ASKED_FOR = frozenset(
    {
        Reason.MANUAL_ROLLBACK,
        Reason.RETRIED,
        Reason.RESUMED,
        Reason.APPROVED,
        Reason.PROMOTED,
        Reason.DEMOTED,
        Reason.PAUSED,
    }
)
"""The steps that a person's words lead to."""


def detail(found: Object, seen: Glance, advice: Advice, offers: Sequence[VerbOffer]) -> RolloutDetail:
    """All of an object.

    Args:
        found: The object.
        seen: What it tells.
        advice: What it waits for.
        offers: The verbs that the reader may use now.
    """
    whole = Fields(found)
    spec, status = whole.part("spec"), whole.part("status")
    said = {one.text("name"): one for one in status.parts("guardrails")}
    return RolloutDetail(
        **common(found, seen, advice),
        stages=tuple(map(_stage, seen.stages)),
        can=tuple(one.verb for one in offers),
        waiting=seen.waiting,
        todo=advice.todo,
        advised=advice.verb,
        traffic=seen.traffic,
        contested=seen.contested,
        holdback=seen.holdback,
        key=spec.part("traffic").text("key"),
        guardrails=tuple(_guardrail(one, said.get(one.name, Fields(None))) for one in seen.guardrails),
        conditions=tuple(map(_condition, status.parts("conditions"))),
        history=tuple(_history(status)),
        offers=tuple(offers),
        situation=situation(found),
    )


def track(detailed: RolloutDetail, now: float) -> PercentageTrack:
    """The percentage over time, as far as the history goes back."""
    steps = [(at, one) for one in detailed.history if (at := Fields({"at": one.at}).moment("at")) is not None]
    points = [(at, float(one.to)) for at, one in steps]
    if steps and steps[0][1].was is not None:
        points.insert(0, (steps[0][0], float(steps[0][1].was)))
    events = [
        TrackEvent(at=at, reason=one.reason, by=one.by, was=one.was, to=one.to, message=one.message)
        for at, one in steps
        if one.was != one.to
    ]
    return PercentageTrack(points=(*points, (now, float(detailed.percentage))), events=tuple(events))


def signer(reason: str, message: str) -> str | None:
    """The person who asked for what a step tells of, as the request says; `None` for nobody.

    The last signature counts: what stands before it is the person's own words. Of steps that no verb led to, and of
    those that stand in a manifest, none does: anybody may call a revision, or the manager of a field, `x (by kim)`.
    """
    if reason == Reason.ROLLED_BACK:
        message = message.partition(_BY_ANNOTATION)[2]
    elif reason not in _ASKED_FOR or (reason == Reason.MANUAL_ROLLBACK and not message.startswith(_BY_ANNOTATION)):
        return None
    found = ["".join(one) for one in _BY.findall(message)] or _BARE.findall(message)
    return (found and found[-1]) or None


def _stage(seen: StageGlance) -> DetailStage:
    return DetailStage(
        name=seen.name,
        percentage=seen.percentage,
        place=seen.place,
        share=round(seen.share, 4),
        duration=seen.duration,
        served=seen.served,
        manual=seen.manual,
        entered=when(seen.entered),
        left=when(seen.left),
    )


def _guardrail(seen: GuardrailGlance, said: Fields) -> DetailGuardrail:
    evidence = said.part("evidence")
    low, high, chance = evidence.number("low"), evidence.number("high"), evidence.number("falseAlarm")
    return DetailGuardrail(
        name=seen.name,
        kind=seen.kind,
        action=seen.action,
        verdict=seen.finding,
        value=seen.value,
        bound=seen.bound,
        limit=seen.limit,
        message=seen.message,
        at=when(seen.at),
        window=seen.window,
        samples=seen.samples,
        recent=tuple(map(_look, seen.looks)),
        estimate=evidence.number("estimate"),
        interval=None if low is None or high is None else (low, high),
        e_value=evidence.number("eValue"),
        e_bound=1 / chance if chance else None,
        proven=evidence.text("proven") == "Safe",
    )


def _look(one: PastLook) -> GuardrailLook:
    return GuardrailLook(value=one.value, breached=one.breached)


def _condition(said: Fields) -> DetailCondition:
    return DetailCondition(
        type=said.text("type"),
        status=said.text("status"),
        reason=said.text("reason"),
        message=said.text("message"),
        since=when(said.moment("lastTransitionTime")),
    )


def _history(status: Fields) -> Iterator[DetailStep]:
    before: int | None = None
    for step in status.parts("history"):
        message, to = step.text("message"), step.whole("percentage")
        yield DetailStep(
            serial=step.whole("serial"),
            at=when(step.moment("at")),
            reason=step.text("reason"),
            message=message,
            by=signer(step.text("reason"), message),
            warning=step.flag("warning"),
            attempt=step.whole("attempt"),
            revision=step.text("revision"),
            stage=step.text("stage"),
            was=before,
            to=to,
        )
        before = to
