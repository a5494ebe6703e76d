"""How a rollout stood when somebody looked at it, and what has changed since. Pure.

A verb says what is to be done, and not where: asked for a second time, once the first has been answered, `promote`
raises by a second stage. So what depends on how the rollout stands is tied to how it stood on the person's page.
"""

from mlrollout.domain.annotations import requests
from mlrollout.domain.request import Verb
from mlrollout.glance.fields import Fields
from mlrollout.ports import Object

from .exchange import VerbRequest
from .models import Situation

_RAISE = frozenset({Verb.RETRY, Verb.RESUME, Verb.APPROVE, Verb.PROMOTE})
_MOST_STEPS = 3


def situation(found: Object) -> Situation:
    """How an object stands."""
    whole = Fields(found)
    metadata, status = whole.part("metadata"), whole.part("status")
    return Situation(
        uid=metadata.text("uid"),
        generation=metadata.whole("generation"),
        attempt=status.whole("attempt"),
        stage=status.part("record").text("stage"),
        step=status.whole("serial"),
        waiting=status.part("waiting").text("revision"),
    )


def depends(wish: VerbRequest) -> bool:
    """Whether what comes of it depends on how the rollout stands, so that asked for twice it may be done twice."""
    return wish.verb in _RAISE or (wish.verb is Verb.DEMOTE and wish.percentage is None)


def objection(found: Object, wish: VerbRequest) -> str:
    """Why a verb was not meant for an object as it stands now, in a sentence; empty where it was.

    What can only lower is held against the object alone: that it has moved on is no reason to keep users in treatment.
    """
    if wish.seen is None:
        return ""
    now = situation(found)
    if now.uid != wish.seen.uid:
        return "It is another rollout: the one that you saw was deleted, and this was made under its name."
    if not depends(wish):
        return ""
    if now != wish.seen:
        return f"It has moved on since you looked at it{_since(found, wish.seen, now)}."
    request = requests(found.get("metadata") or {}).get(wish.verb)
    if request is not None and not request.manifest:
        # Said anew, it would be heard anew, and maybe only in the stage that the first has led to.
        return f"{wish.verb} is asked for already, and the operator has not answered yet."
    return ""


def _since(found: Object, seen: Situation, now: Situation) -> str:
    history = Fields(found).part("status").parts("history")
    steps = [f"{one.text('reason')} ({one.text('message')})" for one in history if one.whole("serial") > seen.step]
    if now.generation != seen.generation:
        steps.insert(0, "its spec was changed")
    if now.waiting != seen.waiting and now.waiting:
        steps.append(f"revision {now.waiting} waits")
    return f": {'; '.join(steps[-_MOST_STEPS:])}" if steps else ""
