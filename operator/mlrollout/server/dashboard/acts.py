"""Asking for a verb, in the person's name: planned on the object as it stands, and answered by the operator.

Whatever the operator would refuse is not asked for; a rollback looks at nothing, so that nothing can be in its way.
"""

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from mlrollout.api import moment
from mlrollout.domain.foretell import Foretold, foretell, offered, step_down
from mlrollout.domain.request import Verb, one_line, signed
from mlrollout.domain.verb_plan import rollback
from mlrollout.glance.reply import VerbReply, last_step, reply, rolled_back
from mlrollout.ports import ConflictError, DeniedError, GoneError, Object, ObjectsError, Ref
from mlrollout.server.auth import audit
from mlrollout.server.http.body import read_model
from mlrollout.server.http.problem import HttpProblem

from .board import BOARD, Board
from .exchange import VerbOutcome, VerbRequest
from .known import KnownRollouts, version_of
from .people import PATCH, Person, check_csrf
from .refs import checked
from .situation import depends, objection

PATH = "/dashboard/api/rollouts/{namespace}/{name}/acts"
TRIES = 5
"""How often a verb is planned anew because the object has changed meanwhile."""
ASKED_WITHIN = 9.0
"""Seconds that the API server is given to take it; with what the operator is given, less than any answer may take."""
ANSWERED_WITHIN = 5.0
"""Seconds that the operator is given to answer before the page is told that it has yet to."""
_LONGEST_NAME = 200  # characters of a person's name that fit into a reason
_BY_HAND = "In an emergency, set its key to 0 in Redis."


def add(app: web.Application) -> None:
    """Add the route."""
    app.router.add_post(PATH, act)


async def act(request: web.Request) -> web.Response:
    """Ask for a verb, and wait a while for what the operator answers."""
    board = request.app[BOARD]
    person = await board.people.person(request)
    check_csrf(request, person)
    ref = checked(request.match_info["namespace"], request.match_info["name"])
    if not await person.may(PATCH, ref):
        audit.act(request, "Asked for what is not theirs", object=str(ref))
        raise HttpProblem(
            403, f"{person.name or 'You'} may not do that: it takes the right to patch the MLRollout {ref}."
        )
    wish = await read_model(request, VerbRequest)
    async with board.watch.watching():  # so that the answer is heard of
        answer = await _asked(request, board, person, ref, wish)
    return web.Response(text=answer.text(), content_type="application/json")


async def _asked(request: web.Request, board: Board, person: Person, ref: Ref, wish: VerbRequest) -> VerbOutcome:
    facts = {"object": str(ref), "verb": wish.verb}
    try:
        async with asyncio.timeout(ASKED_WITHIN):
            asked, means = await _ask(board, ref, wish, _signed(wish.reason, person.name))
    except HttpProblem as problem:
        failed = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
        event = "Could not ask for a verb" if failed else "Asked for what can't be had"
        audit.act(request, event, **facts, why=problem.detail)
        raise
    except GoneError:
        raise HttpProblem(404, f"There is no MLRollout {ref} any more.") from None
    except DeniedError as error:
        audit.act(request, "Asked for what the cluster denies", **facts, why=str(error))
        raise HttpProblem(403, str(error)) from None
    except (ObjectsError, TimeoutError) as error:
        why = str(error) or f"The API server has not answered within {ASKED_WITHIN:.0f} s."
        audit.act(request, "Could not ask for a verb", **facts, error=why)
        raise HttpProblem(503, f"{why} {_BY_HAND}") from None  # it may have been asked for all the same
    audit.act(request, "Asked for a verb", **facts)
    if wish.verb is Verb.ROLLBACK and rolled_back(asked):
        return VerbOutcome(accepted=True, answered=True, message="it is rolled back already, and stays so")
    answer = await _answer(board.watch.known, ref, wish.verb, asked)
    if answer is None:
        return VerbOutcome(accepted=True, answered=False, message=means)
    return VerbOutcome(accepted=not answer.refused, answered=True, message=answer.message)


async def _ask(board: Board, ref: Ref, wish: VerbRequest, why: str) -> tuple[Object, str]:
    """Set the annotation; the object right after it, and what comes of it."""
    if depends(wish) and wish.seen is None:
        raise HttpProblem(
            422, f"What {wish.verb} does depends on how the rollout stands: say what was `seen`, or load the page anew."
        )
    for _ in range(TRIES):
        if wish.verb is Verb.ROLLBACK:  # of the object as it is by then: a conflict is the API server's own
            with suppress(ConflictError):
                return await board.cluster.ask(ref, wish.verb, why), rollback(why).means
            continue
        found = await _read(board, ref)
        _check_seen(found, wish)
        told = _foretold(found, wish, why)
        try:
            # It was planned for the object as it was read: one stage later, the same verb would go further.
            asked = await board.cluster.ask(ref, told.verb, told.value, version=version_of(found))
        except ConflictError:
            continue
        return asked, told.means
    often = f"{ref} changes too often now. Try again. {_BY_HAND}"
    raise HttpProblem(503, often, headers={"Retry-After": "1"}, asked=False)


async def _read(board: Board, ref: Ref) -> Object:
    """The object as it stands.

    Raises:
        HttpProblem: It can't be known, so that nothing was asked for.
    """
    try:
        return await board.cluster.read(ref)
    except (DeniedError, GoneError):
        raise
    except ObjectsError as error:
        raise HttpProblem(503, f"{error} {_BY_HAND}", asked=False) from None


def _check_seen(found: Object, wish: VerbRequest) -> None:
    """Refuse what was meant for the object as it stood before.

    Raises:
        HttpProblem: It has moved on.
    """
    if against := objection(found, wish):
        raise HttpProblem(HTTPStatus.CONFLICT, f"{against} Nothing was asked for now: look at it anew first.")


def _foretold(found: Object, wish: VerbRequest, why: str) -> Foretold:
    """What would come of it.

    Raises:
        HttpProblem: The operator would refuse.
    """
    now = time.time()
    if wish.verb is Verb.DEMOTE:
        most = step_down(found) if wish.percentage is None else wish.percentage
        why = f"{most} {why}"
    told = foretell(found, wish.verb, why, now)
    if told.refused:
        others = [str(one.verb) for one in offered(found, now)]
        raise HttpProblem(HTTPStatus.CONFLICT, f"The operator would refuse: {told.refused}.", offers=others)
    return told


async def _answer(known: KnownRollouts, ref: Ref, verb: Verb, asked: Object) -> VerbReply | None:
    """What the operator answers; `None` where it does not in time."""
    after, ends = last_step(asked), time.monotonic() + ANSWERED_WITHIN
    with known.waiting() as woken:
        while (left := ends - time.monotonic()) > 0:
            woken.clear()
            one = known.get(ref)
            # What was seen before the verb stood there has no answer to it.
            if one is not None and _is_no_older(one.found, asked) and (answer := reply(one.found, verb, after)):
                return answer
            try:
                async with asyncio.timeout(left):
                    await woken.wait()
            except TimeoutError:
                break
    return None


def _is_no_older(found: Object, asked: Object) -> bool:
    """Whether an object as it was seen is that of an answer, or a later one; versions are numbers that grow."""
    seen, wanted = version_of(found), version_of(asked)
    return seen == wanted or (seen.isdecimal() and wanted.isdecimal() and int(seen) > int(wanted))


def _signed(reason: str, name: str) -> str:
    """Why, who and when; by the time two calls are two requests, also where the first is not heard yet."""
    # A policy of the cluster may ask that a reason ends with exactly this (docs/operations.md, "Rights of their own").
    who = one_line(name)
    by = f" (by {who})" if 0 < len(who) <= _LONGEST_NAME else ""  # a part of a name would be somebody else's
    return signed(reason, f"[dashboard {moment.render(time.time())}]{by}")
