"""Changing the traffic: each request becomes a verb on the `MLRollout`, with the caller's name in its reason."""

import time
from contextlib import suppress

from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesVerbs
from mlrollout.api import moment
from mlrollout.domain.request import Verb, signed
from mlrollout.domain.verb_plan import Act, Refusal, plan
from mlrollout.domain.verb_plan import rollback as rollback_act
from mlrollout.ports import ConflictError, DeniedError, GoneError, Object, ObjectsError, Ref
from mlrollout.server.auth import audit
from mlrollout.server.auth.access import known_caller, permitted_rollout
from mlrollout.server.auth.callers import Role
from mlrollout.server.backends import BACKENDS
from mlrollout.server.http.body import read_model
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollouts import ServedRollout

from .models import ActAnswer, RollbackRequest, RolloutRequest

TRIES = 5
"""How often a request is planned anew because the object has changed meanwhile."""

_LONGEST_NAME = 100  # characters of a caller's name in a reason, of which the operator keeps `SHOWN` as a whole


async def rollout(request: web.Request) -> ActAnswer:
    """Bring about a percentage: at once where it is lower, by the next stage where it is higher."""
    served = await permitted_rollout(request, Role.ADMIN)
    asked = await read_model(request, RolloutRequest)
    why = _why(request, asked.reason)
    if asked.percentage == 0:
        return await _roll_back(request, served, why)
    verbs, ref = _object(request, served)
    for _ in range(TRIES):
        try:
            found = await verbs.read(ref)
            act = _plan(request, served, found, asked.percentage, why)
            if act is None:
                return ActAnswer(verb=None, percentage=asked.percentage, means="it stands there already")
            # The act was planned for the object as it was read: one stage later, the same verb would raise further.
            return await _ask(request, served, act, version=found["metadata"]["resourceVersion"])
        except ConflictError:
            continue
        except ObjectsError as error:
            raise _problem(error, served) from None
    raise HttpProblem(503, _too_often(ref), headers={"Retry-After": "1"})


async def rollback(request: web.Request) -> ActAnswer:
    """Take traffic to zero, for the rest of the attempt."""
    served = await permitted_rollout(request, Role.ADMIN)
    asked = await read_model(request, RollbackRequest, without=True)
    return await _roll_back(request, served, _why(request, asked.reason))


async def _roll_back(request: web.Request, served: ServedRollout, why: str) -> ActAnswer:
    """Ask for a rollback of the object as it is by then: it names no version, so a conflict is the API server's own."""
    for _ in range(TRIES):
        with suppress(ConflictError):
            return await _ask(request, served, rollback_act(why))
    audit.act(
        request, "Could not ask for a verb", rollout=served.entry.name, object=str(served.ref), verb=Verb.ROLLBACK
    )
    raise HttpProblem(503, f"{_too_often(served.ref)} {_by_hand(served)}", headers={"Retry-After": "1"})


def _plan(request: web.Request, served: ServedRollout, found: Object, percentage: int, why: str) -> Act | None:
    planned = plan(found, percentage, why)
    if not isinstance(planned, Refusal):
        return planned
    audit.act(
        request, "Asked for what can't be had", rollout=served.entry.name, percentage=percentage, why=str(planned)
    )
    raise _refused(planned)


def _refused(refusal: Refusal) -> HttpProblem:
    if not refusal.percentages:
        return HttpProblem(409, str(refusal))
    return HttpProblem(409, str(refusal), percentage=refusal.percentage, percentages=list(refusal.percentages))


async def _ask(request: web.Request, served: ServedRollout, act: Act, version: str = "") -> ActAnswer:
    verbs, ref = _object(request, served)
    facts = {"rollout": served.entry.name, "object": str(ref), "verb": act.verb, "value": act.value}
    try:
        await verbs.ask(ref, act.verb, act.value, version=version)
    except ConflictError:
        raise
    except ObjectsError as error:
        audit.act(request, "Could not ask for a verb", **facts, error=str(error))
        raise _problem(error, served) from None
    audit.act(request, "Asked for a verb", **facts)
    return ActAnswer(verb=act.verb, percentage=act.percentage, means=act.means)


def _object(request: web.Request, served: ServedRollout) -> tuple[KubernetesVerbs, Ref]:
    verbs, ref = request.app[BACKENDS].verbs, served.ref
    if ref is None:
        lacking = "The server's configuration names no `object` for this rollout, so it can be changed by kubectl only"
    elif verbs is None:
        lacking = "The server has no cluster to talk to: its log says why"
    else:
        return verbs, ref
    raise HttpProblem(501, f"{lacking}. {_by_hand(served)}")


def _problem(error: ObjectsError, served: ServedRollout) -> HttpProblem:
    if isinstance(error, GoneError):
        return HttpProblem(
            409, f"There is no MLRollout {served.ref}: create it, or correct `object` in the configuration."
        )
    if isinstance(error, DeniedError):  # to ask again would change nothing: a person has to give a right
        return HttpProblem(403, f"{error} {_by_hand(served)}")
    return HttpProblem(503, f"{error} {_by_hand(served)}", headers={"Retry-After": "1"})


def _too_often(ref: Ref | None) -> str:
    return f"{ref} changes too often now. Try again."


def _by_hand(served: ServedRollout) -> str:
    return f"In an emergency: redis-cli SET {served.rollout.key} 0"


def _why(request: web.Request, reason: str) -> str:
    """Who asks, why and when; by the time two calls are two requests, also where the first is not heard yet."""
    caller = known_caller(request).name[:_LONGEST_NAME]
    return signed(reason, f"(by {caller} over HTTP at {moment.render(time.time())})")
